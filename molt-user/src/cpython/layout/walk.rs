//! The parts of a table that the walk needs, which the kernel side shares.

use super::Layout;
use molt_common::layout::{ABSENT, WalkLayout};
use molt_common::walk::ty::TypeLayout;

impl Layout {
    /// What the walk over frames needs.
    pub fn walk(&self) -> WalkLayout {
        WalkLayout {
            code_mask: !u64::from(self.tag_bits),
            runtime_interpreters_head: self.runtime_interpreters_head,
            runtime_tss_key: self.runtime_tss_key,
            interp_next: self.interp_next,
            interp_threads_head: self.interp_threads_head,
            tstate_next: self.tstate_next,
            tstate_thread_id: self.tstate_thread_id,
            tstate_native_thread_id: self.tstate_native_thread_id,
            tstate_frame: self.tstate_frame,
            cframe_current_frame: self.cframe_current_frame,
            frame_bytes: self.frame_bytes(),
            frame_code: self.frame_code,
            frame_previous: self.frame_previous,
            frame_globals: self.frame_globals,
            frame_instr: self.frame_instr,
            frame_owner: self.frame_owner,
            frame_owner_shim: u32::from(self.owner_shim),
            code_adaptive: self.code_adaptive,
            lasti_unit: if self.minor == 10 { 2 } else { 1 },
            code_bytes: self.code_bytes(),
            code_size: self.code_size,
            code_argcount: self.code_argcount,
            code_kwonlyargcount: self.code_kwonlyargcount,
            code_flags: self.code_flags,
            code_firstlineno: self.code_firstlineno,
            code_name: self.code_name,
            code_filename: self.code_filename,
            code_linetable: self.code_linetable,
            bytes_size: self.var_size,
            bytes_data: self.bytes_data,
            reserved: 0,
        }
    }

    /// What a type's identity needs.
    pub fn types(&self) -> TypeLayout {
        let fields = [self.type_name, self.type_basicsize, self.type_flags, self.type_base, self.type_dict];
        let head = fields.into_iter().fold(u32::MAX, u32::min);
        let end = fields.into_iter().fold(0, u32::max).saturating_add(8);
        TypeLayout {
            head,
            head_bytes: end.saturating_sub(head),
            name: self.type_name.saturating_sub(head),
            basicsize: self.type_basicsize.saturating_sub(head),
            flags: self.type_flags.saturating_sub(head),
            base: self.type_base.saturating_sub(head),
            dict: self.type_dict.saturating_sub(head),
            qualname: self.heap_type_qualname,
        }
    }

    /// Bytes of a frame's head up to the last field that the walk reads.
    fn frame_bytes(&self) -> u32 {
        let instr = if self.is_adaptive() { 8 } else { 4 };
        let owner = if self.frame_owner == ABSENT { 0 } else { self.frame_owner.saturating_add(1) };
        [self.frame_code, self.frame_previous, self.frame_globals]
            .into_iter()
            .map(|at| at.saturating_add(8))
            .chain([self.frame_instr.saturating_add(instr), owner])
            .fold(0, u32::max)
    }

    /// Bytes of a code object's head up to the last field of its identity.
    fn code_bytes(&self) -> u32 {
        [self.code_argcount, self.code_kwonlyargcount, self.code_flags, self.code_firstlineno]
            .into_iter()
            .map(|at| at.saturating_add(4))
            .chain([self.code_size, self.code_name, self.code_filename].map(|at| at.saturating_add(8)))
            .fold(0, u32::max)
    }
}
