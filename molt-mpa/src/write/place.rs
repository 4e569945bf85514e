//! What is at the path that is to be written, and whether it may be.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::WriteError;

/// How a path is written.
#[derive(Debug)]
pub(super) enum Way {
    /// Temporary file in this folder, then rename.
    Replace { folder: PathBuf },
    /// A pipe or a device, such as `/dev/null`: the text goes into it, since renaming would remove it.
    Stream,
}

/// Looks at what is at the path.
pub(super) fn way_to(path: &Path) -> Result<Way, WriteError> {
    let is_folder = || WriteError::Folder { path: path.to_owned() };
    let looking = |source| WriteError::Io { step: "look at", path: path.to_owned(), source };
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(is_folder());
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Way::Replace { folder }),
        Err(error) => return Err(looking(error)),
    };
    if found.is_file() {
        return Ok(Way::Replace { folder });
    }
    if found.is_dir() {
        return Err(is_folder());
    }
    if found.is_symlink() {
        // Such as /dev/stdout and /dev/fd/63, which lead to a pipe or a terminal.
        match fs::metadata(path) {
            Ok(end) if end.is_dir() => return Err(is_folder()),
            Ok(end) if !end.is_file() => {}
            _ => return Err(WriteError::Link { path: path.to_owned() }),
        }
    }
    if is_own(&found) || fs::metadata(&folder).is_ok_and(|folder| is_closed(&folder)) {
        Ok(Way::Stream)
    } else {
        Err(WriteError::Foreign { path: path.to_owned() })
    }
}

/// Opens a pipe or a device. What has taken its place meanwhile is not written to if it is a file: that file was not
/// looked at.
pub(super) fn open_stream(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).open(path)?;
    if file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file has taken its place"));
    }
    Ok(file)
}

/// Whether only this user or root can have made it.
#[cfg(unix)]
fn is_own(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw()
}

/// Whether nobody but this user and root can put anything into the folder.
#[cfg(unix)]
fn is_closed(folder: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const OTHERS_WRITE: u32 = 0o022;
    is_own(folder) && folder.permissions().mode() & OTHERS_WRITE == 0
}

#[cfg(not(unix))]
fn is_own(_found: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn is_closed(_folder: &Metadata) -> bool {
    true
}
