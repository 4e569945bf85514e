//! Interpreters on this machine, children of theirs, and where their runtime lies.

pub(crate) mod interpreters;
pub(crate) mod runtime;
pub(crate) mod target;
