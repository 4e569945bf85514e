//! Whether a file is a sound artifact: the schema, and the rules that a schema cannot say.
//!
//! Every fault is named by its place and a sentence. Work is bounded for any input: the file's size by
//! [`crate::read::MAX_BYTES`], its values by [`MAX_VALUES`], its depth by the JSON reader, the faults by
//! [`MAX_FAULTS`].
mod calls;
mod order;
mod place;
mod redaction;
mod references;
mod sections;
mod shape;
mod text;
mod types;

use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;

use crate::model::Artifact;
use crate::read::{self, ReadError};
use crate::schema::BrokenSchema;

/// Most faults that are named; further ones are counted.
pub const MAX_FAULTS: usize = 200;

/// Most values of a file that is checked: each takes at least 32 bytes of memory, and can take two of the
/// file. Artifacts have one in 20 bytes or more.
pub const MAX_VALUES: usize = 16 << 20;

/// Something wrong at one place of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as a path that `jq` takes: `.call_sites[3].caller`, `.symbols["app.f"].codes[0]`.
    pub place: String,
    /// What, in a sentence without a full stop. It repeats at most 80 characters of the file, escaped.
    pub problem: String,
}

/// What was found wrong with a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The faults, at most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub further: u64,
}

impl Findings {
    /// Whether nothing was found wrong.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty() && self.further == 0
    }

    fn add(&mut self, place: impl FnOnce() -> String, problem: impl FnOnce() -> String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { place: place(), problem: problem() });
        } else {
            self.further += 1;
        }
    }
}

/// Why a file could not be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidateError {
    /// It is not an artifact of this version, or could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It has more than [`MAX_VALUES`] values.
    #[error("artifact has more than {MAX_VALUES} values")]
    TooManyValues,
    /// There is nothing to check it against.
    #[error(transparent)]
    Schema(#[from] BrokenSchema),
}

/// Checks a file.
pub fn validate_file(path: &Path) -> Result<Findings, ValidateError> {
    validate_slice(&read::read_bytes(path)?)
}

/// Checks the text of a file. References, order and sections are checked only where the shape allows it.
pub fn validate_slice(text: &[u8]) -> Result<Findings, ValidateError> {
    // Each value but the first follows one of these, so there are no more values than these, and one.
    if text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() >= MAX_VALUES {
        return Err(ValidateError::TooManyValues);
    }
    read::check_version(text)?;
    let value: Value = serde_json::from_slice(text).map_err(ReadError::Json)?;
    let mut findings = Findings::default();
    shape::check(value.as_object().ok_or(ReadError::NoVersion)?, &mut findings)?;
    text::check(&value, &mut findings);
    match Artifact::deserialize(&value) {
        Ok(artifact) => {
            references::check(&artifact, &mut findings);
            calls::check(&artifact, &mut findings);
            types::check(&artifact, &mut findings);
            sections::check(&artifact, &mut findings);
            order::check(&artifact, &mut findings);
            redaction::check(&artifact, &mut findings);
        }
        // The schema has said it already, and with the place.
        Err(_) if !findings.is_clean() => {}
        Err(error) => findings.add(|| ".".to_owned(), || error.to_string()),
    }
    Ok(findings)
}

#[cfg(test)]
mod tests;
