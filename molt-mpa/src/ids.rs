//! Hashes that name things: which bytes go in, so that anyone can compute them again.
//!
//! A hash is written as `sha256:` and 64 lowercase hexadecimal digits. `docs/artifact.md` says the same for
//! readers of the file; the two must agree.
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// What stands before the digits.
pub const HASH_PREFIX: &str = "sha256:";

/// A SHA-256, as text `sha256:` and 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash([u8; 32]);

impl Sha256Hash {
    /// The hash of bytes. Of `co_code` it is a `code_hash`, of a source file's content a `source_sha256`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A hash computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 64 digits, without the prefix.
    pub fn digits(self) -> String {
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|nibble| DIGITS[usize::from(nibble)])
            .collect()
    }
}

impl fmt::Display for Sha256Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{HASH_PREFIX}{}", self.digits())
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A text is not `sha256:` and 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hash is not \"sha256:\" and 64 lowercase hexadecimal digits")]
pub struct MalformedHash;

impl FromStr for Sha256Hash {
    type Err = MalformedHash;

    fn from_str(text: &str) -> Result<Self, MalformedHash> {
        let digits = text.strip_prefix(HASH_PREFIX).ok_or(MalformedHash)?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(MalformedHash);
        }
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, MalformedHash> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(MalformedHash),
    }
}

impl Serialize for Sha256Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What a call site's id is the hash of: the UTF-8 bytes of one of these texts, numbers in decimal, no line end.
///
/// | variant | text | `id_basis` |
/// |---|---|---|
/// | [`SiteId::Text`] | `file:line:col:expr` | absent, or `line` |
/// | [`SiteId::Position`] | `file:line:col:end_line:end_col` | `position` |
/// | [`SiteId::Code`] | `file:line:code_hash:offset` | `code` |
///
/// `file` is the artifact's own, after redaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteId<'a> {
    /// The expression's place and its source text, several lines joined as they stand.
    Text {
        /// Column in UTF-8 bytes, from 0.
        col: u32,
        /// Source text of the call expression.
        expr: &'a str,
    },
    /// The expression's begin and end, where there is no source.
    Position {
        /// Column in UTF-8 bytes, from 0.
        col: u32,
        /// Last line.
        end_line: u32,
        /// Column after the last byte.
        end_col: u32,
    },
    /// The call instruction, where there are no columns either.
    Code {
        /// Of the caller's code object, with its prefix.
        code_hash: Sha256Hash,
        /// Bytes from the start of `co_code` to the call instruction.
        offset: u32,
    },
}

impl SiteId<'_> {
    /// The id of the call site in `file` whose expression begins in `line`, from 1.
    pub fn hash(&self, file: &str, line: u32) -> Sha256Hash {
        let text = match self {
            Self::Text { col, expr } => format!("{file}:{line}:{col}:{expr}"),
            Self::Position { col, end_line, end_col } => format!("{file}:{line}:{col}:{end_line}:{end_col}"),
            Self::Code { code_hash, offset } => format!("{file}:{line}:{code_hash}:{offset}"),
        };
        Sha256Hash::of(text.as_bytes())
    }
}

/// The hash of the environment variables that change Python's behaviour: those whose name begins with `PYTHON`
/// or `LC_`, and `LANG` and `TZ`. Hashed are the lines `KEY=VALUE`, sorted by their bytes, each ended by `\n`.
/// Takes the whole environment and leaves out the rest.
pub fn env_fingerprint<K, V>(variables: impl IntoIterator<Item = (K, V)>) -> Sha256Hash
where
    K: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    let lines = variables.into_iter().filter_map(|(key, value)| {
        let key = key.as_ref();
        let matters = key.starts_with(b"PYTHON") || key.starts_with(b"LC_") || key == b"LANG" || key == b"TZ";
        matters.then(|| [key, b"=", value.as_ref(), b"\n"].concat())
    });
    hash_sorted_lines(lines)
}

/// The hash of the program's own input: entry script, source files of modules from outside the standard
/// library, files named by `--input`. Hashed are the lines `NAME  DIGITS` (two spaces, the content's SHA-256
/// without prefix), sorted by their bytes, equal ones once, each ended by `\n`. A module's `NAME` is its `file`
/// in the artifact, the script's is the `entrypoint`, a named file's is the name as it was given.
pub fn inputs_fingerprint<N: AsRef<str>>(files: impl IntoIterator<Item = (N, Sha256Hash)>) -> Sha256Hash {
    let lines = files
        .into_iter()
        .map(|(name, content)| format!("{}  {}\n", name.as_ref(), content.digits()).into_bytes());
    hash_sorted_lines(lines)
}

fn hash_sorted_lines(lines: impl Iterator<Item = Vec<u8>>) -> Sha256Hash {
    let sorted: BTreeSet<Vec<u8>> = lines.collect();
    let mut hasher = Sha256::new();
    for line in &sorted {
        hasher.update(line);
    }
    Sha256Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests;
