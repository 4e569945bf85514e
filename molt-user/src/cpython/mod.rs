//! All knowledge of CPython on the user side: versions, layouts, opcode and line tables.
pub mod version;
