//! How a call is read.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What reading a call needs beyond [`crate::layout::WalkLayout`]; offsets in bytes, [`crate::layout::ABSENT`]
/// for what a version does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallLayout {
    /// Address of `PyCell_Type` in the process; 0 when it is not known.
    pub cell_type: u64,
    /// Address of `PyModule_Type` in the process; 0 when it is not known.
    pub module_type: u64,
    /// Where the interpreter's own data lies, and its length: types in it are never freed.
    pub static_low: u64,
    /// Its length in bytes.
    pub static_bytes: u64,
    /// Bits of a slot of `localsplus` that belong to the address, as [`crate::layout::WalkLayout::code_mask`].
    pub slot_mask: u64,
    /// `localsplus`.
    pub frame_slots: u32,
    /// `PyFrameObject.f_stacktop` (3.8, 3.9; a pointer, null once the frame has ended).
    pub frame_stacktop: u32,
    /// `PyFrameObject.f_state` (3.10; an `i8`, above 0 once the frame has ended).
    pub frame_state: u32,
    /// `PyFrameObject.f_frame` (from 3.11): the frame behind a frame object.
    pub frameobj_frame: u32,
    /// `co_nlocalsplus`, up to 3.10 `co_nlocals`: an `i32` of the code object's head.
    pub code_slots: u32,
    /// `co_cell2arg` of that head (up to 3.10): null, or the argument of each cell variable, an `i64` each, -1 for none.
    pub code_cell2arg: u32,
    /// `co_cellvars` of that head (up to 3.10), a tuple.
    pub code_cellvars: u32,
    /// `co_consts`, a tuple.
    pub code_consts: u32,
    /// `_co_firsttraceable`, an `i32` (from 3.11): a frame before it is not visible to Python.
    pub code_firsttraceable: u32,
    /// `PyTupleObject.ob_item`.
    pub tuple_items: u32,
    /// `PyVarObject.ob_size`.
    pub var_size: u32,
    /// `PyBytesObject.ob_sval`.
    pub bytes_data: u32,
    /// `PyCellObject.ob_ref`.
    pub cell_ref: u32,
    /// `PyObject.ob_type`.
    pub object_type: u32,
    /// `PyTypeObject.tp_base`.
    pub type_base: u32,
    /// `PyHeapTypeObject.ht_qualname`.
    pub type_qualname: u32,
    /// `sizeof(PyASCIIObject)`: where the text of most names begins.
    pub ascii_bytes: u32,
    /// `PyThreadState.curexc_type`, a type (up to 3.11).
    pub tstate_exception_type: u32,
    /// `PyThreadState.curexc_traceback` (up to 3.11).
    pub tstate_traceback: u32,
    /// `PyThreadState.current_exception`, an exception (from 3.12).
    pub tstate_exception: u32,
    /// `PyBaseExceptionObject.traceback`.
    pub exception_traceback: u32,
    /// `RETURN_VALUE` and what it is instrumented to.
    pub return_value: [u8; 2],
    /// `RETURN_CONST` (3.12, 3.13) and what it is instrumented to; 0 where there is none.
    pub return_const: [u8; 2],
    /// `EXTENDED_ARG`.
    pub extended_arg: u8,
    /// `RAISE_VARARGS`.
    pub raise: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

const _: () = assert!(size_of::<CallLayout>() == 40 + 21 * 4 + 12);
