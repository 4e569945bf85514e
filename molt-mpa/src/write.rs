//! The artifact to a file: whole, or not at all.
//!
//! A reader of the path sees the file that was there before or the new one, never a part: the text goes to a
//! temporary file in the same folder, which is synced and then renamed. On any error the old file stays, and
//! the temporary one is removed. The text is JSON with two spaces of indentation and ends in a newline; maps
//! have sorted keys, structs the order of the format's own text.
mod place;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::model::Artifact;
use place::{Way, way_to};

/// Why an artifact was not written. The file that was at the path before is untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The path ends in no file name, or names a folder.
    #[error("failed to write {}: it is a folder", path.display())]
    Folder {
        /// The path.
        path: PathBuf,
    },
    /// The path is a symbolic link to a file: renaming would replace the link, and following it would write
    /// where another user may have pointed it.
    #[error("failed to write {}: it is a symbolic link", path.display())]
    Link {
        /// The path.
        path: PathBuf,
    },
    /// The path is a pipe, a device or a link to one that another user may have put there: opening it would wait for a
    /// reader that never comes, or give the artifact to somebody else.
    #[error("failed to write {}: another user may have put this pipe, device or link there", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
    },
    /// One of the steps failed.
    #[error("failed to {step} {}", path.display())]
    Io {
        /// What was tried: `create a file in`, `write`, `sync`, ...
        step: &'static str,
        /// The path of the file or its folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The user and group that a file shall belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Finds out whether the artifact can be written to `path`, before there is anything to write: what is at the
/// path, and whether its folder takes a file. Leaves nothing behind.
pub fn check_destination(path: &Path) -> Result<(), WriteError> {
    match way_to(path)? {
        Way::Replace { folder } => create_temporary(&folder).map(drop),
        Way::Stream => Ok(()),
    }
}

/// Writes the artifact to `path` and returns the number of bytes. With an `owner`, the file belongs to it from
/// the moment it can be seen at the path.
pub fn write_file(artifact: &Artifact, path: &Path, owner: Option<Owner>) -> Result<u64, WriteError> {
    match way_to(path)? {
        Way::Replace { folder } => replace(path, &folder, owner, |file| write_to(artifact, file)),
        Way::Stream => place::open_stream(path)
            .and_then(|file| write_to(artifact, file))
            .map_err(|source| WriteError::Io { step: "write", path: path.to_owned(), source }),
    }
}

/// Writes the artifact's text to `output`, such as the standard output, and returns the number of bytes.
pub fn write_to(artifact: &Artifact, output: impl Write) -> io::Result<u64> {
    let mut output = Counted { inner: BufWriter::with_capacity(1 << 16, output), bytes: 0 };
    serde_json::to_writer_pretty(&mut output, artifact)?;
    output.write_all(b"\n")?;
    output.flush()?;
    Ok(output.bytes)
}

/// Fills a new file in `folder` and renames it to `path`.
fn replace(
    path: &Path,
    folder: &Path,
    owner: Option<Owner>,
    fill: impl FnOnce(&mut File) -> io::Result<u64>,
) -> Result<u64, WriteError> {
    let failed = |step| move |source| WriteError::Io { step, path: path.to_owned(), source };
    let mut temporary = create_temporary(folder)?;
    let bytes = fill(temporary.as_file_mut()).map_err(failed("write"))?;
    if let Some(owner) = owner {
        give(temporary.as_file(), owner).map_err(failed("change the owner of"))?;
    }
    temporary.as_file().sync_all().map_err(failed("sync"))?;
    temporary.persist(path).map_err(|error| failed("replace")(error.error))?;
    // The new file is in place. Whether its name is on the disk yet decides only which of the two files is
    // found after a crash, so a folder that cannot be synced is no error.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(bytes)
}

/// A file that was not there before, under a random name: a link planted at a guessed name is never opened.
fn create_temporary(folder: &Path) -> Result<NamedTempFile, WriteError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".molt_profile.").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(|source| WriteError::Io {
        step: "create a file in",
        path: folder.to_owned(),
        source,
    })
}

#[cfg(unix)]
fn give(file: &File, owner: Owner) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(owner.uid), Some(owner.gid))
}

#[cfg(not(unix))]
fn give(_file: &File, _owner: Owner) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Counts the bytes that pass.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
