//! Where things lie in CPython's memory: one generated table per minor version.
//!
//! The offsets come from the C compiler over each version's own headers (`xtask/data`) and hold for every
//! micro release of a minor version, except where [`Layout::of`] says otherwise. x86-64.

mod v3_10;
mod v3_11;
mod v3_12;
mod v3_13;
mod v3_13t;
mod v3_14;
mod v3_14t;
mod v3_15;
mod v3_8;
mod v3_9;
mod walk;

#[cfg(test)]
mod tests;

use super::version::Version;
use molt_common::layout::ABSENT;

/// Offsets in bytes; [`ABSENT`] stands for what a version does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The minor version, 8 to 15.
    pub minor: u8,
    /// Whether this is a build without the GIL.
    pub free_threaded: bool,
    /// Low bits of a frame's code pointer that are tags of a stack reference.
    pub tag_bits: u8,
    /// Smallest `frame_owner` of a frame that stands for C code; 255 where there are none.
    pub owner_shim: u8,
    /// The key of `_PyRuntimeState.gilstate.autoTSSkey`, an `i32`.
    pub runtime_tss_key: u32,
    /// `_PyRuntimeState.interpreters.head`.
    pub runtime_interpreters_head: u32,
    /// `PyInterpreterState.next`.
    pub interp_next: u32,
    /// `PyInterpreterState.threads.head`.
    pub interp_threads_head: u32,
    /// `PyInterpreterState.modules`, from 3.12 `imports.modules`: the dict `sys.modules`.
    pub interp_modules: u32,
    /// `PyInterpreterState.sysdict`: the namespace of `sys`.
    pub interp_sysdict: u32,
    /// `PyThreadState.next`.
    pub tstate_next: u32,
    /// `PyThreadState.thread_id`.
    pub tstate_thread_id: u32,
    /// `PyThreadState.native_thread_id`; from 3.11.
    pub tstate_native_thread_id: u32,
    /// `PyThreadState.frame` (up to 3.10), `.cframe` (3.11, 3.12), `.current_frame`.
    pub tstate_frame: u32,
    /// `_PyCFrame.current_frame`; 3.11 and 3.12.
    pub cframe_current_frame: u32,
    /// `f_code` or `f_executable`.
    pub frame_code: u32,
    /// `f_back` or `previous`.
    pub frame_previous: u32,
    /// `f_globals`.
    pub frame_globals: u32,
    /// `f_lasti`, `prev_instr` or `instr_ptr`.
    pub frame_instr: u32,
    /// `_PyInterpreterFrame.owner`, one byte; from 3.11.
    pub frame_owner: u32,
    /// `ob_size`, in code units; up to 3.10 the pointer `co_code`.
    pub code_size: u32,
    /// `co_argcount`, an `i32`, like the next four.
    pub code_argcount: u32,
    /// `co_posonlyargcount`.
    pub code_posonlyargcount: u32,
    /// `co_kwonlyargcount`.
    pub code_kwonlyargcount: u32,
    /// `co_flags`.
    pub code_flags: u32,
    /// `co_firstlineno`.
    pub code_firstlineno: u32,
    /// `co_version`, a `u32`; from 3.12.
    pub code_version: u32,
    /// `co_filename`.
    pub code_filename: u32,
    /// `co_name`.
    pub code_name: u32,
    /// `co_qualname`; from 3.11.
    pub code_qualname: u32,
    /// `co_lnotab` (up to 3.9), `co_linetable`.
    pub code_linetable: u32,
    /// `co_varnames` (up to 3.10), `co_localsplusnames`: parameters first.
    pub code_varnames: u32,
    /// `_co_monitoring`; from 3.12.
    pub code_monitoring: u32,
    /// `co_executors`; from 3.13.
    pub code_executors: u32,
    /// `_co_firsttraceable`, an `i32`, in code units; from 3.11.
    pub code_firsttraceable: u32,
    /// `co_code_adaptive`, the code units themselves; from 3.11.
    pub code_adaptive: u32,
    /// `_PyCoMonitoringData.lines`.
    pub monitoring_lines: u32,
    /// `_PyCoMonitoringData.per_instruction_opcodes`.
    pub monitoring_instructions: u32,
    /// `_PyCoLineInstrumentationData.bytes_per_entry`, one byte before the entries; from 3.13.3. Before, an
    /// entry is a pair of an opcode and a line delta, one byte each.
    pub lines_entry_bytes: u32,
    /// `_PyExecutorArray.executors`; from 3.13.
    pub executors_items: u32,
    /// `_PyExecutorObject.vm_data`.
    pub executor_vm_data: u32,
    /// `_PyVMData.opcode`, one byte.
    pub vm_data_opcode: u32,
    /// `_PyVMData.oparg`, one byte.
    pub vm_data_oparg: u32,
    /// `PyObject.ob_type`.
    pub object_type: u32,
    /// `PyVarObject.ob_size`.
    pub var_size: u32,
    /// `PyTypeObject.tp_name`.
    pub type_name: u32,
    /// `PyTypeObject.tp_flags`.
    pub type_flags: u32,
    /// `PyTypeObject.tp_base`.
    pub type_base: u32,
    /// `PyTypeObject.tp_basicsize`.
    pub type_basicsize: u32,
    /// `PyTypeObject.tp_itemsize`.
    pub type_itemsize: u32,
    /// `PyTypeObject.tp_dict`; from 3.12 on not that of static builtin types.
    pub type_dict: u32,
    /// `PyTypeObject.tp_dictoffset`.
    pub type_dictoffset: u32,
    /// `PyTypeObject.tp_bases`.
    pub type_bases: u32,
    /// `PyTypeObject.tp_mro`.
    pub type_mro: u32,
    /// `PyTypeObject.tp_subclasses`; from 3.12 on the number of a static builtin type, from 1.
    pub type_subclasses: u32,
    /// `PyHeapTypeObject.ht_qualname`.
    pub heap_type_qualname: u32,
    /// `PyHeapTypeObject.ht_cached_keys`.
    pub heap_type_cached_keys: u32,
    /// `PyHeapTypeObject.ht_module`; from 3.9.
    pub heap_type_module: u32,
    /// `PyInterpreterState.types.builtins` (3.12), `.types.builtins.initialized`: what an interpreter keeps of
    /// each static builtin type.
    pub interp_static_types: u32,
    /// `PyInterpreterState.types.for_extensions.initialized`: the same for those of extensions of the standard
    /// library; from 3.13.
    pub interp_extension_types: u32,
    /// `tp_dict` in one entry of that (`static_builtin_state`, `managed_static_type_state`); from 3.12.
    pub static_type_dict: u32,
    /// `PyMemberDescrObject.d_member`.
    pub member_def: u32,
    /// `PyASCIIObject.length`, in code points.
    pub str_length: u32,
    /// `PyASCIIObject.state`, a `u32` of bit-fields.
    pub str_state: u32,
    /// `PyUnicodeObject.data`, the pointer of a str that is not compact.
    pub str_data: u32,
    /// `PyBytesObject.ob_sval`.
    pub bytes_data: u32,
    /// `PyTupleObject.ob_item`.
    pub tuple_items: u32,
    /// `PyListObject.ob_item`, a pointer.
    pub list_items: u32,
    /// `PySetObject.used`, of sets and frozensets.
    pub set_used: u32,
    /// `PySetObject.mask`: slots of the table less one.
    pub set_mask: u32,
    /// `PySetObject.table`, a pointer to slots of {key, hash}.
    pub set_table: u32,
    /// `PyDictObject.ma_used`.
    pub dict_used: u32,
    /// `PyDictObject.ma_keys`.
    pub dict_keys: u32,
    /// `PyDictObject.ma_values`.
    pub dict_values: u32,
    /// `PyDictKeysObject.dk_size`; up to 3.10.
    pub keys_size: u32,
    /// `PyDictKeysObject.dk_log2_index_bytes`, one byte; from 3.11.
    pub keys_log2_index_bytes: u32,
    /// `PyDictKeysObject.dk_kind`, one byte: 0 general, 1 all keys str, 2 split; from 3.11.
    pub keys_kind: u32,
    /// `PyDictKeysObject.dk_nentries`.
    pub keys_nentries: u32,
    /// `PyDictKeysObject.dk_indices`.
    pub keys_indices: u32,
    /// `PyDictValues.capacity`, one byte; from 3.13.
    pub values_capacity: u32,
    /// `PyDictValues.size`, one byte; from 3.13.
    pub values_size: u32,
    /// `PyDictValues.valid`, one byte; from 3.13.
    pub values_valid: u32,
    /// `PyDictValues.values`; up to 3.10 a plain array.
    pub values_items: u32,
    /// `PyModuleObject.md_dict`.
    pub module_dict: u32,
    /// `co_names`, a tuple.
    pub code_names: u32,
    /// `_PyRuntimeState.gc`; 3.8.
    pub runtime_gc: u32,
    /// `PyInterpreterState.gc`; from 3.9.
    pub interp_gc: u32,
    /// `_gc_runtime_state.generation_stats`: three structs of three words; up to 3.14.
    pub gc_generation_stats: u32,
    /// `co_consts`; up to 3.10 in this table, like the next seven: later versions need no search for qualified
    /// names.
    pub code_consts: u32,
    /// `PyFunctionObject.func_code`.
    pub function_code: u32,
    /// `PyFunctionObject.func_qualname`.
    pub function_qualname: u32,
    /// `staticmethod.sm_callable` (`Objects/funcobject.c`).
    pub staticmethod_callable: u32,
    /// `classmethod.cm_callable` (`Objects/funcobject.c`).
    pub classmethod_callable: u32,
    /// `propertyobject.prop_get` (`Objects/descrobject.c`), like the next two.
    pub property_get: u32,
    /// `propertyobject.prop_set`.
    pub property_set: u32,
    /// `propertyobject.prop_del`.
    pub property_del: u32,
    /// `_PyInterpreterFrame.localsplus`, up to 3.10 `f_localsplus`.
    pub frame_slots: u32,
    /// `PyFrameObject.f_stacktop`; 3.8 and 3.9.
    pub frame_stacktop: u32,
    /// `PyFrameObject.f_state`, an `i8`; 3.10.
    pub frame_state: u32,
    /// `PyFrameObject.f_frame`; from 3.11.
    pub frameobj_frame: u32,
    /// `co_nlocalsplus`, up to 3.10 `co_nlocals`.
    pub code_slots: u32,
    /// `co_cell2arg`; up to 3.10.
    pub code_cell2arg: u32,
    /// `co_cellvars`; up to 3.10.
    pub code_cellvars: u32,
    /// `PyCellObject.ob_ref`.
    pub cell_ref: u32,
    /// `PyThreadState.curexc_type`; up to 3.11.
    pub tstate_exception_type: u32,
    /// `PyThreadState.curexc_traceback`; up to 3.11.
    pub tstate_traceback: u32,
    /// `PyThreadState.current_exception`; from 3.12.
    pub tstate_exception: u32,
    /// `PyBaseExceptionObject.traceback`.
    pub exception_traceback: u32,
    /// `PyTypeObject.tp_version_tag`, a `u32`.
    pub type_version_tag: u32,
    /// `PyInterpreterState.gc`, in 3.8 `_PyRuntimeState.gc`: the state of the garbage collector.
    pub gc_state: u32,
    /// `struct _gc_runtime_state.generation0`: a pointer to the first of three lists of objects. Free-threaded builds
    /// have none.
    pub gc_generation0: u32,
    /// `sizeof(PyASCIIObject)`: where the text of a compact ASCII str begins.
    pub ascii_bytes: u32,
    /// `sizeof(static_builtin_state)`, from 3.13 `sizeof(managed_static_type_state)`; from 3.12.
    pub static_type_bytes: u32,
    /// `sizeof(PyCompactUnicodeObject)`: where the text of another compact str begins.
    pub compact_bytes: u32,
    /// Bits of `str_state` that hold the width of a code point in bytes.
    pub str_kind_mask: u32,
    /// Bit of `str_state`: the text follows the header.
    pub str_compact_mask: u32,
    /// Bit of `str_state`: all code points are ASCII.
    pub str_ascii_mask: u32,
}

impl Layout {
    /// The table for `version`, or `None` when molt has none.
    pub fn of(version: Version, free_threaded: bool) -> Option<Layout> {
        if version.major() != 3 {
            return None;
        }
        let mut layout = match (version.minor(), free_threaded) {
            (8, false) => v3_8::LAYOUT,
            (9, false) => v3_9::LAYOUT,
            (10, false) => v3_10::LAYOUT,
            (11, false) => v3_11::LAYOUT,
            (12, false) => v3_12::LAYOUT,
            (13, false) => v3_13::LAYOUT,
            (13, true) => v3_13t::LAYOUT,
            (14, false) => v3_14::LAYOUT,
            (14, true) => v3_14t::LAYOUT,
            (15, false) => v3_15::LAYOUT,
            _ => return None,
        };
        // 3.13.3 changed `_PyCoLineInstrumentationData` (Include/cpython/code.h).
        if version.minor() == 13 && version.micro() < 3 {
            layout.lines_entry_bytes = ABSENT;
        }
        Some(layout)
    }

    /// Whether code units are specialised in place (PEP 659), so that they must be rewritten to what
    /// `co_code` gives.
    pub const fn is_adaptive(&self) -> bool {
        self.code_adaptive != ABSENT
    }
}
