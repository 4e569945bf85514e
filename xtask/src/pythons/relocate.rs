//! Makes an executable of another suite run from the folder that it was unpacked into, by itself.
//!
//! Running it through its loader (`ld.so --library-path ... python`) would make `/proc/PID/exe` the loader, and
//! `LD_LIBRARY_PATH` would reach the programs that it starts. So three things are changed in the file, and
//! nothing moves: every section, address and offset that a tracer looks at stays as Debian built it.
//! - The path of the loader, too long for its place, is added at the file's end, and the program header that
//!   the kernel reads points there. The old path stays where the loader itself reads it.
//! - The search path for libraries goes into the unused rest of a segment's last page, which is mapped with it.
//! - A spare entry of the dynamic table names that search path. `DT_RPATH`, not `DT_RUNPATH`, since it also
//!   holds for what the libraries need and for extension modules.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

const HEADER_BYTES: usize = 56;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NULL: u64 = 0;
const DT_STRTAB: u64 = 5;
const DT_RPATH: u64 = 15;
const PAGE: u64 = 4096;

/// Changes the executable at `path`. `loader` is an absolute path, `libraries` may use `$ORIGIN`.
pub(crate) fn relocate(path: &Path, loader: &Path, libraries: &str) -> Result<()> {
    let mut elf = Elf(fs::read(path)?);
    elf.set_rpath(libraries)?;
    elf.set_loader(loader.to_str().context("the loader's path is not UTF-8")?)?;
    fs::write(path, elf.0)?;
    Ok(())
}

/// A little-endian 64-bit ELF file.
struct Elf(Vec<u8>);

/// A program header: where it stands, and what it says.
#[derive(Clone, Copy)]
struct Segment {
    at: usize,
    kind: u32,
    offset: u64,
    address: u64,
    file_size: u64,
}

impl Elf {
    fn u16(&self, at: usize) -> Result<u16> {
        let bytes = self.0.get(at..at + 2).context("the ELF file is cut")?;
        Ok(u16::from_le_bytes(bytes.try_into()?))
    }

    fn u32(&self, at: usize) -> Result<u32> {
        let bytes = self.0.get(at..at + 4).context("the ELF file is cut")?;
        Ok(u32::from_le_bytes(bytes.try_into()?))
    }

    fn u64(&self, at: usize) -> Result<u64> {
        let bytes = self.0.get(at..at + 8).context("the ELF file is cut")?;
        Ok(u64::from_le_bytes(bytes.try_into()?))
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        self.0.get_mut(at..at + bytes.len()).context("the ELF file is cut")?.copy_from_slice(bytes);
        Ok(())
    }

    fn segments(&self) -> Result<Vec<Segment>> {
        ensure!(self.0.starts_with(b"\x7fELF\x02\x01"), "not a little-endian 64-bit ELF file");
        let first = usize::try_from(self.u64(32)?)?;
        (0..usize::from(self.u16(56)?))
            .map(|index| {
                let at = first + index * HEADER_BYTES;
                Ok(Segment {
                    at,
                    kind: self.u32(at)?,
                    offset: self.u64(at + 8)?,
                    address: self.u64(at + 16)?,
                    file_size: self.u64(at + 32)?,
                })
            })
            .collect()
    }

    fn segment(&self, kind: u32) -> Result<Segment> {
        let mut segments = self.segments()?.into_iter();
        segments
            .find(|segment| segment.kind == kind)
            .with_context(|| format!("no program header of kind {kind}"))
    }

    fn set_loader(&mut self, loader: &str) -> Result<()> {
        let header = self.segment(PT_INTERP)?.at;
        let (offset, size) = (self.0.len() as u64, loader.len() as u64 + 1);
        self.0.extend_from_slice(loader.as_bytes());
        self.0.push(0);
        self.put(header + 8, &offset.to_le_bytes())?;
        self.put(header + 32, &size.to_le_bytes())
    }

    fn set_rpath(&mut self, libraries: &str) -> Result<()> {
        let address = self.place(libraries)?;
        let dynamic = self.segment(PT_DYNAMIC)?;
        let first = usize::try_from(dynamic.offset)?;
        let entries: Vec<usize> = (first..first + usize::try_from(dynamic.file_size)?).step_by(16).collect();
        let mut tags = Vec::new();
        for at in &entries {
            tags.push((self.u64(*at)?, self.u64(*at + 8)?));
        }
        let (_, strings) =
            tags.iter().find(|(tag, _)| *tag == DT_STRTAB).context("the dynamic table has no strings")?;
        let end = tags.iter().position(|(tag, _)| *tag == DT_NULL).context("the dynamic table has no end")?;
        ensure!(end + 1 < tags.len(), "the dynamic table has no spare entry");
        let spare = *entries.get(end).context("the dynamic table has no spare entry")?;
        let name =
            address.checked_sub(*strings).context("the dynamic strings lie behind the first segment")?;
        self.put(spare, &DT_RPATH.to_le_bytes())?;
        self.put(spare + 8, &name.to_le_bytes())
    }

    /// Writes `text` into the first unused rest of a segment's last page that holds it; the address that it is
    /// mapped at.
    fn place(&mut self, text: &str) -> Result<u64> {
        for segment in self.segments()?.into_iter().filter(|segment| segment.kind == PT_LOAD) {
            let end = segment.offset + segment.file_size;
            let at = usize::try_from(end)?;
            let rest = usize::try_from(end.next_multiple_of(PAGE) - end)?;
            let is_unused =
                self.0.get(at..at + rest).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
            if is_unused && rest > text.len() {
                self.put(at, text.as_bytes())?;
                return Ok(segment.address + segment.file_size);
            }
        }
        anyhow::bail!("no segment has {} unused bytes in its last page", text.len() + 1);
    }
}
