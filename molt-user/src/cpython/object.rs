//! Objects in the target's memory: their types, and what is in bytes, tuples and lists.
//!
//! Each read of a container checks the type first, since a stale pointer leads to any other object.

use super::layout::Layout;
use super::text::{self, Text};
use super::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::{Memory, checked};

/// `Py_TPFLAGS_LIST_SUBCLASS` (`Include/object.h`), like those below.
pub const LIST_SUBCLASS: u64 = 1 << 25;
/// `Py_TPFLAGS_TUPLE_SUBCLASS`.
pub const TUPLE_SUBCLASS: u64 = 1 << 26;
/// `Py_TPFLAGS_BYTES_SUBCLASS`.
pub const BYTES_SUBCLASS: u64 = 1 << 27;
/// `Py_TPFLAGS_UNICODE_SUBCLASS`.
pub const UNICODE_SUBCLASS: u64 = 1 << 28;
/// `Py_TPFLAGS_DICT_SUBCLASS`.
pub const DICT_SUBCLASS: u64 = 1 << 29;
/// `Py_TPFLAGS_TYPE_SUBCLASS`.
pub const TYPE_SUBCLASS: u64 = 1 << 31;

/// Most entries of one dict, list or tuple: a namespace has a few hundred, `sys.modules` a few thousand.
pub const MAX_ITEMS: usize = 1 << 17;
/// Most bytes read at once of an object's head.
const MAX_HEAD: usize = 256;

/// Longest chain of base types that is followed.
const MAX_BASES: usize = 256;

/// Reads objects of one interpreter.
#[derive(Debug)]
pub struct Objects<'a, M: Memory> {
    /// The target's memory.
    pub memory: &'a M,
    /// Where things lie in it.
    pub layout: &'a Layout,
}

impl<M: Memory> Clone for Objects<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Memory> Copy for Objects<'_, M> {}

/// The first bytes of an object.
#[derive(Clone, Debug)]
pub struct Head(Vec<u8>);

impl Head {
    /// Bytes that were read elsewhere.
    pub const fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The 8-byte field at `at`.
    pub fn u64(&self, at: u32) -> Known<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// The 4-byte field at `at`.
    pub fn u32(&self, at: u32) -> Known<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// The byte at `at`.
    pub fn u8(&self, at: u32) -> Known<u8> {
        self.array(at).map(u8::from_le_bytes)
    }

    fn array<const N: usize>(&self, at: u32) -> Known<[u8; N]> {
        if at == ABSENT {
            return Err(Unknown::NotInVersion);
        }
        self.0.get(at as usize..).and_then(<[u8]>::first_chunk).copied().ok_or(Unknown::Malformed)
    }
}

impl<'a, M: Memory> Objects<'a, M> {
    /// Reads objects in `memory` as `layout` describes them.
    pub const fn new(memory: &'a M, layout: &'a Layout) -> Self {
        Self { memory, layout }
    }

    /// The `len` bytes at `addr`, when they are not more than `max`.
    pub fn bytes_at(&self, addr: u64, len: usize, max: usize) -> Known<Vec<u8>> {
        if len > max {
            return Err(Unknown::TooLong);
        }
        let mut bytes = vec![0; len];
        if len > 0 {
            self.memory.read(checked(addr)?, &mut bytes)?;
        }
        Ok(bytes)
    }

    /// The first `bytes` bytes of the object at `addr`.
    pub fn head(&self, addr: u64, bytes: u32) -> Known<Head> {
        self.bytes_at(addr, bytes as usize, MAX_HEAD).map(Head)
    }

    /// The 8-byte field `at` bytes into the object at `addr`.
    pub fn u64(&self, addr: u64, at: u32) -> Known<u64> {
        if at == ABSENT {
            return Err(Unknown::NotInVersion);
        }
        Ok(self.memory.read_u64(checked(addr)?.wrapping_add(u64::from(at)))?)
    }

    /// `count` pointers at `addr`.
    pub fn pointers(&self, addr: u64, count: u64) -> Known<Vec<u64>> {
        let count =
            usize::try_from(count).ok().filter(|count| *count <= MAX_ITEMS).ok_or(Unknown::TooLong)?;
        let bytes = self.bytes_at(addr, count * 8, MAX_ITEMS * 8)?;
        Ok(bytes.as_chunks().0.iter().copied().map(u64::from_le_bytes).collect())
    }

    /// `tp_flags` of the type at `addr`.
    pub fn flags_of_type(&self, addr: u64) -> Known<u64> {
        self.u64(addr, self.layout.type_flags)
    }

    /// `tp_flags` of the object's type.
    pub fn type_flags(&self, addr: u64) -> Known<u64> {
        self.flags_of_type(self.u64(addr, self.layout.object_type)?)
    }

    /// Whether the name of the object's type, as C has it, is `name`.
    pub fn is_a(&self, addr: u64, name: &str) -> Known<bool> {
        self.is_type_named(self.u64(addr, self.layout.object_type)?, name)
    }

    /// Whether the name of the type at `addr`, as C has it, is `name`.
    pub fn is_type_named(&self, addr: u64, name: &str) -> Known<bool> {
        let text = self.bytes_at(self.u64(addr, self.layout.type_name)?, name.len() + 1, 64)?;
        Ok(text.strip_suffix(&[0]) == Some(name.as_bytes()))
    }

    /// Whether the object's type, or one that it is derived from, has the name `name`.
    pub fn is_derived_from(&self, addr: u64, name: &str) -> Known<bool> {
        for kind in self.bases(self.u64(addr, self.layout.object_type)?) {
            if self.is_type_named(kind?, name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The type at `addr`, then what it is derived from, along `tp_base`. A chain that does not end gives
    /// [`Unknown::TooLong`] as its last.
    pub fn bases(&self, addr: u64) -> impl Iterator<Item = Known<u64>> {
        let mut next = Ok(addr);
        let base = move |left: usize| match (next, left) {
            (Ok(0), _) => None,
            (Ok(_), 0) => Some(Err(Unknown::TooLong)),
            (Ok(kind), _) => {
                next = self.u64(kind, self.layout.type_base);
                Some(Ok(kind))
            }
            (Err(reason), _) => {
                next = Ok(0);
                Some(Err(reason))
            }
        };
        (0..=MAX_BASES).rev().map_while(base)
    }

    /// Whether the object at `addr` is a type.
    pub fn is_type(&self, addr: u64) -> Known<bool> {
        Ok(self.type_flags(addr)? & TYPE_SUBCLASS != 0)
    }

    /// Whether the object at `addr` has been freed, as far as its first word tells: there a live object has its
    /// reference count, a freed one 0 or the allocator's link to the next free block, an address. Immortal
    /// objects have a count of 32 bits, or from 3.14 on flags above bit 47, where no address has bits.
    /// Free-threaded builds keep a thread's id there, which tells nothing.
    pub fn is_freed(&self, addr: u64) -> Known<bool> {
        if self.layout.free_threaded {
            return Ok(false);
        }
        let word = self.u64(addr, 0)?;
        Ok(word == 0 || (1 << 33..1 << 47).contains(&word))
    }

    /// The str at `addr`.
    pub fn str(&self, addr: u64) -> Known<Text> {
        text::read_str(self, addr)
    }

    /// The bytes object at `addr`, when it has not more than `max` bytes.
    pub fn bytes(&self, addr: u64, max: usize) -> Known<Vec<u8>> {
        self.expect(addr, BYTES_SUBCLASS)?;
        let size = usize::try_from(self.u64(addr, self.layout.var_size)?).ok().ok_or(Unknown::TooLong)?;
        self.bytes_at(addr.wrapping_add(u64::from(self.layout.bytes_data)), size, max)
    }

    /// The items of the tuple or list at `addr`.
    pub fn items(&self, addr: u64) -> Known<Vec<u64>> {
        let flags = self.type_flags(addr)?;
        let items = if flags & TUPLE_SUBCLASS != 0 {
            addr.wrapping_add(u64::from(self.layout.tuple_items))
        } else if flags & LIST_SUBCLASS != 0 {
            self.u64(addr, self.layout.list_items)?
        } else {
            return Err(Unknown::WrongType);
        };
        self.pointers(items, self.u64(addr, self.layout.var_size)?)
    }

    /// Whether the object at `addr` is the str `text`. Looks at the length first, which needs one read.
    pub fn is_text(&self, addr: u64, text: &str) -> Known<bool> {
        if self.u64(addr, self.layout.str_length)? != text.len() as u64 {
            return Ok(false);
        }
        match self.str(addr) {
            Ok(key) => Ok(key.value == text),
            Err(Unknown::WrongType) => Ok(false),
            Err(reason) => Err(reason),
        }
    }

    /// Checks that the object at `addr` is of a type with `flag`.
    pub(super) fn expect(&self, addr: u64, flag: u64) -> Known<()> {
        if self.type_flags(addr)? & flag == 0 { Err(Unknown::WrongType) } else { Ok(()) }
    }
}
