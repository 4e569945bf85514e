//! What the targets share: a target's memory made of the fuzzer's bytes.

use molt_common::fault::Fault;
use molt_common::walk::Memory;
use molt_user::cpython::layout::Layout;
use molt_user::cpython::version::Version;

/// Memory in which the input repeats without end, so that every pointer in it leads to more of it: chains that
/// loop, objects that overlap, lengths of any size.
pub struct Noise<'a>(pub &'a [u8]);

impl Memory for Noise<'_> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        // Some pages cannot be read.
        if self.0.is_empty() || addr & 0x7000 == 0x7000 {
            return Err(Fault::ReadFault);
        }
        let (tail, head) = self.0.split_at(addr as usize % self.0.len());
        for (byte, from) in into.iter_mut().zip(head.iter().chain(tail).cycle()) {
            *byte = *from;
        }
        Ok(())
    }
}

/// The first byte of the input chooses one of the supported layouts; the rest is for the memory.
pub fn layout(input: &[u8]) -> Option<(Layout, &[u8])> {
    let (choice, rest) = input.split_first()?;
    let layout = Layout::of(Version::release(3, 8 + (choice & 7), 0), choice & 8 != 0)?;
    Some((layout, rest))
}

/// An 8-byte number from the input's front.
pub fn number(input: &[u8]) -> Option<(u64, &[u8])> {
    let (bytes, rest) = input.split_first_chunk()?;
    Some((u64::from_le_bytes(*bytes), rest))
}
