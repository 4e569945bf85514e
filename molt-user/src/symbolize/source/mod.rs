//! Source files of the target: the text of an expression, and the names that only the source has.
//!
//! Files are opened below the target's own root, by the target's own rights, and never followed out of it:
//! a file name in the target's memory is not trusted to be one that its user may read.

mod file;
mod frozen;
mod open;
pub mod outline;
mod syntax;

#[cfg(test)]
mod tests;

pub use file::SourceFile;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Largest source file that is read. The largest modules of the standard library have half a megabyte.
pub const MAX_SOURCE_BYTES: u64 = 4 << 20;
/// Most bytes of source text kept at a time.
const MAX_CACHED_BYTES: usize = 16 << 20;
/// Most files remembered, those that could not be read included.
const MAX_FILES: usize = 50_000;

/// Why there is no source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum NoSource {
    /// Code of `exec`, `eval`, `-c`, the prompt, or a frozen module that the standard library does not have.
    #[error("code does not come from a file")]
    NotFromFile,
    /// There is no such file, or not any more.
    #[error("source file does not exist")]
    Missing,
    /// The module was imported from an archive.
    #[error("source is inside an archive")]
    InArchive,
    /// The target's user may not read the file.
    #[error("source file is not readable by the target's user")]
    Denied,
    /// A folder, a device, a pipe.
    #[error("source is no regular file")]
    NotRegular,
    /// Larger than [`MAX_SOURCE_BYTES`].
    #[error("source file is too large")]
    TooLarge,
    /// Neither UTF-8 nor Latin-1, or not what its coding cookie says.
    #[error("source file is in an encoding that molt does not read")]
    Encoding,
    /// Another failure of opening or reading.
    #[error("failed to read source file")]
    Unreadable,
}

/// The user as whom the target reads files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

/// The source files of one process.
#[derive(Debug)]
pub struct Sources {
    root: File,
    root_path: PathBuf,
    cwd: PathBuf,
    reader: Reader,
    /// The standard library, where the source of frozen modules is.
    library: Option<PathBuf>,
    files: HashMap<String, Result<Arc<SourceFile>, NoSource>>,
    /// Names of the files, oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

impl Sources {
    /// Sources below `root` (`/proc/PID/root`), where relative names begin at `cwd`, an absolute path as the
    /// target sees it; only what `reader` may read.
    pub fn new(root: &Path, cwd: &Path, reader: Reader) -> std::io::Result<Sources> {
        Ok(Sources {
            root: File::open(root)?,
            root_path: root.to_owned(),
            cwd: cwd.to_owned(),
            reader,
            library: None,
            files: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        })
    }

    /// The same with the source of frozen modules, if the standard library of CPython 3.`minor` is found beside
    /// `interpreter`: its executable or library, an absolute path as the target sees it.
    #[must_use]
    pub fn with_library(self, interpreter: &Path, minor: u8, free_threaded: bool) -> Sources {
        let is_there = |file: &Path| self.open(file).is_ok();
        let library = frozen::find_library(interpreter, minor, free_threaded, is_there);
        Sources { library, ..self }
    }

    /// The file that `co_filename` or `__file__` names.
    pub fn get(&mut self, name: &str) -> Result<Arc<SourceFile>, NoSource> {
        if let Some(known) = self.files.get(name) {
            return known.clone();
        }
        let file = self.read(name).map(Arc::new);
        self.bytes += file.as_ref().map_or(0, |file| file.text().len());
        self.files.insert(name.to_owned(), file.clone());
        self.order.push_back(name.to_owned());
        while (self.bytes > MAX_CACHED_BYTES || self.order.len() > MAX_FILES) && self.order.len() > 1 {
            self.forget_oldest();
        }
        file
    }

    fn read(&self, name: &str) -> Result<SourceFile, NoSource> {
        if name.is_empty() || name.starts_with('<') {
            let library = self.library.as_ref().ok_or(NoSource::NotFromFile)?;
            let candidates = frozen::candidates(name).ok_or(NoSource::NotFromFile)?;
            let read = |file: &PathBuf| self.read_path(&library.join(file)).ok();
            return candidates.iter().find_map(read).ok_or(NoSource::NotFromFile);
        }
        self.read_path(&self.cwd.join(name))
    }

    fn read_path(&self, path: &Path) -> Result<SourceFile, NoSource> {
        let (file, modified) = self.open(path)?;
        SourceFile::new(open::read(file)?, modified)
    }

    /// Opens the file at `path`, absolute as the target sees it.
    fn open(&self, path: &Path) -> Result<(File, Option<SystemTime>), NoSource> {
        let below = path.strip_prefix("/").unwrap_or(path);
        open::open(&self.root, &self.root_path, below, self.reader)
    }

    fn forget_oldest(&mut self) {
        let oldest = self.order.pop_front().and_then(|name| self.files.remove(&name));
        if let Some(Ok(file)) = oldest {
            self.bytes -= file.text().len();
        }
    }
}
