//! molt's pipeline: discover, capture, decode, symbolize, aggregate, artifact, report.
//!
//! The folder is the stage. [`trace`] joins the stages into a run, [`cli`] is what is typed and printed.
pub mod aggregate;
pub mod capture;
pub mod cli;
pub mod clock;
pub mod cpython;
pub mod decode;
pub mod diagnose;
pub mod discover;
pub mod launch;
pub mod symbolize;
pub mod trace;
