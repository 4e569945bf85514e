//! Containers, as the kernel side copies them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most elements, or entries of a dict, whose types are copied.
pub const MAX_ELEMENTS: u32 = 64;
/// Bytes copied of a key of a dict: a str of some fifty letters.
pub const KEY_BYTES: u64 = 112;
/// Most bytes copied of the place where elements lie.
pub const MAX_TABLE: u64 = 4096;

/// What the instances of a type are. Value of the map `KINDS`.
pub mod kind {
    /// `dict`.
    pub const DICT: u32 = 1;
    /// `list`.
    pub const LIST: u32 = 2;
    /// `tuple`.
    pub const TUPLE: u32 = 3;
    /// `set` or `frozenset`.
    pub const SET: u32 = 4;
}

/// Where containers keep what they hold; offsets in bytes, [`crate::layout::ABSENT`] for what a version does not
/// have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ContainerLayout {
    /// `PyListObject.ob_item`, a pointer.
    pub list_items: u32,
    /// `PySetObject.mask`: slots of the table but one.
    pub set_mask: u32,
    /// `PySetObject.table`, a pointer.
    pub set_table: u32,
    /// `PyDictObject.ma_keys`.
    pub dict_keys: u32,
    /// `PyDictObject.ma_values`.
    pub dict_values: u32,
    /// `PyDictKeysObject.dk_size` (up to 3.10).
    pub keys_size: u32,
    /// `PyDictKeysObject.dk_log2_index_bytes`, one byte.
    pub keys_log2_index_bytes: u32,
    /// `PyDictKeysObject.dk_kind`, one byte: 0 where entries have a hash.
    pub keys_kind: u32,
    /// `PyDictKeysObject.dk_nentries`.
    pub keys_nentries: u32,
    /// `PyDictKeysObject.dk_indices`.
    pub keys_indices: u32,
    /// `PyDictValues.values`.
    pub values_items: u32,
    /// Bytes of a container's head that hold every field of its own.
    pub head_bytes: u32,
    /// `PyTupleObject.ob_item`.
    pub tuple_items: u32,
    /// `PyVarObject.ob_size`.
    pub var_size: u32,
    /// `PyObject.ob_type`.
    pub object_type: u32,
    /// `PyCellObject.ob_ref`.
    pub cell_ref: u32,
    /// Address of `PyCell_Type` in the process; 0 when it is not known.
    pub cell_type: u64,
    /// Bits of a slot that belong to the address.
    pub slot_mask: u64,
}

const _: () = assert!(size_of::<ContainerLayout>() == 80);
