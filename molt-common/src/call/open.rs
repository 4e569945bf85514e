//! What is kept at a frame: the call that it executes, and equal ones that it has executed in a row.
//!
//! To count a tuple costs the kernel some 60 ns, and to look whether it was told of 40. A function that is called in a
//! loop has its frame at the same address each time, and mostly the same tuple: such calls are counted here, and added
//! to the tables now and then.

use super::{CallKey, outcome};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, transmute_ref};

/// A call that a frame executes, or has executed last. Value of the map `OPEN`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenCall {
    /// The call. It is over where its outcome is set.
    pub key: CallKey,
    /// An instruction of the callee that is known to return what lies on its stack; 0 for none.
    pub returns_at: u64,
    /// Of the calls that are counted here: [`CallKey::result`].
    pub result: u64,
    /// [`CallKey::outcome`].
    pub outcome: u8,
    /// Zero.
    pub reserved: [u8; 7],
    /// Calls like `key` that have begun here in a row.
    pub begun: u32,
    /// Those of them that the map `SEEN` does not count yet.
    pub unsaid: u32,
    /// Calls like `key` that have ended here in a row, all in the same way.
    pub ended: u32,
    /// Those of them that the map `CALLS` does not count yet.
    pub uncounted: u32,
}

const _: () = assert!(size_of::<OpenCall>() == 144);

/// Words of a tuple.
const WORDS: usize = size_of::<CallKey>() / 8;

impl OpenCall {
    /// The first of a row, which begins.
    #[inline(always)]
    pub fn begin(&mut self, key: &CallKey) {
        if self.key.callee != key.callee {
            self.returns_at = 0;
        }
        self.key = *key;
        (self.begun, self.unsaid, self.ended, self.uncounted) = (1, 0, 0, 0);
    }

    /// Whether a call that begins, of which neither outcome nor result is known, is like the last one.
    #[inline(always)]
    pub fn is_like(&self, key: &CallKey) -> bool {
        const OUTCOME: u64 = 0xff;
        let mine: &[u64; WORDS] = transmute_ref!(&self.key);
        let other: &[u64; WORDS] = transmute_ref!(key);
        // All but the last word, the result.
        for at in 0..WORDS - 1 {
            let difference = mine[at] ^ other[at];
            if difference & if at == 3 { !OUTCOME } else { !0 } != 0 {
                return false;
            }
        }
        true
    }

    /// Whether the call that has ended, whose outcome and result are set, ended like those that are counted here.
    #[inline(always)]
    pub fn ends_alike(&self) -> bool {
        self.ended != 0 && self.key.outcome == self.outcome && self.key.result == self.result
    }

    /// The tuple of the calls that are counted here.
    #[must_use]
    pub fn ended_key(&self) -> CallKey {
        CallKey { outcome: self.outcome, result: self.result, ..self.key }
    }

    /// Whether the frame executes the call.
    #[inline(always)]
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.key.outcome == outcome::OPEN
    }
}

/// Whether what is counted in a row of so many calls is to be added to the tables.
#[inline(always)]
pub const fn is_due(calls: u32) -> bool {
    calls.is_power_of_two() || calls.is_multiple_of(64)
}

/// Whether a count that has risen by `more` to `count` has reached or passed a power of two.
#[inline(always)]
pub const fn doubles(count: u64, more: u64) -> bool {
    let before = count.wrapping_sub(more);
    count ^ before > before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> CallKey {
        CallKey {
            program: 1,
            offset: 8,
            caller: 16,
            callee: 24,
            slots: 1,
            args: [5; 8],
            ..CallKey::default()
        }
    }

    /// How the last call ended is no difference; whatever else there is in the tuple is one.
    #[test]
    fn a_call_is_like_the_last_one_but_for_its_end() {
        let ended = CallKey { outcome: outcome::RETURNED, result: 9, ..call() };
        let place = OpenCall { key: ended, ..OpenCall::default() };
        assert!(place.is_like(&call()));
        let mut args = [5; 8];
        args[7] = 6;
        let others = [
            CallKey { program: 2, ..call() },
            CallKey { offset: 10, ..call() },
            CallKey { caller: 0, ..call() },
            CallKey { callee: 25, ..call() },
            CallKey { slots: 2, ..call() },
            CallKey { flags: 1, ..call() },
            CallKey { parameters: 1, ..call() },
            CallKey { locals: 1, ..call() },
            CallKey { args, ..call() },
        ];
        for other in others {
            assert!(!place.is_like(&other), "{other:?}");
        }
    }

    /// A first end is like none before it.
    #[test]
    fn an_end_is_alike_in_outcome_and_result() {
        let key = CallKey { outcome: outcome::RETURNED, result: 9, ..call() };
        let place = OpenCall { key, outcome: outcome::RETURNED, result: 9, ended: 1, ..OpenCall::default() };
        assert!(place.ends_alike());
        assert_eq!(place.ended_key(), key);
        assert!(!OpenCall { ended: 0, ..place }.ends_alike());
        assert!(!OpenCall { result: 8, ..place }.ends_alike());
        assert!(!OpenCall { outcome: outcome::RAISED, ..place }.ends_alike());
    }

    /// By whatever steps it rises, a count passes each power of two once.
    #[test]
    fn a_count_doubles_once_at_each_power_of_two() {
        let ones = (1..=1_000).filter(|count| doubles(*count, 1)).count();
        assert_eq!(ones, 10);
        let (mut count, mut doubled) = (0, 0);
        for calls in 1..=1_000u32 {
            let more = u64::from(calls) - count;
            if is_due(calls) {
                count += more;
                doubled += usize::from(doubles(count, more));
            }
        }
        assert_eq!(doubled, 10);
    }
}
