//! molt's pipeline: discover, capture, decode, symbolize, aggregate, artifact, report.
pub mod cpython;
pub mod discover;
pub mod launch;
pub mod symbolize;
