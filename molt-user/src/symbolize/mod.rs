//! Stage: symbolize. Addresses to names, places and hashes.
//!
//! Everything but [`memory`] and [`source`] is a function of the memory that it is given.

pub mod arguments;
pub mod cache;
pub mod callee;
pub mod code;
pub mod collections;
pub mod containers;
pub mod functions;
pub mod fuzz;
pub mod kind;
pub mod locals;
pub mod memory;
pub mod modules;
pub mod namespaces;
pub mod paths;
pub mod qualname;
pub mod source;
pub mod tracked;
pub mod types;
