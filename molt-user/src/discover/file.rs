//! From the path of a Python to its interpreter, without running it.

use super::elf::Elf;
use super::interpreter::{Build, Libc, Unsupported, is_pypy, is_python};
use super::known::FileKind;
use super::{DiscoverError, Inspector, libc};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a `#!` line is read, in bytes: what the kernel reads (`BINPRM_BUF_SIZE`).
const SCRIPT_LINE_BYTES: u64 = 256;
/// Where the dynamic linker of the common distributions looks after the file's own folders.
const LIBRARY_FOLDERS: [&str; 7] = [
    "/usr/local/lib",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];

/// What a file is, as far as Python goes.
#[derive(Clone, Debug)]
pub enum FileFinding {
    /// An interpreter that molt can trace.
    Python {
        /// What the file tells.
        build: Arc<Build>,
        /// The file that holds the interpreter: the one asked for, or the libpython that it loads.
        path: PathBuf,
        /// The C library that it asks for.
        libc: Libc,
    },
    /// A Python that it cannot.
    Unsupported(Unsupported),
    /// A script. Which Python it comes to is known only when it runs.
    Script {
        /// Its first line without `#!`.
        interpreter: OsString,
    },
    /// Anything else.
    NotPython,
}

impl Inspector {
    /// Looks for an interpreter in a file. Symbolic links are followed, scripts are not.
    pub fn inspect_file(&mut self, path: &Path) -> Result<FileFinding, DiscoverError> {
        let failed = |source: io::Error| DiscoverError::Read { path: path.to_owned(), source };
        let path = &fs::canonicalize(path).map_err(failed)?;
        // Opening a pipe or a device could wait for ever, or do something.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Ok(FileFinding::NotPython);
        }
        let open = || File::open(path).map_err(failed);
        if let Some(interpreter) = read_script_line(open()?).map_err(failed)? {
            return Ok(FileFinding::Script { interpreter });
        }
        let kind = self.known.look_at(open()?, path)?;
        let needs_python = matches!(kind, FileKind::Other { needs_python: true });
        if !needs_python {
            return Ok(describe(kind, path));
        }
        let elf = Elf::parse(open()?).map_err(|source| DiscoverError::Elf { path: path.clone(), source })?;
        let library = find_library(&elf, path)?;
        let opened =
            File::open(&library).map_err(|source| DiscoverError::Read { path: library.clone(), source })?;
        Ok(describe(self.known.look_at(opened, &library)?, &library))
    }
}

fn describe(kind: FileKind, path: &Path) -> FileFinding {
    let path = path.to_owned();
    match kind {
        FileKind::Python(build) => FileFinding::Python { libc: libc::by_linking(&build.elf), build, path },
        FileKind::Unsupported(what) => FileFinding::Unsupported(Unsupported { what, path }),
        FileKind::Other { .. } => FileFinding::NotPython,
    }
}

fn read_script_line(file: File) -> io::Result<Option<OsString>> {
    let mut head = Vec::new();
    file.take(SCRIPT_LINE_BYTES).read_to_end(&mut head)?;
    let line = head.strip_prefix(b"#!").and_then(|rest| rest.split(|&byte| byte == b'\n').next());
    Ok(line.map(|line| OsString::from_vec(line.trim_ascii().to_vec())))
}

/// The libpython that the executable `path` would load.
fn find_library(elf: &Elf, path: &Path) -> Result<PathBuf, DiscoverError> {
    let name = elf.linking.needed.iter().find(|name| is_python(name) || is_pypy(name));
    let name = OsStr::from_bytes(name.map_or(&[][..], Vec::as_slice));
    let origin = path.parent().unwrap_or(Path::new("/"));
    let own = elf.linking.search_path.as_deref().unwrap_or_default();
    let own = own.split(|&byte| byte == b':').map(|folder| expand_origin(folder, origin));
    let usual = LIBRARY_FOLDERS.iter().map(PathBuf::from);
    let found = own.chain(usual).map(|folder| folder.join(name)).find(|library| library.is_file());
    found.ok_or_else(|| DiscoverError::LibraryNotFound {
        path: path.to_owned(),
        library: name.to_string_lossy().into_owned(),
    })
}

fn expand_origin(folder: &[u8], origin: &Path) -> PathBuf {
    let rest = folder.strip_prefix(b"$ORIGIN").or_else(|| folder.strip_prefix(b"${ORIGIN}"));
    match rest {
        Some(rest) => origin.join(OsStr::from_bytes(rest.strip_prefix(b"/").unwrap_or(rest))),
        None => PathBuf::from(OsStr::from_bytes(folder)),
    }
}
