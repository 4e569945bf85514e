//! The parts of a process's memory that were read, kept: for tests, bug reports and fuzzing.
//!
//! The file form is `MOLTMEM1`, then for each piece its address (u64), its length (u32) and its bytes, all
//! little-endian, in the order of addresses.

use molt_common::fault::Fault;
use molt_common::walk::{Memory, checked};
use std::cell::RefCell;
use std::collections::BTreeMap;

const MAGIC: &[u8] = b"MOLTMEM1";

/// Why bytes are no memory image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Another kind of file, or a newer form.
    #[error("memory image does not begin with MOLTMEM1")]
    Magic,
    /// The file was cut, or its lengths are wrong.
    #[error("memory image is cut at byte {0}")]
    Cut(usize),
}

/// Pieces of memory by address; none touches the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl Image {
    /// Reads an image from its file form.
    pub fn parse(file: &[u8]) -> Result<Image, ImageError> {
        let mut rest = file.strip_prefix(MAGIC).ok_or(ImageError::Magic)?;
        let mut image = Image::default();
        while !rest.is_empty() {
            let at = file.len() - rest.len();
            let (addr, tail) = rest.split_first_chunk().ok_or(ImageError::Cut(at))?;
            let (len, tail) = tail.split_first_chunk().ok_or(ImageError::Cut(at))?;
            let len = u32::from_le_bytes(*len) as usize;
            let (bytes, tail) = tail.split_at_checked(len).ok_or(ImageError::Cut(at))?;
            image.add(u64::from_le_bytes(*addr), bytes);
            rest = tail;
        }
        Ok(image)
    }

    /// The file form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        for (addr, bytes) in &self.pieces {
            file.extend(addr.to_le_bytes());
            file.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            file.extend(bytes);
        }
        file
    }

    /// The address of each piece's first byte.
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        self.pieces.keys().copied()
    }

    /// Adds `bytes` at `addr` and joins them with the pieces that they touch; what is there already stays.
    pub fn add(&mut self, addr: u64, bytes: &[u8]) {
        let end = addr.saturating_add(bytes.len() as u64);
        let mut joined = bytes.to_vec();
        let mut start = addr;
        let touching: Vec<u64> = self
            .pieces
            .range(..=end)
            .rev()
            .map(|(at, piece)| (*at, piece.len() as u64))
            .take_while(|(at, len)| at.saturating_add(*len) >= addr)
            .map(|(at, _)| at)
            .collect();
        for at in touching {
            let Some(piece) = self.pieces.remove(&at) else { continue };
            let piece_end = at.saturating_add(piece.len() as u64);
            let mut whole = Vec::new();
            whole.extend(joined.get(..offset(start, at)).unwrap_or_default());
            whole.extend(&piece);
            whole.extend(joined.get(offset(start, piece_end)..).unwrap_or_default());
            start = start.min(at);
            joined = whole;
        }
        self.pieces.insert(start, joined);
    }
}

/// How far `to` lies behind `from`; 0 when it lies before.
fn offset(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

impl Memory for Image {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        let (at, piece) = self.pieces.range(..=checked(addr)?).next_back().ok_or(Fault::ReadFault)?;
        let from = offset(*at, addr);
        let bytes =
            from.checked_add(into.len()).and_then(|end| piece.get(from..end)).ok_or(Fault::ReadFault)?;
        into.copy_from_slice(bytes);
        Ok(())
    }
}

/// Memory that remembers what was read of it.
#[derive(Debug)]
pub struct Recorder<M> {
    inner: M,
    image: RefCell<Image>,
}

impl<M> Recorder<M> {
    /// Records the reads of `inner`.
    pub fn new(inner: M) -> Self {
        Self { inner, image: RefCell::default() }
    }

    /// All that was read.
    pub fn into_image(self) -> Image {
        self.image.into_inner()
    }
}

impl<M: Memory> Memory for Recorder<M> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.inner.read(addr, into)?;
        self.image.borrow_mut().add(addr, into);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Overlapping, touching and separate pieces come back as written; a gap stays unreadable.
    #[test]
    fn joins_pieces_and_survives_the_file_form() {
        let memory: Vec<u8> = (0..200).collect();
        let mut image = Image::default();
        for (from, to) in [(10, 20), (30, 40), (15, 32), (40, 45), (60, 61), (5, 70), (90, 95)] {
            image.add(0x1000 + from as u64, &memory[from..to]);
        }
        let mut all = [0; 65];
        let image = Image::parse(&image.to_bytes()).unwrap();
        image.read(0x1005, &mut all).unwrap();
        assert_eq!(all, memory[5..70]);
        assert_eq!(image.pieces.len(), 2);
        assert_eq!(image.read(0x1046, &mut [0]), Err(Fault::ReadFault));
        assert_eq!(image.read(0x105e, &mut [0, 0]), Err(Fault::ReadFault));
    }

    /// A file that was cut or is something else is refused.
    #[test]
    fn refuses_files_that_are_no_image() {
        let mut image = Image::default();
        image.add(0x1000, &[1, 2, 3]);
        let file = image.to_bytes();
        assert_eq!(Image::parse(&file[..file.len() - 1]), Err(ImageError::Cut(8)));
        assert_eq!(Image::parse(b"\x7fELF"), Err(ImageError::Magic));
    }
}
