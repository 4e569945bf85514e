//! The walk over a target's memory, written once for both sides.
//!
//! In the kernel [`Memory`] is `bpf_probe_read_user`; on the host it is another process, a recording, or a
//! memory image in a test. Memory is never trusted: each step is bounded and each read may fail.

pub mod call;
pub mod code;
pub mod frame;
pub mod stack;
pub mod thread;
pub mod top;
pub mod ty;
pub mod values;
mod window;

use crate::fault::Fault;
use crate::machine::USER_TOP;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The body of a loop.
pub trait Turns {
    /// One turn. Whether there is to be another.
    fn turn(&mut self, index: u32) -> bool;
}

/// Memory of a target process.
pub trait Memory {
    /// Fills `into` with the bytes at `addr`, all of them or none.
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault>;

    /// What is read from here on is as it is now, where reads are answered from what was read before.
    #[inline(always)]
    fn forget(&self) {}

    /// Whether what was copied of the first `len` bytes at `addr` is there still, where reads are answered from copies.
    /// Of what was not copied nothing is known.
    #[inline(always)]
    fn is_current(&self, _addr: u64, _len: usize) -> bool {
        true
    }

    /// The type of the object at `object`, which is never freed and keeps its type, if that has been noted.
    #[inline(always)]
    fn lasting_type(&self, _object: u64) -> Option<u64> {
        None
    }

    /// Notes the type of such an object.
    #[inline(always)]
    fn note_lasting_type(&self, _object: u64, _found: u64) {}

    /// Whether [`Self::note_identity`] notes anything.
    const KEEPS_IDENTITIES: bool = false;

    /// The identity that has been noted under `key`, which no two pieces of code share.
    #[inline(always)]
    fn known_identity(&self, _key: u64) -> Option<u64> {
        None
    }

    /// Notes such an identity.
    #[inline(always)]
    fn note_identity(&self, _key: u64, _identity: u64) {}

    /// Takes at most `turns` turns. The kernel has a way of its own to loop, so that its verifier looks at the body
    /// only once.
    #[inline(always)]
    fn repeat<T: Turns>(&self, turns: u32, body: &mut T)
    where
        Self: Sized,
    {
        for index in 0..turns {
            if !body.turn(index) {
                break;
            }
        }
    }

    /// Reads a pointer or other 8-byte integer.
    #[inline(always)]
    fn read_u64(&self, addr: u64) -> Result<u64, Fault> {
        let mut bytes = [0; 8];
        self.read(addr, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Reads a 4-byte integer.
    #[inline(always)]
    fn read_u32(&self, addr: u64) -> Result<u32, Fault> {
        let mut bytes = [0; 4];
        self.read(addr, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Reads a 2-byte integer, such as a code unit.
    #[inline(always)]
    fn read_u16(&self, addr: u64) -> Result<u16, Fault> {
        let mut bytes = [0; 2];
        self.read(addr, &mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }
}

impl<M: Memory + ?Sized> Memory for &M {
    #[inline(always)]
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        (**self).read(addr, into)
    }
}

/// `addr` if it can be an address in user space.
#[inline(always)]
pub fn checked(addr: u64) -> Result<u64, Fault> {
    if addr == 0 || addr >= USER_TOP { Err(Fault::BadPointer) } else { Ok(addr) }
}

/// A stretch of memory, mostly the head of an object, read at once: at most `8 * WORDS` bytes. Fields are taken
/// out of it by offset; an offset that is too large wraps around inside the block, so that no access needs a
/// bounds check that the verifier would have to follow ([`crate::layout::WalkLayout::is_sound`] keeps it from
/// happening).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Block<const WORDS: usize = { crate::limits::BLOCK_BYTES / 8 }> {
    words: [u64; WORDS],
}

impl<const WORDS: usize> Block<WORDS> {
    const _CHECK: () = assert!(WORDS.is_power_of_two());

    /// A block of zeros, written word by word: a call of `memset` costs more in the kernel.
    #[inline(always)]
    pub fn new() -> Self {
        let () = Self::_CHECK;
        Self { words: [core::hint::black_box(0); WORDS] }
    }

    /// Reads `len` bytes at `addr`; the rest keeps what it held.
    #[inline(always)]
    pub fn fill<M: Memory>(&mut self, memory: &M, addr: u64, len: u32) -> Result<(), Fault> {
        let bytes = self.as_mut_bytes().get_mut(..len as usize).ok_or(Fault::BadPointer)?;
        memory.read(checked(addr)?, bytes)
    }

    /// Reads `len` bytes at `addr` into the place behind the first `skipped` bytes.
    #[inline(always)]
    pub fn fill_behind<M: Memory>(
        &mut self,
        memory: &M,
        skipped: u32,
        addr: u64,
        len: u32,
    ) -> Result<(), Fault> {
        let bytes = self.as_mut_bytes().get_mut(skipped as usize..).ok_or(Fault::BadPointer)?;
        memory.read(checked(addr)?, bytes.get_mut(..len as usize).ok_or(Fault::BadPointer)?)
    }

    /// The 8-byte field at `at`.
    #[inline(always)]
    pub fn u64(&self, at: u32) -> u64 {
        self.words[(at >> 3) as usize & (WORDS - 1)]
    }

    /// The 4-byte field at `at`.
    #[inline(always)]
    pub fn u32(&self, at: u32) -> u32 {
        (self.u64(at) >> ((at & 4) * 8)) as u32
    }

    /// The 2-byte field at `at`.
    #[inline(always)]
    pub fn u16(&self, at: u32) -> u16 {
        (self.u64(at) >> ((at & 6) * 8)) as u16
    }

    /// The byte at `at`.
    #[inline(always)]
    pub fn u8(&self, at: u32) -> u8 {
        (self.u64(at) >> ((at & 7) * 8)) as u8
    }
}

impl<const WORDS: usize> Default for Block<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a walk reads into.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Buffers {
    /// The frame at hand, and callers of it that lie beside it.
    frames: window::Window,
    /// The head of the frame's code object.
    code: Block,
}

impl Buffers {
    /// Forgets what was read: the program has run since.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.frames.clear();
    }
}
