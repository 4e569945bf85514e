//! Where the instructions of a function start, found once.

use super::Opcodes;

/// For each code unit, how many units its instruction's start lies before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Starts(Box<[u8]>);

impl Starts {
    /// Offset in bytes of the instruction that owns the unit at `lasti`; `lasti` itself outside the code.
    pub fn of(&self, lasti: u32) -> u32 {
        let unit = lasti / 2;
        let back = usize::try_from(unit).ok().and_then(|unit| self.0.get(unit));
        back.map_or(lasti, |back| unit.saturating_sub(u32::from(*back)) * 2)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl Opcodes {
    /// Where the instructions of `code` start, which is restored code: a frame may point at one of their cache
    /// units. 3.11's `PRECALL` and `CALL` count as one instruction, since either may be current during one call.
    pub fn starts(&self, code: &[u8]) -> Starts {
        let (units, _) = code.as_chunks::<2>();
        let mut back = vec![0; units.len()];
        let (mut at, mut precall) = (0, None);
        while let Some([op, _]) = units.get(at) {
            let next = at + 1 + usize::from(self.caches[usize::from(*op)]);
            let start = precall.filter(|_| *op == self.call).unwrap_or(at);
            for (slot, unit) in back.iter_mut().take(next).skip(at).zip(at..) {
                // Far less than 255: nine caches at most, and three prefixes between `PRECALL` and `CALL`.
                *slot = u8::try_from(unit - start).unwrap_or(u8::MAX);
            }
            if Some(*op) == self.precall {
                precall = Some(at);
            } else if *op != self.extended_arg {
                precall = None;
            }
            at = next;
        }
        Starts(back.into())
    }
}
