//! The parts of a table that the walk needs, which the kernel side shares.

use super::Layout;
use molt_common::layout::{ABSENT, WalkLayout};
use molt_common::walk::ty::TypeLayout;
use std::ops::Range;

impl Layout {
    /// What the walk over frames needs.
    pub fn walk(&self) -> WalkLayout {
        let head = self.code_head();
        let within = |at: u32| at.wrapping_sub(head.start);
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
            code_version: self.code_version,
            code_head: head.start,
            code_bytes: head.end.saturating_sub(head.start),
            code_size: within(self.code_size),
            code_argcount: within(self.code_argcount),
            code_kwonlyargcount: within(self.code_kwonlyargcount),
            code_flags: within(self.code_flags),
            code_firstlineno: within(self.code_firstlineno),
            code_name: within(self.code_name),
            code_filename: within(self.code_filename),
            code_linetable: within(self.code_linetable),
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

    /// The part of a code object that has the fields of its identity and those that a call's reading needs.
    fn code_head(&self) -> Range<u32> {
        let counts = [self.code_argcount, self.code_kwonlyargcount, self.code_slots];
        let numbers = counts.into_iter().chain([self.code_flags, self.code_firstlineno]).map(|at| (at, 4));
        let names = [self.code_size, self.code_name, self.code_filename, self.code_linetable];
        let cells = [self.code_cell2arg, self.code_cellvars].into_iter().filter(|at| *at != ABSENT);
        let fields = numbers.chain(names.into_iter().chain(cells).map(|at| (at, 8)));
        let (start, end) = fields.fold((u32::MAX, 0), |(start, end): (u32, u32), (at, bytes)| {
            (start.min(at), end.max(at.saturating_add(bytes)))
        });
        start & !7..end
    }
}
