//! Pythons that molt refuses by name: those of this machine, and copies of a supported one that say to be another.
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use object::read::{Object, ObjectSection, ObjectSymbol};
use tempfile::TempDir;

use super::pythons::{self, Interpreter};

/// A Python that is not supported.
#[derive(Debug)]
pub(crate) struct Unsupported {
    /// What molt must call it.
    pub(crate) what: String,
    /// The program that starts it.
    pub(crate) path: PathBuf,
    /// The file that its code is in.
    pub(crate) binary: PathBuf,
    /// Where a copy lies.
    _copy: Option<Altered>,
}

/// Old versions as far as there are any, an old version, PyPy and a Python that does not tell its version.
pub(crate) fn unsupported() -> Vec<Unsupported> {
    let old = pythons::list().into_iter().filter(|python| !python.supported).map(|python| {
        let (version, _) = python.version.rsplit_once('.').unwrap();
        Unsupported {
            what: format!("Python {version}"),
            path: python.path,
            binary: python.binary,
            _copy: None,
        }
    });
    let can_be_altered = |python: &Interpreter| {
        python.supported && python.minor() >= VERSION_CONSTANT && python.binary == python.path
    };
    let python = pythons::list().into_iter().find(can_be_altered);
    let python = python.unwrap_or_else(|| panic!("no Python of 3.11 or later is without a libpython"));
    let copy = |what: &str, name: &str, alter: fn(&mut [u8])| {
        let copy = Altered::copy(&python, name, alter);
        Unsupported {
            what: what.to_owned(),
            path: copy.path.clone(),
            binary: copy.path.clone(),
            _copy: Some(copy),
        }
    };
    let made = [
        copy("Python 3.7.16", "python3.7", |bytes| {
            put(bytes, "Py_Version", &0x0307_10f0_u32.to_le_bytes());
        }),
        copy("PyPy", "pypy3", |_same| {}),
        // Nothing that PyPy would have to have is read, so that any symbol can stand for its own.
        copy("PyPy", "interpreter", |bytes| rename(bytes, b"PyErr_BadArgument", b"pypy_main_startup")),
        copy("a Python of unknown version", "interpreter", |bytes| {
            rename(bytes, b"Py_Version", b"Xy_Version");
            rename(bytes, b"Py_GetVersion", b"Xy_GetVersion");
            replace(bytes, b"xdebugpy", b"Xdebugpy");
        }),
    ];
    old.chain(made).collect()
}

/// The first version that has the constant `Py_Version`.
const VERSION_CONSTANT: u8 = 11;

/// A copy of an interpreter with some of its bytes changed, in a folder of its own from which it finds its libraries.
#[derive(Debug)]
pub(crate) struct Altered {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Altered {
    /// A copy, under this name, of an executable that needs no libpython.
    pub(crate) fn copy(python: &Interpreter, name: &str, alter: impl FnOnce(&mut [u8])) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let usr = folder.path().join("usr");
        let path = usr.join("bin").join(name);
        let mut bytes = fs::read(&python.path).unwrap();
        alter(&mut bytes);
        fs::create_dir_all(usr.join("bin")).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::metadata(&python.path).unwrap().permissions()).unwrap();
        let original: &Path = python.path.ancestors().nth(2).unwrap();
        symlink(original.join("lib"), usr.join("lib")).unwrap();
        symlink(original.join("../lib"), folder.path().join("lib")).unwrap();
        Self { _folder: folder, path }
    }
}

/// Gives a constant of the program another value.
fn put(bytes: &mut [u8], name: &str, value: &[u8]) {
    let file = object::File::parse(&*bytes).unwrap();
    let symbol = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(name)).unwrap();
    let section = file.section_by_index(symbol.section_index().unwrap()).unwrap();
    let (offset, _) = section.file_range().unwrap();
    let at = usize::try_from(offset + symbol.address() - section.address()).unwrap();
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Gives a symbol another name of the same length.
fn rename(bytes: &mut [u8], name: &[u8], other: &[u8]) {
    let with_ends = |name: &[u8]| [b"\0", name, b"\0"].concat();
    assert!(replace(bytes, &with_ends(name), &with_ends(other)) > 0, "no {name:?}");
}

/// Replaces a text by another one of the same length wherever it stands, and says how often.
fn replace(bytes: &mut [u8], text: &[u8], other: &[u8]) -> usize {
    let found: Vec<_> = (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
    for at in &found {
        bytes[*at..*at + text.len()].copy_from_slice(other);
    }
    found.len()
}
