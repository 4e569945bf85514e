//! A file to the artifact: the version first, then the shape.
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{Artifact, FORMAT_VERSION};

/// Most bytes of a file that is read. 10,000 symbols with 20,000 call sites have 15 MB.
pub const MAX_BYTES: u64 = 256 << 20;

/// Why a file was not read as an artifact.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It could not be opened or read.
    #[error("failed to read the artifact")]
    Io(#[source] io::Error),
    /// It is larger than [`MAX_BYTES`].
    #[error("artifact has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// It is not JSON, or nested more than 128 deep.
    #[error("artifact is not JSON")]
    Json(#[source] serde_json::Error),
    /// It is JSON without a `molt_profile_version` that is a string.
    #[error("file is no Molt Profile Artifact: molt_profile_version is missing")]
    NoVersion,
    /// It has a version that this crate does not know.
    #[error("artifact has version {found:?}, this reader knows {FORMAT_VERSION:?}")]
    Version {
        /// Its version, at most 32 characters of it.
        found: String,
    },
    /// A key is missing or has a value of the wrong kind.
    #[error("artifact does not have the shape of version {FORMAT_VERSION}")]
    Shape(#[source] serde_json::Error),
}

/// Reads an artifact from a file of at most [`MAX_BYTES`].
pub fn read_file(path: &Path) -> Result<Artifact, ReadError> {
    from_slice(&read_bytes(path)?)
}

/// Reads an artifact from its text. Keys that the format does not name are ignored.
pub fn from_slice(text: &[u8]) -> Result<Artifact, ReadError> {
    check_version(text)?;
    serde_json::from_slice(text).map_err(ReadError::Shape)
}

/// The bytes of a file of at most [`MAX_BYTES`]. It is never read further, whatever size it says it has.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(ReadError::Io)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > MAX_BYTES { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// Refuses what is not JSON, not an artifact, or of another version, without keeping any of the rest.
pub(crate) fn check_version(text: &[u8]) -> Result<(), ReadError> {
    #[derive(Deserialize)]
    struct Versioned {
        molt_profile_version: Option<Value>,
    }

    let found = match serde_json::from_slice::<Versioned>(text) {
        Ok(Versioned { molt_profile_version: Some(Value::String(version)) }) => version,
        Ok(_) => return Err(ReadError::NoVersion),
        Err(error) if error.is_data() => return Err(ReadError::NoVersion),
        Err(error) => return Err(ReadError::Json(error)),
    };
    if found == FORMAT_VERSION {
        Ok(())
    } else {
        Err(ReadError::Version { found: found.chars().take(32).collect() })
    }
}

#[cfg(test)]
mod tests;
