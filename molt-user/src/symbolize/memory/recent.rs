//! Memory that remembers for a moment what lay beside what was read: an object's fields are many, and each read of
//! another process takes a microsecond.

use molt_common::fault::Fault;
use molt_common::walk::Memory;
use std::cell::RefCell;

/// Bytes of an aligned block that is read at once. It divides every page, so that a block can be read if any byte
/// of it can.
const BLOCK: usize = 512;
/// Most blocks remembered.
const BLOCKS: usize = 24;

/// What was read of `memory` since it was made or forgot; for one object at a time, which may change meanwhile.
#[derive(Debug)]
pub struct Recent<'m, M> {
    memory: &'m M,
    blocks: RefCell<Vec<(u64, [u8; BLOCK])>>,
}

impl<'m, M: Memory> Recent<'m, M> {
    /// Nothing is read yet.
    pub fn new(memory: &'m M) -> Self {
        Self { memory, blocks: RefCell::new(Vec::new()) }
    }

    /// Fills `into` from the block at `base`, from its byte `from` on.
    fn copy(&self, base: u64, from: usize, into: &mut [u8]) -> Result<(), Fault> {
        let mut blocks = self.blocks.borrow_mut();
        let held = blocks.iter().find(|block| block.0 == base).map(|(_, bytes)| *bytes);
        let bytes = if let Some(held) = held {
            held
        } else {
            let mut bytes = [0; BLOCK];
            self.memory.read(base, &mut bytes)?;
            if blocks.len() == BLOCKS {
                blocks.remove(0);
            }
            blocks.push((base, bytes));
            bytes
        };
        let part = bytes.get(from..from + into.len()).ok_or(Fault::BadPointer)?;
        into.copy_from_slice(part);
        Ok(())
    }
}

impl<M: Memory> Memory for Recent<'_, M> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        if into.len() > BLOCK {
            return self.memory.read(addr, into);
        }
        let base = addr & !(BLOCK as u64 - 1);
        let from = usize::try_from(addr - base).map_err(|_large| Fault::BadPointer)?;
        let (first, rest) = into.split_at_mut(into.len().min(BLOCK - from));
        self.copy(base, from, first)?;
        if rest.is_empty() { Ok(()) } else { self.copy(base.wrapping_add(BLOCK as u64), 0, rest) }
    }

    fn forget(&self) {
        self.blocks.borrow_mut().clear();
        self.memory.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Each byte is the low byte of its address and of the time; reads are counted.
    #[derive(Default)]
    struct Ticking {
        time: Cell<u64>,
        reads: Cell<u32>,
    }

    impl Ticking {
        fn byte(&self, addr: u64) -> u8 {
            (addr + self.time.get()).to_le_bytes()[0]
        }
    }

    impl Memory for Ticking {
        fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            self.reads.set(self.reads.get() + 1);
            for (byte, at) in into.iter_mut().zip(addr..) {
                *byte = self.byte(at);
            }
            Ok(())
        }
    }

    /// Every address and length gives what memory holds, within a block, across two, and beyond.
    #[test]
    fn reads_what_is_there() {
        let memory = Ticking::default();
        for addr in [0x1000, 0x11f0, 0x11ff, 0x1200] {
            for len in [1, 8, 16, 512, 513, 2000] {
                let mut found = vec![0; len];
                Recent::new(&memory).read(addr, &mut found).unwrap();
                assert!(
                    found.iter().zip(addr..).all(|(byte, at)| *byte == memory.byte(at)),
                    "{addr:#x} {len}"
                );
            }
        }
    }

    /// A neighbour costs nothing, until it is to be looked at again.
    #[test]
    fn remembers_until_it_is_to_forget() {
        let memory = Ticking::default();
        let recent = Recent::new(&memory);
        let first = recent.read_u64(0x1000);
        assert_ne!(recent.read_u64(0x1008), first);
        assert_eq!(memory.reads.get(), 1);
        memory.time.set(1);
        assert_eq!(recent.read_u64(0x1000), first);
        recent.forget();
        assert_ne!(recent.read_u64(0x1000), first);
        assert_eq!(memory.reads.get(), 2);
    }
}
