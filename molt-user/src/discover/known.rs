//! Files that were looked at, so that each is parsed once in a run.

use super::elf::{Elf, ElfError};
use super::error::DiscoverError;
use super::interpreter::{Build, is_python};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// What a file is, as far as Python goes.
#[derive(Clone, Debug)]
pub(super) enum FileKind {
    /// An interpreter that molt can trace.
    Python(Arc<Build>),
    /// A Python that it cannot, in a few words.
    Unsupported(String),
    /// Anything else.
    Other {
        /// The file makes its dynamic linker load libpython.
        needs_python: bool,
    },
}

/// A file by what changes when its content does: device, inode, size and both times of change.
type FileId = (u64, u64, u64, (i64, i64), (i64, i64));

#[derive(Debug, Default)]
pub(super) struct Known {
    files: HashMap<FileId, FileKind>,
}

impl Known {
    /// What the file is that the target knows as `path`.
    pub(super) fn look_at(&mut self, file: File, path: &Path) -> Result<FileKind, DiscoverError> {
        let failed = |source: io::Error| DiscoverError::Read { path: path.to_owned(), source };
        let metadata = file.metadata().map_err(failed)?;
        let id = (
            metadata.dev(),
            metadata.ino(),
            metadata.size(),
            (metadata.mtime(), metadata.mtime_nsec()),
            (metadata.ctime(), metadata.ctime_nsec()),
        );
        if let Some(kind) = self.files.get(&id) {
            return Ok(kind.clone());
        }
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let kind = match Elf::parse(file).and_then(|elf| Build::recognise(elf, name)) {
            Ok(kind) => kind,
            Err(ElfError::ForeignArchitecture) if is_python(name) => {
                FileKind::Unsupported("a Python for another architecture".to_owned())
            }
            Err(ElfError::NotElf | ElfError::ForeignArchitecture) => FileKind::Other { needs_python: false },
            Err(source) => return Err(DiscoverError::Elf { path: path.to_owned(), source }),
        };
        self.files.insert(id, kind.clone());
        Ok(kind)
    }
}
