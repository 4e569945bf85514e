//! Places in a file, as paths that `jq` takes.
use std::fmt::{self, Write as _};

use jsonschema::paths::{Location, LocationSegment};

/// One step down.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// To the value of a key.
    Key(&'a str),
    /// To an element of a list.
    Index(usize),
}

/// The path of these steps from the top.
pub(super) fn of(steps: &[Step<'_>]) -> String {
    let place: String = steps.iter().map(Step::to_string).collect();
    if place.starts_with('.') { place } else { format!(".{place}") }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(formatter, "[{index}]"),
            Self::Key(key) if is_plain(key) => write!(formatter, ".{key}"),
            Self::Key(key) => write!(formatter, "[{}]", Quoted(key)),
        }
    }
}

/// The path of a place that the schema complains about, in a value below the steps `above`.
pub(super) fn of_location(above: &[Step<'_>], location: &Location) -> String {
    let segments: Vec<LocationSegment<'_>> = location.iter().collect();
    let below = segments.iter().map(|segment| match segment {
        LocationSegment::Property(key) => Step::Key(key),
        LocationSegment::Index(index) => Step::Index(*index),
    });
    of(&above.iter().copied().chain(below).collect::<Vec<_>>())
}

/// The path of an entry of a map of the top level.
pub(super) fn of_entry(section: &str, name: &str) -> String {
    of(&[Step::Key(section), Step::Key(name)])
}

/// A key as a JSON string with nothing in it that drives a terminal. Only a hostile file has one that is cut.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 1_000;
        formatter.write_char('"')?;
        for character in self.0.chars().take(MOST) {
            match character {
                '"' | '\\' => write!(formatter, "\\{character}")?,
                ' ' => formatter.write_char(character)?,
                _ if character.is_alphanumeric() || character.is_ascii_punctuation() => {
                    formatter.write_char(character)?;
                }
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(formatter, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        formatter.write_char('"')
    }
}

/// Foreign text in quotes, escaped, at most 80 characters of it.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
    }
}

/// Whether jq takes a key after a dot as it stands.
fn is_plain(key: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    key.bytes().all(is_word) && key.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Someone pastes the path into jq.
    #[test]
    fn paths_are_those_of_jq() {
        assert_eq!(of(&[]), ".");
        assert_eq!(
            of(&[Step::Key("call_sites"), Step::Index(3), Step::Key("caller")]),
            ".call_sites[3].caller"
        );
        assert_eq!(of(&[Step::Key("symbols"), Step::Key("app.f")]), ".symbols[\"app.f\"]");
        assert_eq!(of(&[Step::Key("a b"), Step::Key("9")]), ".[\"a b\"][\"9\"]");
        assert_eq!(of_entry("types", "ä\"\\\u{1b}\u{1f40d}"), ".types[\"ä\\\"\\\\\\u001b\\ud83d\\udc0d\"]");
    }

    // A hostile name neither floods the terminal nor drives it.
    #[test]
    fn foreign_text_is_cut_and_escaped() {
        assert_eq!(shown("a\u{1b}[31m\n"), "\"a\\u{1b}[31m\\n\"");
        assert_eq!(shown(&"ä".repeat(100)), format!("\"{}\"...", "ä".repeat(80)));
    }
}
