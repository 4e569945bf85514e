//! One source file: its text by lines and columns.

use super::outline::Outline;
use super::{NoSource, syntax};
use crate::cpython::linetable::Position;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;
use std::time::SystemTime;

/// Longest expression given: a call that spans more is a table, and no place to tell from others by its text.
const MAX_EXPRESSION_BYTES: usize = 64 << 10;

/// The text of a source file as the compiler sees it.
#[derive(Debug)]
pub struct SourceFile {
    text: String,
    /// Byte offset of each line's start.
    starts: Vec<usize>,
    modified: Option<SystemTime>,
    sha256: [u8; 32],
    outline: OnceLock<Option<Outline>>,
}

impl SourceFile {
    /// Decodes `bytes` as PEP 263 and the compiler do.
    pub fn new(bytes: Vec<u8>, modified: Option<SystemTime>) -> Result<SourceFile, NoSource> {
        let sha256 = Sha256::digest(&bytes).into();
        let text = decode(bytes)?;
        let starts = line_starts(&text);
        Ok(SourceFile { text, starts, modified, sha256, outline: OnceLock::new() })
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the file's bytes.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Whether the file was changed after `time`, so that its text may not be what was compiled.
    pub fn changed_after(&self, time: SystemTime) -> bool {
        self.modified.is_some_and(|modified| modified > time)
    }

    /// The text at `position`; `None` when it has no columns or lies outside the file.
    pub fn expression(&self, position: &Position) -> Option<&str> {
        let start = self.offset(position.line, position.col?)?;
        let end = self.offset(position.end_line?, position.end_col?)?;
        self.text.get(start..end).filter(|text| !text.is_empty() && text.len() <= MAX_EXPRESSION_BYTES)
    }

    /// What the parser finds in the file, at the first call; `None` when it cannot be parsed.
    pub fn outline(&self) -> Option<&Outline> {
        self.outline.get_or_init(|| syntax::outline(self)).as_ref()
    }

    /// Line, from 1, and column of a byte offset.
    pub(super) fn line_and_column(&self, offset: usize) -> (i32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        (
            i32::try_from(line).unwrap_or(i32::MAX),
            u32::try_from(offset.saturating_sub(start)).unwrap_or(u32::MAX),
        )
    }

    fn offset(&self, line: i32, column: u32) -> Option<usize> {
        let start = self.starts.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        start.checked_add(column as usize)
    }
}

/// Where lines start: behind `\n`, `\r\n` and a lone `\r`.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}

fn decode(mut bytes: Vec<u8>) -> Result<String, NoSource> {
    let has_mark = bytes.starts_with(b"\xef\xbb\xbf");
    if has_mark {
        bytes.drain(..3);
    }
    match coding_cookie(&bytes).as_deref() {
        None | Some("utf-8" | "utf8" | "ascii" | "us-ascii") => {
            String::from_utf8(bytes).ok().ok_or(NoSource::Encoding)
        }
        Some("latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "iso-latin-1") if !has_mark => {
            Ok(bytes.iter().copied().map(char::from).collect())
        }
        Some(_) => Err(NoSource::Encoding),
    }
}

/// The encoding that a comment in the first two lines names, in lower case with `-` for `_` (PEP 263).
fn coding_cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let line = line.trim_ascii();
        if !line.starts_with(b"#") {
            if line.is_empty() {
                continue;
            }
            return None;
        }
        let named = line.windows(7).position(|part| matches!(part, b"coding:" | b"coding="));
        if let Some(at) = named {
            let rest = line.get(at + 7..).unwrap_or_default().trim_ascii_start();
            let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
            return Some(
                name.map(|byte| char::from(byte.to_ascii_lowercase())).collect::<String>().replace('_', "-"),
            );
        }
    }
    None
}
