//! What the tests share: interpreters, programs, runs of molt, and what the oracle saw.
pub(crate) mod artifact;
pub(crate) mod boxed;
pub(crate) mod counter;
pub(crate) mod facts;
pub(crate) mod figures;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod pythons;
pub(crate) mod required;
pub(crate) mod service;
pub(crate) mod truth;
pub(crate) mod unsupported;
