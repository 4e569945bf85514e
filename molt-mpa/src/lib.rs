//! The Molt Profile Artifact (MPA) v0.1 as a library: its types, how it is written, read, checked and redacted.
//!
//! Nothing here traces. The crate knows no operating system beyond files, and builds wherever std does.
//! `docs/artifact.md` explains the file to its readers, `docs/mpa.schema.json` is its schema.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use molt_mpa::model::{
//!     Arch, Artifact, Backend, Collector, Header, Mode, Os, Platform, RunMetadata, Section, SectionState,
//! };
//! use molt_mpa::redact::{Category, Policy, Redactor};
//! use molt_mpa::{ids, read, validate, write};
//!
//! let mut redactor = Redactor::new(Policy::Hash, None);
//! let run_metadata = RunMetadata {
//!     entrypoint: "app.py".to_owned(),
//!     argv: vec![redactor.redact(Category::Argv, "--token=abc")],
//!     env_fingerprint: ids::env_fingerprint([("TZ", "UTC"), ("HOME", "left out")]),
//!     inputs_fingerprint: ids::inputs_fingerprint([("app.py", ids::Sha256Hash::of(b"print(1)\n"))]),
//!     duration_ms: Duration::from_micros(1_234_567).into(),
//!     gc: None,
//! };
//! let platform = Platform { os: Os::Linux, arch: Arch::X86_64 };
//! let header = Header::cpython("3.13.5", platform, run_metadata, SystemTime::UNIX_EPOCH);
//!
//! let mut collector = Collector::new(Backend::Ebpf, Mode::Sample);
//! for section in Section::ALL {
//!     collector.set(section, SectionState::unavailable("this example observes nothing"));
//! }
//! let mut artifact = Artifact::new(header, collector);
//! artifact.redactions = redactor.summary();
//! artifact.normalize();
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("molt_profile.json");
//! write::check_destination(&path)?;
//! write::write_file(&artifact, &path, None)?;
//!
//! assert_eq!(read::read_file(&path)?, artifact);
//! assert!(validate::validate_file(&path)?.is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ids;
pub mod model;
pub mod quantity;
pub mod read;
pub mod redact;
pub mod schema;
pub mod validate;
pub mod write;

#[cfg(test)]
mod tests;
