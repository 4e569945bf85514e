//! The door for reading memory.

use crate::lasting;
use crate::repeat::{Turn, repeat};
use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use molt_common::fault::Fault;
use molt_common::limits::WINDOW_BYTES;
use molt_common::plan::MAX_PIECE;
use molt_common::walk::{Memory, Turns};

/// The current process's own memory. A page that is not resident is a fault: nothing here may sleep.
#[derive(Clone, Copy)]
pub struct UserMemory;

impl Memory for UserMemory {
    #[inline(always)]
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        // The verifier wants to see the bound of a length that comes from a map.
        let len = into.len();
        if len == 0 || len > WINDOW_BYTES {
            return Err(Fault::BadPointer);
        }
        // SAFETY: `into` is writable for `len` bytes, and the helper checks the source address itself.
        let status = unsafe { bpf_probe_read_user(into.as_mut_ptr().cast(), len as u32, addr as *const _) };
        if status == 0 { Ok(()) } else { Err(Fault::ReadFault) }
    }

    #[inline(always)]
    fn repeat<T: Turns>(&self, turns: u32, body: &mut T) {
        repeat(turns, turn::<T>, body);
    }
}

/// The memory of a process whose calls are counted: [`UserMemory`] that remembers some types.
#[derive(Clone, Copy)]
pub struct CallMemory {
    /// [`molt_common::config::ProcessConfig::program`].
    pub program: u32,
}

impl Memory for CallMemory {
    #[inline(always)]
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        UserMemory.read(addr, into)
    }

    #[inline(always)]
    fn repeat<T: Turns>(&self, turns: u32, body: &mut T) {
        UserMemory.repeat(turns, body);
    }

    #[inline(always)]
    fn lasting_type(&self, object: u64) -> Option<u64> {
        lasting::find(self.program, object)
    }

    #[inline(always)]
    fn note_lasting_type(&self, object: u64, found: u64) {
        lasting::note(self.program, object, found);
    }
}

/// The memory of a process whose stacks are read: [`UserMemory`] that remembers what tells some pieces of code apart.
#[derive(Clone, Copy)]
pub struct StackMemory {
    /// [`molt_common::config::ProcessConfig::program`].
    pub program: u32,
    /// Its id: after a fork the same piece of code may be another one in each process.
    pub pid: u32,
}

impl Memory for StackMemory {
    const KEEPS_IDENTITIES: bool = true;

    #[inline(always)]
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        UserMemory.read(addr, into)
    }

    #[inline(always)]
    fn known_identity(&self, key: u64) -> Option<u64> {
        lasting::find(self.program, key.wrapping_add(u64::from(self.pid)))
    }

    #[inline(always)]
    fn note_identity(&self, key: u64, identity: u64) {
        lasting::note(self.program, key.wrapping_add(u64::from(self.pid)), identity);
    }
}

extern "C" fn turn<T: Turns>(index: u32, body: &mut T) -> Turn {
    if body.turn(index) { Turn::Go } else { Turn::Stop }
}

/// Reads `len` bytes of the current process's memory.
#[inline(always)]
pub fn read_bytes(addr: u64, into: &mut [u8; MAX_PIECE], len: u32) -> Result<(), Fault> {
    if len == 0 || len > MAX_PIECE as u32 {
        return Err(Fault::BadPointer);
    }
    // SAFETY: `into` is writable for `len` bytes, and the helper checks the source address itself.
    let status = unsafe { bpf_probe_read_user(into.as_mut_ptr().cast(), len, addr as *const _) };
    if status == 0 { Ok(()) } else { Err(Fault::ReadFault) }
}

/// Reads a 4-byte integer in the kernel's memory.
#[inline(always)]
pub fn kernel_u32(addr: u64) -> Result<u32, Fault> {
    let mut value = 0u32;
    // SAFETY: `value` is writable for 4 bytes, and the helper checks the source address itself.
    let status = unsafe { bpf_probe_read_kernel((&raw mut value).cast(), 4, addr as *const _) };
    if status == 0 { Ok(value) } else { Err(Fault::ReadFault) }
}

/// Reads an 8-byte integer in the kernel's memory.
#[inline(always)]
pub fn kernel_u64(addr: u64) -> Result<u64, Fault> {
    let mut value = 0u64;
    // SAFETY: `value` is writable for 8 bytes, and the helper checks the source address itself.
    let status = unsafe { bpf_probe_read_kernel((&raw mut value).cast(), 8, addr as *const _) };
    if status == 0 { Ok(value) } else { Err(Fault::ReadFault) }
}
