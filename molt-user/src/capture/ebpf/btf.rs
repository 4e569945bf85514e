//! Offsets in the running kernel's structures, from its own BTF.
//!
//! The format is the kernel's `Documentation/bpf/btf.rst`: a header, a section of types one after the other,
//! and a section of strings. Only what leads to a struct's member is read.

use molt_common::config::{KernelLayout, PidLayout};
use molt_common::layout::ABSENT;
use std::path::Path;

/// Where the kernel shows its BTF.
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Why the kernel's layout is not known.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file could not be read.
    #[error("failed to read {KERNEL_BTF}")]
    Read(#[source] std::io::Error),
    /// The file is not BTF, or ends too early.
    #[error("failed to parse the kernel's BTF: {0}")]
    Format(&'static str),
    /// A structure or member that molt reads is not there.
    #[error("the kernel's BTF has no member {member} in struct {structure}")]
    Missing {
        /// The structure's name.
        structure: &'static str,
        /// The member's name.
        member: &'static str,
    },
}

/// The layout that the kernel side needs, from the running kernel. Processes are known by their ids in the pid
/// namespace with this number, in the initial one if there is none.
pub fn kernel_layout(namespace: Option<u32>) -> Result<KernelLayout, BtfError> {
    let bytes = std::fs::read(Path::new(KERNEL_BTF)).map_err(BtfError::Read)?;
    layout_from(&bytes, namespace)
}

/// The layout from the bytes of a BTF file.
fn layout_from(bytes: &[u8], namespace: Option<u32>) -> Result<KernelLayout, BtfError> {
    let btf = Btf::parse(bytes)?;
    let task = |member| btf.need("task_struct", member);
    let pointer = task("thread")?
        .checked_add(btf.member("thread_struct", arch::THREAD_POINTER).unwrap_or(ABSENT))
        .unwrap_or(ABSENT);
    Ok(KernelLayout {
        task_pid: task("pid")?,
        task_tgid: task("tgid")?,
        task_thread_pointer: pointer,
        namespace: namespace.unwrap_or(0),
        pids: if namespace.is_some() { pid_layout(&btf)? } else { PidLayout::default() },
    })
}

fn pid_layout(btf: &Btf) -> Result<PidLayout, BtfError> {
    Ok(PidLayout {
        task_group_leader: btf.need("task_struct", "group_leader")?,
        task_thread_pid: btf.need("task_struct", "thread_pid")?,
        pid_level: btf.need("pid", "level")?,
        pid_numbers: btf.need("pid", "numbers")?,
        upid_bytes: btf.size("upid").ok_or(BtfError::Missing { structure: "upid", member: "nr" })?,
        upid_nr: btf.need("upid", "nr")?,
        upid_ns: btf.need("upid", "ns")?,
        namespace_inum: btf.need("pid_namespace", "ns")?.saturating_add(btf.need("ns_common", "inum")?),
    })
}

/// What depends on the architecture.
mod arch {
    /// The user's thread pointer in `struct thread_struct` (`arch/x86/include/asm/processor.h`).
    #[cfg(target_arch = "x86_64")]
    pub(super) const THREAD_POINTER: &str = "fsbase";
    /// The user's thread pointer in `struct thread_struct` (`arch/arm64/include/asm/processor.h`).
    #[cfg(target_arch = "aarch64")]
    pub(super) const THREAD_POINTER: &str = "tp_value";
}

/// `BTF_MAGIC`.
const MAGIC: u16 = 0xeb9f;
/// `BTF_KIND_STRUCT`.
const KIND_STRUCT: u32 = 4;
/// Most levels of anonymous members looked into; the kernel nests three.
const MAX_DEPTH: u32 = 8;

/// A parsed BTF file.
struct Btf<'a> {
    types: Vec<&'a [u8]>,
    strings: &'a [u8],
}

impl<'a> Btf<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, BtfError> {
        let cut = BtfError::Format("it ends inside the header");
        let word = |at: usize| u32_at(bytes, at).map(|value| value as usize);
        let (Some(magic), Some(header), Some(type_off), Some(type_len), Some(str_off), Some(str_len)) =
            (word(0), word(4), word(8), word(12), word(16), word(20))
        else {
            return Err(cut);
        };
        if magic & 0xffff != usize::from(MAGIC) {
            return Err(BtfError::Format("it does not begin with BTF's magic number"));
        }
        let section = |off: usize, len: usize| bytes.get(header + off..)?.get(..len);
        let types = section(type_off, type_len).ok_or(BtfError::Format("its types are cut"))?;
        let strings = section(str_off, str_len).ok_or(BtfError::Format("its strings are cut"))?;
        Ok(Self { types: split(types)?, strings })
    }

    /// Offset in bytes of `member` in `structure`, anonymous members looked into.
    fn member(&self, structure: &str, member: &str) -> Option<u32> {
        self.member_of(self.structure(structure)?, member, 0)
    }

    /// The same of a member that molt cannot do without.
    fn need(&self, structure: &'static str, member: &'static str) -> Result<u32, BtfError> {
        self.member(structure, member).ok_or(BtfError::Missing { structure, member })
    }

    /// Bytes that `structure` takes.
    fn size(&self, structure: &str) -> Option<u32> {
        u32_at(self.structure(structure)?, 8)
    }

    fn structure(&self, name: &str) -> Option<&[u8]> {
        let is_wanted = |entry: &&&[u8]| {
            kind(entry) == KIND_STRUCT && self.name(entry, 0) == name.as_bytes() && vlen(entry) > 0
        };
        self.types.iter().find(is_wanted).copied()
    }

    fn member_of(&self, entry: &[u8], member: &str, depth: u32) -> Option<u32> {
        for index in 0..vlen(entry) as usize {
            let at = 12 + 12 * index;
            // With the kind flag the top byte is a bit-field's size (`btf.rst`).
            let bits = u32_at(entry, at + 8)? & 0x00ff_ffff;
            let name = self.name(entry, at);
            if name == member.as_bytes() {
                return Some(bits / 8);
            }
            if name.is_empty() && depth < MAX_DEPTH {
                let inner = self.types.get((u32_at(entry, at + 4)? as usize).checked_sub(1)?)?;
                if let Some(offset) =
                    matches!(kind(inner), 4 | 5).then(|| self.member_of(inner, member, depth + 1)).flatten()
                {
                    return Some(bits / 8 + offset);
                }
            }
        }
        None
    }

    /// The string that the name at `at` in `entry` points to.
    fn name(&self, entry: &[u8], at: usize) -> &[u8] {
        let from = u32_at(entry, at).map_or(usize::MAX, |off| off as usize);
        let tail = self.strings.get(from..).unwrap_or_default();
        tail.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// Cuts the type section into its entries; type id N is entry N - 1.
fn split(mut types: &[u8]) -> Result<Vec<&[u8]>, BtfError> {
    let mut entries = Vec::new();
    while !types.is_empty() {
        let head = types.get(..12).ok_or(BtfError::Format("a type is cut"))?;
        // Bytes after the 12 of `struct btf_type`, by kind (`btf.rst`).
        let count = vlen(head) as usize;
        let extra = match kind(head) {
            1 | 14 | 17 => 4,              // INT, VAR, DECL_TAG
            3 => 12,                       // ARRAY
            4 | 5 | 15 | 19 => 12 * count, // STRUCT, UNION, DATASEC, ENUM64
            6 | 13 => 8 * count,           // ENUM, FUNC_PROTO
            2 | 7..=12 | 16 | 18 => 0,
            _ => return Err(BtfError::Format("a type has an unknown kind")),
        };
        let (entry, rest) = types.split_at_checked(12 + extra).ok_or(BtfError::Format("a type is cut"))?;
        entries.push(entry);
        types = rest;
    }
    Ok(entries)
}

fn kind(entry: &[u8]) -> u32 {
    u32_at(entry, 4).unwrap_or(0) >> 24 & 0x1f
}

fn vlen(entry: &[u8]) -> u32 {
    u32_at(entry, 4).unwrap_or(0) & 0xffff
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is cut anywhere, or whose every word is wild, must end in an error and not in a panic.
    #[test]
    fn refuses_mangled_files() {
        let mut bytes = vec![0u8; 24];
        bytes[..2].copy_from_slice(&MAGIC.to_le_bytes());
        for at in 0..24 {
            assert!(layout_from(&bytes[..at], None).is_err());
            let mut wild = bytes.clone();
            wild[at] = 0xff;
            assert!(layout_from(&wild, Some(1)).is_err());
        }
    }

    /// The thread's and the process's id lie beside each other in every kernel.
    #[test]
    fn finds_the_ids_of_a_task_in_this_kernel() {
        let Ok(layout) = kernel_layout(None) else { return };
        assert_eq!(layout.task_tgid, layout.task_pid + 4);
        assert_ne!(layout.task_thread_pointer, ABSENT);
        assert_eq!(layout.task_thread_pointer % 8, 0);
    }

    /// A `struct upid` is an id, four bytes of padding and a pointer, and its namespace's number has an offset.
    #[test]
    fn finds_the_ids_of_a_namespace_in_this_kernel() {
        let Ok(layout) = kernel_layout(Some(7)) else { return };
        assert_eq!((layout.namespace, layout.pids.upid_bytes), (7, 16));
        assert_eq!((layout.pids.upid_nr, layout.pids.upid_ns), (0, 8));
        assert!(layout.pids.namespace_inum > 0 && layout.pids.task_group_leader > layout.task_tgid);
    }
}
