//! Code objects by address, each read once; a reused address is noticed by the identity.

use crate::cpython::{Known, Unknown};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Most code objects kept: a large program has some 50,000.
pub const MAX_CODES: usize = 1 << 17;
/// Most bytes that they take: some 1,300 each, so that a program which goes on making new ones fills it with 50,000.
const MAX_BYTES: usize = 64 << 20;
/// How often a code object that could not be read is tried again, one sample a time.
const MAX_TRIES: u8 = 3;

/// What the cache has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Addresses at which another code object was found than before.
    pub reused: u64,
    /// Code objects forgotten because there were more than the cache holds.
    pub evicted: u64,
}

/// Address and identity.
type Key = (u64, u64);

/// A code object's identity, as found where it lies now.
pub trait Identified {
    /// [`molt_common::walk::code::identity`] at the time of reading.
    fn identity(&self) -> u64;

    /// Bytes of its code and tables, which may be many.
    fn bytes(&self) -> usize;
}

/// What was read of code objects, by address and identity.
#[derive(Debug)]
pub struct CodeCache<T> {
    codes: HashMap<Key, Entry<T>>,
    /// The identity last seen at each address.
    latest: HashMap<u64, u64>,
    /// Keys, oldest first.
    order: VecDeque<Key>,
    capacity: usize,
    /// Bytes of code and line tables.
    bytes: usize,
    counts: CacheCounts,
}

#[derive(Debug)]
struct Entry<T> {
    code: Known<Arc<T>>,
    tries: u8,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { code: self.code.clone(), tries: self.tries }
    }
}

impl<T> Clone for CodeCache<T> {
    /// A cache that shares what was read so far, and counts for itself.
    fn clone(&self) -> Self {
        Self {
            codes: self.codes.clone(),
            latest: self.latest.clone(),
            order: self.order.clone(),
            capacity: self.capacity,
            bytes: self.bytes,
            counts: CacheCounts::default(),
        }
    }
}

impl<T: Identified> Default for CodeCache<T> {
    fn default() -> Self {
        Self::new(MAX_CODES)
    }
}

impl<T: Identified> CodeCache<T> {
    /// A cache of at most `capacity` code objects.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            codes: HashMap::new(),
            latest: HashMap::new(),
            order: VecDeque::new(),
            capacity,
            bytes: 0,
            counts: CacheCounts::default(),
        }
    }

    /// The code object that a record names by `addr` and `identity`; 0 when the kernel could not read the
    /// identity, which then is that of what is there now. `read` is called for one that is not known, `copied` if it
    /// reads a copy from when the record was made: that may be had though the object itself was gone before.
    pub fn get(
        &mut self,
        addr: u64,
        identity: u64,
        copied: bool,
        read: impl FnOnce() -> Known<T>,
    ) -> Known<Arc<T>> {
        if identity == 0 {
            return self.get_unidentified(addr, read);
        }
        let known = self.codes.get(&(addr, identity));
        let is_final = |entry: &&Entry<T>| entry.code.is_ok() || (entry.tries >= MAX_TRIES && !copied);
        if let Some(entry) = known.filter(is_final) {
            return entry.code.clone();
        }
        let tries = known.map_or(1, |entry| entry.tries.saturating_add(1));
        match read() {
            Ok(code) if code.identity() != identity => {
                let there = code.identity();
                self.insert((addr, there), Ok(Arc::new(code)), 0);
                // What is gone does not come back.
                self.insert((addr, identity), Err(Unknown::Stale), MAX_TRIES);
                self.note(addr, there);
                Err(Unknown::Stale)
            }
            Ok(code) => Ok(self.take(addr, code)),
            Err(reason) => {
                self.insert((addr, identity), Err(reason), tries);
                Err(reason)
            }
        }
    }

    /// What is at `addr` now. What was there before may be gone, so it is read each time.
    fn get_unidentified(&mut self, addr: u64, read: impl FnOnce() -> Known<T>) -> Known<Arc<T>> {
        let code = read()?;
        match self.codes.get(&(addr, code.identity())) {
            Some(Entry { code: Ok(known), .. }) => Ok(Arc::clone(known)),
            _ => Ok(self.take(addr, code)),
        }
    }

    /// Keeps what was read at `addr`.
    fn take(&mut self, addr: u64, code: T) -> Arc<T> {
        let (identity, code) = (code.identity(), Arc::new(code));
        self.insert((addr, identity), Ok(Arc::clone(&code)), 0);
        self.note(addr, identity);
        code
    }

    /// Whether the code object is known that a record names like this.
    pub fn knows(&self, addr: u64, identity: u64) -> bool {
        self.codes.get(&(addr, identity)).is_some_and(|entry| entry.code.is_ok())
    }

    /// Every code object that is kept, in the order in which they were met.
    pub fn known(&self) -> impl Iterator<Item = &Arc<T>> {
        self.order.iter().filter_map(|key| self.codes.get(key)?.code.as_ref().ok())
    }

    /// What the cache has seen so far.
    pub fn counts(&self) -> CacheCounts {
        self.counts
    }

    /// Notes what is at `addr` now.
    fn note(&mut self, addr: u64, identity: u64) {
        let before = self.latest.insert(addr, identity);
        if before.is_some_and(|before| before != identity) {
            self.counts.reused += 1;
        }
    }

    fn insert(&mut self, key: Key, code: Known<Arc<T>>, tries: u8) {
        self.bytes += bytes_of(&code);
        match self.codes.insert(key, Entry { code, tries }) {
            Some(old) => self.bytes -= bytes_of(&old.code),
            None => self.order.push_back(key),
        }
        while self.order.len() > self.capacity || (self.bytes > MAX_BYTES && self.order.len() > 1) {
            self.evict_oldest();
        }
    }

    fn evict_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        if let Some(entry) = self.codes.remove(&oldest) {
            self.bytes -= bytes_of(&entry.code);
            self.counts.evicted += 1;
        }
        if self.latest.get(&oldest.0) == Some(&oldest.1) {
            self.latest.remove(&oldest.0);
        }
    }
}

fn bytes_of<T: Identified>(code: &Known<Arc<T>>) -> usize {
    code.as_ref().map_or(0, |code| code.bytes())
}
