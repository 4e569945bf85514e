//! Memory of a running process, with what was copied of it a moment ago in its place.

use molt_common::fault::Fault;
use molt_common::walk::Memory;
use std::collections::BTreeMap;

/// Stretches of memory that were copied together.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// By their addresses.
    pieces: BTreeMap<u64, Box<[u8]>>,
}

impl Pieces {
    /// Adds a stretch.
    pub fn add(&mut self, address: u64, bytes: &[u8]) {
        self.pieces.insert(address, bytes.into());
    }

    /// Whether the byte at `address` was copied.
    pub fn has(&self, address: u64) -> bool {
        self.from(address).is_some()
    }

    /// The bytes from `address` on that were copied in one stretch.
    fn from(&self, address: u64) -> Option<&[u8]> {
        let (start, bytes) = self.pieces.range(..=address).next_back()?;
        let skip = usize::try_from(address - start).ok()?;
        bytes.get(skip..).filter(|rest| !rest.is_empty())
    }

    /// Where the next stretch begins behind `address`.
    fn next_after(&self, address: u64) -> u64 {
        self.pieces.range(address.saturating_add(1)..).next().map_or(u64::MAX, |(start, _)| *start)
    }
}

/// What was copied, and the process's memory for the rest.
#[derive(Clone, Copy, Debug)]
pub struct Overlay<'a, M> {
    /// What was copied.
    pub pieces: &'a Pieces,
    /// What is there now.
    pub memory: &'a M,
}

impl<M: Memory> Memory for Overlay<'_, M> {
    fn read(&self, addr: u64, mut into: &mut [u8]) -> Result<(), Fault> {
        let mut at = addr;
        while !into.is_empty() {
            let copied = self.pieces.from(at);
            let most = match copied {
                Some(bytes) => bytes.len(),
                None => usize::try_from(self.pieces.next_after(at) - at).unwrap_or(usize::MAX),
            };
            let (part, rest) = into.split_at_mut(most.min(into.len()));
            match copied.and_then(|bytes| bytes.get(..part.len())) {
                Some(bytes) => part.copy_from_slice(bytes),
                None => self.memory.read(at, part)?,
            }
            at = at.wrapping_add(part.len() as u64);
            into = rest;
        }
        Ok(())
    }

    fn forget(&self) {
        self.memory.forget();
    }

    fn is_current(&self, addr: u64, len: usize) -> bool {
        let copied = self.pieces.from(addr).unwrap_or_default();
        let copied = copied.get(..len).unwrap_or(copied);
        let mut now = vec![0; copied.len()];
        now.is_empty() || self.memory.read(addr, &mut now).is_ok_and(|()| *now == *copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory of which every byte is 9, up to 0x2000.
    struct Nines;

    impl Memory for Nines {
        fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            if addr + into.len() as u64 > 0x2000 {
                return Err(Fault::ReadFault);
            }
            into.fill(9);
            Ok(())
        }
    }

    /// A read may begin before a copy, end behind it, and cross two that touch each other.
    #[test]
    fn copies_stand_in_their_places() {
        let mut pieces = Pieces::default();
        pieces.add(0x1004, &[1, 2]);
        pieces.add(0x1006, &[3]);
        let memory = Overlay { pieces: &pieces, memory: &Nines };
        let mut read = [0; 8];
        assert_eq!(memory.read(0x1002, &mut read), Ok(()));
        assert_eq!(read, [9, 9, 1, 2, 3, 9, 9, 9]);
    }

    /// What was copied is there although the memory has gone; what was not is a fault.
    #[test]
    fn copies_outlive_the_memory() {
        let mut pieces = Pieces::default();
        pieces.add(0x3000, &[1, 2, 3, 4]);
        let memory = Overlay { pieces: &pieces, memory: &Nines };
        let mut read = [0; 4];
        assert_eq!(memory.read(0x3000, &mut read), Ok(()));
        assert_eq!(read, [1, 2, 3, 4]);
        assert_eq!(memory.read(0x3001, &mut read), Err(Fault::ReadFault));
    }

    /// A copy is current while the memory is the same; of what was not copied nothing is known.
    #[test]
    fn copies_are_compared_with_the_memory() {
        let mut pieces = Pieces::default();
        pieces.add(0x1000, &[9, 9, 9]);
        pieces.add(0x1010, &[9, 8]);
        pieces.add(0x3000, &[9]);
        let memory = Overlay { pieces: &pieces, memory: &Nines };
        let current = [(0x1000, 8), (0x1010, 1), (0x1020, 8)].map(|(at, len)| memory.is_current(at, len));
        assert_eq!(current, [true; 3]);
        assert!(!memory.is_current(0x1010, 2) && !memory.is_current(0x3000, 1));
    }
}
