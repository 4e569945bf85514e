//! Opens a file below a target's root, with no more rights than the target has.

use super::{MAX_SOURCE_BYTES, NoSource, Reader};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

/// Neither waits for a pipe's writer nor takes a terminal.
const FLAGS: OFlag = OFlag::O_RDONLY.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// The regular file at `below` under `root`, when `reader` may read it, and when it was last changed.
pub(super) fn open(
    root: &File,
    root_path: &Path,
    below: &Path,
    reader: Reader,
) -> Result<(File, Option<SystemTime>), NoSource> {
    let file = open_below(root, root_path, below).map_err(|errno| match errno {
        Errno::ENOENT => NoSource::Missing,
        Errno::ENOTDIR => NoSource::InArchive,
        Errno::EACCES | Errno::EPERM => NoSource::Denied,
        Errno::EISDIR | Errno::ENXIO => NoSource::NotRegular,
        _ => NoSource::Unreadable,
    })?;
    let metadata = file.metadata().ok().ok_or(NoSource::Unreadable)?;
    if !metadata.is_file() {
        return Err(NoSource::NotRegular);
    }
    if !may_read(reader, &metadata) {
        return Err(NoSource::Denied);
    }
    Ok((file, metadata.modified().ok()))
}

/// The bytes of `file`.
pub(super) fn read(file: File) -> Result<Vec<u8>, NoSource> {
    let mut bytes = Vec::new();
    // The file may grow while it is read.
    file.take(MAX_SOURCE_BYTES + 1).read_to_end(&mut bytes).ok().ok_or(NoSource::Unreadable)?;
    if bytes.len() as u64 > MAX_SOURCE_BYTES {
        return Err(NoSource::TooLarge);
    }
    Ok(bytes)
}

/// Opens `below` so that links, absolute ones too, stay under `root`.
fn open_below(root: &File, root_path: &Path, below: &Path) -> Result<File, Errno> {
    let how = OpenHow::new().flags(FLAGS).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    match openat2(root, below, how) {
        Ok(file) => Ok(File::from(file)),
        // Before Linux 5.6; absolute links then lead into our own root.
        Err(Errno::ENOSYS) => OpenOptions::new()
            .read(true)
            .custom_flags(FLAGS.bits())
            .open(root_path.join(below))
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0))),
        Err(errno) => Err(errno),
    }
}

/// Whether the file's mode lets `reader` read it. Access lists and further groups are left out: both would
/// only add rights.
fn may_read(reader: Reader, file: &Metadata) -> bool {
    let shift = match () {
        () if reader.uid == 0 => return true,
        () if reader.uid == file.uid() => 6,
        () if reader.gid == file.gid() => 3,
        () => 0,
    };
    (file.mode() >> shift) & 4 != 0
}
