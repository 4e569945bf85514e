//! molt's pipeline: discover, capture, decode, symbolize, aggregate, artifact, report.
pub mod capture;
pub mod cpython;
pub mod decode;
pub mod discover;
pub mod launch;
pub mod symbolize;
