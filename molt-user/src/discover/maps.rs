//! `/proc/PID/maps`.
//!
//! Parsed here and not by a crate because a path may hold any byte but NUL, and one odd path must not hide
//! the others.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Most bytes read of one maps file: about a million mappings. `vm.max_map_count` is 65,530 by default.
const MAX_BYTES: u64 = 128 << 20;
/// What the kernel appends to the path of a file that has no name any more.
const DELETED: &[u8] = b" (deleted)";

/// One mapping of a file. Anonymous ones and `[stack]` and the like are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMapping {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// Whether code in it may run.
    pub executable: bool,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// The file's inode number.
    pub inode: u64,
    /// The file's path without the kernel's mark for deleted files.
    pub path: PathBuf,
    /// The path led to this file once but does no longer.
    pub deleted: bool,
}

impl FileMapping {
    /// The last part of the path, as bytes.
    pub fn file_name(&self) -> &[u8] {
        self.path.file_name().unwrap_or_default().as_encoded_bytes()
    }
}

/// Reads the file mappings of a process, by address.
pub fn read_maps(path: &Path) -> io::Result<Vec<FileMapping>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(text.split(|&byte| byte == b'\n').filter_map(parse_line).collect())
}

/// A line reads `7f0c91a00000-7f0c91c34000 r-xp 00026000 fd:01 1835 /usr/lib/libpython3.8.so.1.0`, the path
/// padded to column 74.
fn parse_line(line: &[u8]) -> Option<FileMapping> {
    let mut rest = line;
    let mut next = || {
        let end = rest.iter().position(|&byte| byte == b' ')?;
        let (field, tail) = rest.split_at(end);
        rest = tail.get(1..)?;
        std::str::from_utf8(field).ok()
    };
    let (start, end) = next()?.split_once('-')?;
    let permissions = next()?;
    let offset = next()?;
    let _device = next()?;
    let inode = next()?.parse().ok()?;
    let path = rest.trim_ascii_start();
    if !path.starts_with(b"/") {
        return None;
    }
    let (path, deleted) = without_mark(unescape(path));
    Some(FileMapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        executable: permissions.as_bytes().get(2) == Some(&b'x'),
        offset: u64::from_str_radix(offset, 16).ok()?,
        inode,
        path,
        deleted,
    })
}

/// A path as the kernel shows it, and whether the kernel marked it as deleted.
pub(super) fn without_mark(mut path: Vec<u8>) -> (PathBuf, bool) {
    let deleted = path.ends_with(DELETED);
    if deleted {
        path.truncate(path.len() - DELETED.len());
    }
    (PathBuf::from(OsString::from_vec(path)), deleted)
}

/// The kernel writes a newline in a path as `\012`, and escapes nothing else (`fs/proc/task_mmu.c`).
fn unescape(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(b"\\012") {
            out.push(b'\n');
            rest = tail;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{parse_line, read_maps};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    /// Addresses, permission, offset, inode and path of an ordinary line.
    #[test]
    fn parses_a_mapped_library() {
        let line = b"7f0c91a00000-7f0c91c34000 r-xp 00026000 fd:01 1835                       /usr/lib/libpython3.8.so.1.0";
        let mapping = parse_line(line).unwrap();
        assert_eq!((mapping.start, mapping.end), (0x7f0c_91a0_0000, 0x7f0c_91c3_4000));
        assert!(mapping.executable && !mapping.deleted);
        assert_eq!((mapping.offset, mapping.inode), (0x26000, 1835));
        assert_eq!(mapping.path, Path::new("/usr/lib/libpython3.8.so.1.0"));
        assert_eq!(mapping.file_name(), b"libpython3.8.so.1.0");
    }

    /// A path keeps its spaces, its bytes that are no UTF-8 and its newline; the kernel's mark goes.
    #[test]
    fn keeps_odd_paths_and_recognises_deleted_files() {
        let mapping = parse_line(b"1000-2000 r--p 00000000 00:1f 7 /tmp/a b\xff\\012c (deleted)").unwrap();
        assert!(mapping.deleted);
        assert_eq!(mapping.path.as_os_str().as_bytes(), b"/tmp/a b\xff\nc");
    }

    /// Mappings without a file, and lines cut anywhere, give nothing.
    #[test]
    fn leaves_out_what_is_no_file() {
        let line = b"1000-2000 r--p 00000000 00:1f 7 /tmp/x";
        assert!(parse_line(line).is_some());
        for cut in 0..line.len() - "tmp/x".len() {
            assert_eq!(parse_line(&line[..cut]), None, "cut at {cut}");
        }
        assert_eq!(parse_line(b"7ffe0000-7ffe1000 rw-p 00000000 00:00 0 [stack]"), None);
        assert_eq!(parse_line(b"7ffe0000-7ffe1000 rw-p 00000000 00:00 0 "), None);
    }

    /// The test itself has an executable mapping of its own file.
    #[test]
    fn reads_its_own_mappings() {
        let own = std::env::current_exe().unwrap();
        let maps = read_maps(Path::new("/proc/self/maps")).unwrap();
        assert!(maps.iter().any(|mapping| mapping.executable && mapping.path == own));
    }
}
