//! System calls while they were not watched, estimated from the stretches next to it in which they were.

use molt_common::effect::{AUDIT, EffectCount, EffectKey};
use std::collections::BTreeMap;
use std::mem::take;

/// What was counted so often in a stretch goes on when it is not watched; what was seen less often may have been all.
const FREQUENT: u64 = 100;

/// A stretch shorter than this is none to go by.
const LEAST_NS: u64 = 4_000_000;

/// What was counted in a stretch that was watched, and how long it was.
#[derive(Debug, Default)]
struct Pace {
    counts: BTreeMap<EffectKey, u64>,
    ns: u64,
}

/// Adds up what is missing. Time in which nothing is watched belongs to the stretches next to it, half to either. All
/// moments are the program's own CPU time, in nanoseconds: while it sleeps it makes no calls, and a system call takes half
/// as long again while it is watched.
#[derive(Debug, Default)]
pub(super) struct Unwatched {
    /// Where the stretch begins whose pace counts, and what was counted until then.
    began: (u64, BTreeMap<EffectKey, u64>),
    /// Of the stretch before.
    pace: Pace,
    /// When it ended, while nothing is watched.
    closed: Option<u64>,
    /// Time before this stretch that belongs to it, in nanoseconds.
    owed_ns: u64,
    missing: BTreeMap<EffectKey, u64>,
}

impl Unwatched {
    /// The pace counts from here on: what came before is too long ago.
    pub(super) fn mark(&mut self, now_ns: u64, counted: &[(EffectKey, EffectCount)]) {
        self.began = (now_ns, totals(counted));
    }

    /// Nothing is watched from here on.
    pub(super) fn close(&mut self, now_ns: u64, counted: &[(EffectKey, EffectCount)]) {
        self.pace = self.pace_until(now_ns, counted);
        self.settle();
        self.closed = Some(now_ns);
    }

    /// It is watched again.
    pub(super) fn open(&mut self, now_ns: u64, counted: &[(EffectKey, EffectCount)]) {
        let closed_ns = self.closed.take().map_or(0, |closed| now_ns.saturating_sub(closed));
        self.add(closed_ns / 2);
        self.owed_ns = closed_ns - closed_ns / 2;
        self.mark(now_ns, counted);
    }

    /// What is missing until now. It is not told of again.
    pub(super) fn take(
        &mut self,
        now_ns: u64,
        counted: &[(EffectKey, EffectCount)],
    ) -> Vec<(EffectKey, u64)> {
        if let Some(closed) = &mut self.closed {
            let closed_ns = now_ns.saturating_sub(std::mem::replace(closed, now_ns));
            self.add(closed_ns);
        } else if self.owed_ns > 0 {
            self.pace = self.pace_until(now_ns, counted);
            self.settle();
        }
        take(&mut self.missing).into_iter().collect()
    }

    fn pace_until(&self, now_ns: u64, counted: &[(EffectKey, EffectCount)]) -> Pace {
        let (began_ns, before) = &self.began;
        let ns = now_ns.saturating_sub(*began_ns);
        let mut counts = totals(counted);
        counts.retain(|key, count| {
            *count = count.saturating_sub(before.get(key).copied().unwrap_or(0));
            *count >= FREQUENT && ns >= LEAST_NS
        });
        Pace { counts, ns }
    }

    fn settle(&mut self) {
        let owed_ns = take(&mut self.owed_ns);
        self.add(owed_ns);
    }

    /// So long it went on at the same pace.
    fn add(&mut self, missing_ns: u64) {
        if missing_ns == 0 {
            return;
        }
        for (key, count) in &self.pace.counts {
            let missing = u128::from(*count) * u128::from(missing_ns) / u128::from(self.pace.ns.max(1));
            let sum = self.missing.entry(*key).or_default();
            *sum = sum.saturating_add(u64::try_from(missing).unwrap_or(u64::MAX));
        }
    }
}

/// How often each system call was made. Audit events are watched apart.
fn totals(counted: &[(EffectKey, EffectCount)]) -> BTreeMap<EffectKey, u64> {
    let syscalls = counted.iter().filter(|(key, _)| key.number != AUDIT);
    syscalls.map(|(key, count)| (*key, count.total())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use molt_common::effect::NAME_BYTES;

    fn key(number: u32) -> EffectKey {
        EffectKey { program: 0, number, flags: 0, reserved: 0, code: 1, name: [0; NAME_BYTES] }
    }

    fn at(ms: u64) -> u64 {
        ms * 1_000_000
    }

    /// A storm that made 1,000 calls a millisecond, of another call 5 in all.
    fn counted(storm: u64) -> [(EffectKey, EffectCount); 2] {
        [(key(0), EffectCount { seen: storm, sampled: 0 }), (key(1), EffectCount { seen: 5, sampled: 0 })]
    }

    /// A storm goes on at the pace of both of its neighbours, and what is rare is not made more.
    #[test]
    fn a_storm_went_on_while_it_was_not_watched() {
        let mut unwatched = Unwatched::default();
        unwatched.mark(at(80), &counted(0));
        unwatched.close(at(100), &counted(20_000));
        unwatched.open(at(600), &counted(20_000));
        unwatched.close(at(620), &counted(40_000));
        assert_eq!(unwatched.take(at(720), &counted(40_000)), [(key(0), 600_000)]);
        assert_eq!(unwatched.take(at(720), &counted(40_000)), []);
    }

    /// The pace of the stretch before goes for half of a pause, and nothing is told of a stretch that was too short.
    #[test]
    fn a_stretch_that_was_too_short_is_not_gone_by() {
        let mut unwatched = Unwatched::default();
        unwatched.mark(at(80), &counted(0));
        unwatched.close(at(100), &counted(20_000));
        unwatched.open(at(200), &counted(20_000));
        assert_eq!(unwatched.take(at(201), &counted(20_900)), [(key(0), 50_000)]);
    }
}
