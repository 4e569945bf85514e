//! Memory that may be read so often and no more: what it costs to look at another process is bounded, whatever is
//! found there.

use molt_common::fault::Fault;
use molt_common::walk::Memory;
use std::cell::Cell;

/// Bytes that cost as much as one more read.
const READ_BYTES: usize = 4096;

/// `memory`, of which so many reads are left. Those beyond fail.
#[derive(Debug)]
pub struct Metered<'m, M> {
    memory: &'m M,
    left: Cell<u64>,
}

impl<'m, M: Memory> Metered<'m, M> {
    /// Allows `reads` of them, each of up to 4 KB; a larger one counts for several.
    pub fn new(memory: &'m M, reads: u64) -> Self {
        Self { memory, left: Cell::new(reads) }
    }

    /// How many are left.
    pub fn left(&self) -> u64 {
        self.left.get()
    }

    /// Whether no more are left: what could not be read since may be there.
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}

impl<M: Memory> Memory for Metered<'_, M> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        let cost = 1 + (into.len() / READ_BYTES) as u64;
        let left = self.left.get().checked_sub(cost);
        self.left.set(left.unwrap_or(0));
        if left.is_none() { Err(Fault::ReadFault) } else { self.memory.read(addr, into) }
    }

    fn forget(&self) {
        self.memory.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory of zeros.
    struct Zeros;

    impl Memory for Zeros {
        fn read(&self, _addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            into.fill(0);
            Ok(())
        }
    }

    /// A large read counts for several, and none is made that is not paid for.
    #[test]
    fn ends_when_it_is_spent() {
        let memory = Metered::new(&Zeros, 4);
        assert_eq!(memory.read(0x1000, &mut [1; 8]), Ok(()));
        assert_eq!(memory.read(0x1000, &mut [1; 8192]), Ok(()));
        assert_eq!((memory.left(), memory.is_spent()), (0, true));
        let mut kept = [1; 8];
        assert_eq!(memory.read(0x1000, &mut kept), Err(Fault::ReadFault));
        assert_eq!(kept, [1; 8]);
    }
}
