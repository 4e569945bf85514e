use super::{CacheCounts, CodeCache, Identified, MAX_BYTES, MAX_TRIES};
use crate::cpython::Unknown;
use std::sync::Arc;

/// Stands for what was read of a code object: its identity is all that the cache looks at.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    identity: u64,
    bytes: usize,
}

impl Identified for Seen {
    fn identity(&self) -> u64 {
        self.identity
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

fn code(identity: u64) -> Seen {
    Seen { identity, bytes: 0 }
}

fn never() -> Result<Seen, Unknown> {
    panic!("read again")
}

/// The second record of a code object costs no read.
#[test]
fn reads_each_code_object_once() {
    let mut cache = CodeCache::default();
    cache.get(0x10, 7, false, || Ok(code(7))).unwrap();
    assert_eq!(cache.get(0x10, 7, false, never).unwrap().identity, 7);
    assert_eq!(cache.counts(), CacheCounts::default());
}

/// A record without an identity must not get the name of what was at its address before.
#[test]
fn reads_anew_what_the_kernel_could_not_identify() {
    let mut cache = CodeCache::default();
    cache.get(0x10, 7, false, || Ok(code(7))).unwrap();
    assert_eq!(cache.get(0x10, 0, false, || Ok(code(8))).unwrap().identity, 8);
    let first = cache.get(0x10, 8, false, never).unwrap();
    let again = cache.get(0x10, 0, false, || Ok(code(8))).unwrap();
    assert!(Arc::ptr_eq(&first, &again), "what is known of it stays");
    assert_eq!(cache.get(0x10, 0, false, || Err(Unknown::Unreadable)), Err(Unknown::Unreadable));
}

/// Another code object at the address is a new one; late records of the first still find theirs.
#[test]
fn notices_a_reused_address() {
    let mut cache = CodeCache::default();
    cache.get(0x10, 7, false, || Ok(code(7))).unwrap();
    assert_eq!(cache.get(0x10, 8, false, || Ok(code(8))).unwrap().identity, 8);
    assert_eq!(cache.get(0x10, 7, false, never).unwrap().identity, 7);
    assert_eq!(cache.counts().reused, 1);
}

/// A code object that had gone when it was read must not get its successor's name.
#[test]
fn does_not_name_a_record_after_its_successor() {
    let mut cache = CodeCache::default();
    assert_eq!(cache.get(0x10, 7, false, || Ok(code(8))), Err(Unknown::Stale));
    assert_eq!(cache.get(0x10, 7, false, never), Err(Unknown::Stale));
    assert_eq!(cache.get(0x10, 8, false, never).unwrap().identity, 8);
}

/// A sample may interrupt the telling of a call, and come before the copies: it must not keep them from being read.
#[test]
fn a_copy_is_read_of_what_was_gone_before() {
    let mut cache = CodeCache::default();
    assert_eq!(cache.get(0x10, 7, false, || Ok(code(8))), Err(Unknown::Stale));
    assert!(!cache.knows(0x10, 7));
    assert_eq!(cache.get(0x10, 7, true, || Ok(code(7))).unwrap().identity, 7);
    assert!(cache.knows(0x10, 7));
    assert_eq!(cache.get(0x10, 7, true, never).unwrap().identity, 7);
}

/// A page may come back; but not every sample pays for one that does not.
#[test]
fn gives_up_after_some_tries() {
    let mut cache = CodeCache::default();
    for _ in 0..MAX_TRIES {
        assert_eq!(cache.get(0x10, 7, false, || Err(Unknown::Unreadable)), Err(Unknown::Unreadable));
    }
    assert_eq!(cache.get(0x10, 7, false, never), Err(Unknown::Unreadable));
}

/// The cache is bounded, and says what it forgot.
#[test]
fn forgets_the_oldest() {
    let mut cache = CodeCache::new(2);
    for addr in 1..=5 {
        cache.get(addr, 7, false, || Ok(code(7))).unwrap();
    }
    assert_eq!((cache.codes.len(), cache.latest.len(), cache.counts().evicted), (2, 2, 3));
    let large = |identity| Ok(Seen { identity, bytes: MAX_BYTES + 1 });
    cache.get(6, 7, false, || large(7)).unwrap();
    assert_eq!((cache.codes.len(), cache.bytes), (1, MAX_BYTES + 1));
    cache.get(6, 8, false, || large(8)).unwrap();
    assert_eq!((cache.codes.len(), cache.bytes), (1, MAX_BYTES + 1));
}
