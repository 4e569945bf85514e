//! Memory of which chosen parts cannot be read.

use molt_common::fault::Fault;
use molt_common::walk::Memory;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Memory whose reads at chosen addresses fail. A test asks [`FaultyMemory::unused`] at its end: a fault that
/// no read met tests nothing.
#[derive(Debug)]
pub struct FaultyMemory<M> {
    inner: M,
    /// How often a read touched each address.
    hits: RefCell<BTreeMap<u64, usize>>,
}

impl<M> FaultyMemory<M> {
    /// Fails the reads of `inner` that contain one of `addresses`.
    pub fn new(inner: M, addresses: impl IntoIterator<Item = u64>) -> Self {
        Self { inner, hits: RefCell::new(addresses.into_iter().map(|addr| (addr, 0)).collect()) }
    }

    /// The addresses that no read touched.
    pub fn unused(&self) -> Vec<u64> {
        self.hits.borrow().iter().filter(|(_, hits)| **hits == 0).map(|(addr, _)| *addr).collect()
    }
}

impl<M: Memory> Memory for FaultyMemory<M> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        let end = addr.saturating_add(into.len() as u64);
        let mut hits = self.hits.borrow_mut();
        let mut touched = hits.range_mut(addr..end).peekable();
        if touched.peek().is_none() {
            return self.inner.read(addr, into);
        }
        touched.for_each(|(_, hits)| *hits += 1);
        Err(Fault::ReadFault)
    }
}
