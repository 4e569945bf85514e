//! A str object as text.

use super::Known;
use super::Unknown;
use super::object::{Objects, UNICODE_SUBCLASS};
use molt_common::walk::Memory;

/// Most code points read of one str: names are short, and a path has at most 4,096 bytes.
pub const MAX_TEXT: usize = 8192;

/// Most bytes read of a text of C: the name of a type and its module.
const MAX_C_TEXT: usize = 1024;
/// It is read in pieces that end at multiples of this, so that none reaches into the next page.
const PIECE: u64 = 64;

/// Text of the target, and what was lost on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    /// The text.
    pub value: String,
    /// Whether a code point that is none (a lone surrogate, torn memory) was replaced by U+FFFD.
    pub lossy: bool,
    /// Whether the str is longer than what was read of it.
    pub cut: bool,
}

impl Text {
    /// Decodes `bytes`, little-endian code points of `width` bytes each: 1, 2 or 4.
    pub fn decode(bytes: &[u8], width: usize) -> Text {
        let mut text = Text::default();
        for unit in bytes.chunks_exact(width.clamp(1, 4)) {
            let point = unit.iter().rev().fold(0, |high, byte| high << 8 | u32::from(*byte));
            text.lossy |= char::from_u32(point).is_none();
            text.value.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        text
    }
}

/// Reads the str at `addr`, [`MAX_TEXT`] code points of it at most.
pub fn read_str<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Text> {
    let layout = objects.layout;
    let head = objects.head(addr, layout.ascii_bytes)?;
    if objects.flags_of_type(head.u64(layout.object_type)?)? & UNICODE_SUBCLASS == 0 {
        return Err(Unknown::WrongType);
    }
    let state = head.u32(layout.str_state)?;
    let length = usize::try_from(head.u64(layout.str_length)?).ok().ok_or(Unknown::TooLong)?;
    let ascii = state & layout.str_ascii_mask != 0;
    let kind = (state & layout.str_kind_mask) >> layout.str_kind_mask.trailing_zeros();
    let width = match (ascii, kind) {
        (true, _) | (false, 1) => 1,
        (false, 2) => 2,
        (false, 4) => 4,
        _ => return Err(Unknown::Malformed),
    };
    let data = match (state & layout.str_compact_mask != 0, ascii) {
        (true, true) => addr.wrapping_add(u64::from(layout.ascii_bytes)),
        (true, false) => addr.wrapping_add(u64::from(layout.compact_bytes)),
        (false, _) => objects.u64(addr, layout.str_data)?,
    };
    if length > isize::MAX.unsigned_abs() {
        return Err(Unknown::TooLong);
    }
    let points = length.min(MAX_TEXT);
    let bytes = objects.bytes_at(data, points * width, MAX_TEXT * 4)?;
    let text = Text::decode(&bytes, width);
    Ok(Text { cut: length > MAX_TEXT, lossy: text.lossy || (ascii && !bytes.is_ascii()), ..text })
}

/// Reads the text of C at `addr`, as UTF-8, up to its NUL or to [`MAX_C_TEXT`] bytes.
pub fn read_c_text<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Text> {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_C_TEXT {
        let at = addr.wrapping_add(bytes.len() as u64);
        // The text may end just before a page that cannot be read.
        let piece = usize::try_from(PIECE - at % PIECE).unwrap_or(1);
        let piece = objects.bytes_at(at, piece, MAX_C_TEXT)?;
        let text = piece.split(|byte| *byte == 0).next().unwrap_or_default();
        bytes.extend(text);
        if text.len() < piece.len() {
            let value = String::from_utf8_lossy(&bytes).into_owned();
            return Ok(Text { lossy: value.as_bytes() != bytes, value, cut: false });
        }
    }
    Ok(Text { value: String::from_utf8_lossy(&bytes).into_owned(), lossy: false, cut: true })
}

#[cfg(test)]
mod tests {
    use super::Text;

    /// The three widths of CPython's strings.
    #[test]
    fn decodes_each_width() {
        assert_eq!(Text::decode(b"caf\xe9", 1).value, "café");
        assert_eq!(Text::decode(&[0xbb, 0x03, 0x61, 0], 2).value, "λa");
        assert_eq!(Text::decode(&[0x0d, 0xf4, 0x01, 0], 4).value, "\u{1f40d}");
    }

    /// `surrogateescape` leaves lone surrogates in file names, and torn memory leaves anything.
    #[test]
    fn marks_what_is_no_code_point() {
        let text = Text::decode(&[0x61, 0, 0x80, 0xdc], 2);
        assert_eq!((text.value.as_str(), text.lossy), ("a\u{fffd}", true));
        assert!(Text::decode(&[255; 8], 4).lossy);
    }
}
