//! CPython offsets as one struct of integers.
//!
//! The kernel side knows no version: user space picks the table for the interpreter at hand, checks it, and
//! writes this struct into the process's configuration.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Stands for a field that this version of CPython does not have.
pub const ABSENT: u32 = u32::MAX;

/// Offsets in bytes that finding a thread state, walking its frames and identifying code need.
///
/// Offsets within a frame or a code object are below [`crate::limits::BLOCK_BYTES`], those of 8-byte fields
/// are multiples of 8 and those of 4-byte fields multiples of 4; [`WalkLayout::is_sound`] checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct WalkLayout {
    /// Bits of `frame_code` that belong to the address; the others are tags of a stack reference
    /// (3.14, and free-threaded 3.13).
    pub code_mask: u64,
    /// `_PyRuntimeState.interpreters.head`.
    pub runtime_interpreters_head: u32,
    /// `_PyRuntimeState.gilstate.autoTSSkey`'s key, an `i32`; [`ABSENT`] from 3.15 on.
    pub runtime_tss_key: u32,
    /// `PyInterpreterState.next`.
    pub interp_next: u32,
    /// `PyInterpreterState.threads.head`.
    pub interp_threads_head: u32,
    /// `PyThreadState.next`.
    pub tstate_next: u32,
    /// `PyThreadState.thread_id`: `pthread_self()`.
    pub tstate_thread_id: u32,
    /// `PyThreadState.native_thread_id`: the kernel's tid; [`ABSENT`] up to 3.10.
    pub tstate_native_thread_id: u32,
    /// `PyThreadState.frame` (up to 3.10), `.cframe` (3.11, 3.12), `.current_frame` (3.13 on).
    pub tstate_frame: u32,
    /// `_PyCFrame.current_frame`; [`ABSENT`] where the thread state points to the frame itself.
    pub cframe_current_frame: u32,
    /// Bytes of a frame's fixed part that hold every field below.
    pub frame_bytes: u32,
    /// `f_code` or `f_executable`.
    pub frame_code: u32,
    /// `f_back` or `previous`.
    pub frame_previous: u32,
    /// `f_globals`.
    pub frame_globals: u32,
    /// `f_lasti` (an `i32`, up to 3.10), `prev_instr` or `instr_ptr` (a pointer).
    pub frame_instr: u32,
    /// `_PyInterpreterFrame.owner`, one byte; [`ABSENT`] up to 3.10.
    pub frame_owner: u32,
    /// Smallest owner value that marks a shim frame; 255 where there are none.
    pub frame_owner_shim: u32,
    /// `co_code_adaptive`; [`ABSENT`] up to 3.10, where `frame_instr` holds an offset.
    pub code_adaptive: u32,
    /// Bytes in one step of `f_lasti`: 2 in 3.10, else 1.
    pub lasti_unit: u32,
    /// `co_version`, a `u32` that no other code object of the interpreter has had (`Objects/codeobject.c`); [`ABSENT`]
    /// up to 3.11.
    pub code_version: u32,
    /// Where the part of a code object begins that its identity is made of: the offsets of the next eight fields count
    /// from there.
    pub code_head: u32,
    /// Its bytes.
    pub code_bytes: u32,
    /// `ob_size` in code units; up to 3.10, where code objects have no size, the pointer `co_code`.
    pub code_size: u32,
    /// `co_argcount`.
    pub code_argcount: u32,
    /// `co_kwonlyargcount`.
    pub code_kwonlyargcount: u32,
    /// `co_flags`.
    pub code_flags: u32,
    /// `co_firstlineno`.
    pub code_firstlineno: u32,
    /// `co_name`, a pointer.
    pub code_name: u32,
    /// `co_filename`, a pointer.
    pub code_filename: u32,
    /// `co_lnotab`, `co_linetable`: a bytes object.
    pub code_linetable: u32,
    /// `PyVarObject.ob_size`.
    pub bytes_size: u32,
    /// `PyBytesObject.ob_sval`.
    pub bytes_data: u32,
    /// Zero.
    pub reserved: u32,
}

impl WalkLayout {
    /// Whether every offset can be used by the walk: inside its block and aligned to its field.
    pub fn is_sound(&self) -> bool {
        let block = crate::limits::BLOCK_BYTES as u32;
        let frame = [self.frame_code, self.frame_previous, self.frame_globals];
        let code = [self.code_argcount, self.code_kwonlyargcount, self.code_flags, self.code_firstlineno];
        let names = [self.code_size, self.code_name, self.code_filename, self.code_linetable];
        let instr_width = if self.code_adaptive == ABSENT { 4 } else { 8 };
        self.frame_bytes <= block
            && self.code_bytes <= block
            && frame.iter().all(|at| fits(*at, 8, self.frame_bytes))
            && fits(self.frame_instr, instr_width, self.frame_bytes)
            && (self.frame_owner == ABSENT || fits(self.frame_owner, 1, self.frame_bytes))
            && names.iter().all(|at| fits(*at, 8, self.code_bytes))
            && code.iter().all(|at| fits(*at, 4, self.code_bytes))
            && matches!(self.lasti_unit, 1 | 2)
    }
}

/// Whether a field of `width` bytes at `at` is aligned and ends within `bytes`.
pub(crate) fn fits(at: u32, width: u32, bytes: u32) -> bool {
    at.is_multiple_of(width) && at.checked_add(width).is_some_and(|end| end <= bytes)
}

const _: () = assert!(size_of::<WalkLayout>() == 8 + 4 * 32);

#[cfg(test)]
mod tests {
    use super::*;

    /// A field outside the block would be read from the wrong place, so the check must refuse it.
    #[test]
    fn refuses_a_field_outside_its_block() {
        assert!(fits(120, 8, 128));
        assert!(!fits(124, 8, 128), "not aligned");
        assert!(!fits(128, 8, 128), "past the end");
        assert!(!fits(ABSENT, 1, 128));
    }
}
