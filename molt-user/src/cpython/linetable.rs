//! From an instruction's offset to its place in the source, for each of CPython's line table formats.
//!
//! Up to 3.9 `co_lnotab`, in 3.10 PEP 626, from 3.11 on PEP 657 (`Objects/locations.md`). Any bytes decode to
//! something: a table that is cut ends early.

/// Where an instruction comes from. Lines count from 1; columns are UTF-8 byte offsets from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// First line.
    pub line: i32,
    /// Last line; from 3.11 on.
    pub end_line: Option<i32>,
    /// First column; from 3.11 on, and not for every instruction.
    pub col: Option<u32>,
    /// The column behind the last one.
    pub end_col: Option<u32>,
}

impl Position {
    /// A place of which only the line is known.
    pub const fn of_line(line: i32) -> Self {
        Self { line, end_line: None, col: None, end_col: None }
    }
}

/// The line table of one code object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineTable {
    /// The bytes of `co_lnotab` or `co_linetable`.
    pub bytes: Box<[u8]>,
    /// `co_firstlineno`.
    pub first_line: i32,
    /// The minor version, which decides the format.
    pub minor: u8,
}

impl LineTable {
    /// The place of the instruction at `lasti`, a byte offset; negative before the first one has run. `None`
    /// when the instruction has none.
    pub fn position(&self, lasti: i32) -> Option<Position> {
        let Ok(lasti) = u64::try_from(lasti) else {
            return Some(Position::of_line(self.first_line));
        };
        match self.minor {
            ..=9 => Some(Position::of_line(self.lnotab_line(lasti))),
            10 => self.pep626_line(lasti).map(Position::of_line),
            _ => self.places().find(|(end, _)| lasti < *end)?.1,
        }
    }

    fn lnotab_line(&self, lasti: u64) -> i32 {
        let (mut line, mut start) = (self.first_line, 0);
        for [bytes, delta] in self.bytes.as_chunks::<2>().0 {
            start += u64::from(*bytes);
            if start > lasti {
                break;
            }
            line = line.wrapping_add(i32::from(delta.cast_signed()));
        }
        line
    }

    fn pep626_line(&self, lasti: u64) -> Option<i32> {
        let (mut line, mut start) = (self.first_line, 0);
        for [bytes, delta] in self.bytes.as_chunks::<2>().0 {
            let delta = delta.cast_signed();
            let has_line = delta != i8::MIN;
            if has_line {
                line = line.wrapping_add(i32::from(delta));
            }
            let end = start + u64::from(*bytes);
            if (start..end).contains(&lasti) {
                return has_line.then_some(line);
            }
            start = end;
        }
        None
    }

    /// From 3.11 on: the places of all instructions in their order, each with the offset at which the next one begins.
    pub fn places(&self) -> impl Iterator<Item = (u64, Option<Position>)> + '_ {
        let bytes: &[u8] = if self.minor >= 11 { &self.bytes } else { &[] };
        let mut entries = Entries { bytes: bytes.iter(), line: self.first_line };
        let mut end = 0;
        std::iter::from_fn(move || {
            let (units, position) = entries.next_entry()?;
            end += 2 * u64::from(units);
            Some((end, position))
        })
    }
}

/// A cursor over the entries of PEP 657.
struct Entries<'a> {
    bytes: std::slice::Iter<'a, u8>,
    line: i32,
}

impl Entries<'_> {
    /// The next entry's length in code units and its place; `None` at the end of the table.
    fn next_entry(&mut self) -> Option<(u8, Option<Position>)> {
        let first = self.byte()?;
        let units = (first & 7) + 1;
        let position = match (first >> 3) & 15 {
            15 => None,
            14 => {
                self.advance()?;
                let lines = self.varint()?;
                let [col, end_col] = [self.varint()?, self.varint()?].map(|column| column.checked_sub(1));
                let end_line = self.line.wrapping_add_unsigned(lines);
                Some(Position { line: self.line, end_line: Some(end_line), col, end_col })
            }
            13 => {
                self.advance()?;
                Some(Position { end_line: Some(self.line), ..Position::of_line(self.line) })
            }
            kind @ 10..=12 => {
                self.line = self.line.wrapping_add(i32::from(kind) - 10);
                let (col, end_col) = (self.byte()?, self.byte()?);
                Some(self.on_one_line(u32::from(col), u32::from(end_col)))
            }
            kind => {
                let second = self.byte()?;
                let col = u32::from(kind) << 3 | u32::from(second >> 4);
                Some(self.on_one_line(col, col + u32::from(second & 15)))
            }
        };
        Some((units, position))
    }

    fn on_one_line(&self, col: u32, end_col: u32) -> Position {
        Position { line: self.line, end_line: Some(self.line), col: Some(col), end_col: Some(end_col) }
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes.next().copied()
    }

    /// Six bits a byte, low ones first; bit 6 says that more follow.
    fn varint(&mut self) -> Option<u32> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            value |= u32::from(byte & 63).checked_shl(shift).unwrap_or(0);
            if byte & 64 == 0 {
                return Some(value);
            }
            shift = shift.saturating_add(6);
        }
    }

    /// Moves the line by a varint whose lowest bit is the sign.
    fn advance(&mut self) -> Option<()> {
        let coded = self.varint()?;
        let delta = (coded >> 1).cast_signed();
        self.line = self.line.wrapping_add(if coded & 1 == 1 { -delta } else { delta });
        Some(())
    }
}

#[cfg(test)]
mod tests;
