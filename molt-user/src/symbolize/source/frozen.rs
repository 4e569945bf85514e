//! Frozen modules, whose code was compiled into the interpreter: where the standard library has their source.
//!
//! Their `co_filename` is `<frozen NAME>`, and their lines and columns are those of the library's own file
//! (`Tools/scripts/freeze_modules.py`, 3.11; `Makefile.pre.in` for the import system before).

use std::path::{Path, PathBuf};

/// Folders of the interpreter's path that may be the prefix, from the inside: `PREFIX/bin/python3`,
/// `PREFIX/lib/libpython3.so`, `PREFIX/lib/x86_64-linux-gnu/libpython3.so`.
const MAX_ANCESTORS: usize = 3;

/// Files that may hold the source of the frozen code `file`, relative to the standard library; none when it is
/// no frozen code.
pub(super) fn candidates(file: &str) -> Option<[PathBuf; 2]> {
    let module = file.strip_prefix("<frozen ")?.strip_suffix('>')?;
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !module.split('.').all(is_name) {
        return None;
    }
    let path = PathBuf::from(module.replace('.', "/"));
    Some([path.with_extension("py"), path.join("__init__.py")])
}

/// The standard library of CPython 3.`minor` that belongs to the file `interpreter`: executable or library.
/// `is_there` tells whether the target has a file.
pub(super) fn find_library(
    interpreter: &Path,
    minor: u8,
    free_threaded: bool,
    is_there: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let plain = format!("python3.{minor}");
    let names = if free_threaded { vec![format!("{plain}t"), plain] } else { vec![plain] };
    let prefixes = interpreter.ancestors().skip(1).take(MAX_ANCESTORS);
    let libraries = prefixes.flat_map(|prefix| ["lib", "lib64"].map(|lib| prefix.join(lib)));
    let mut folders = libraries.flat_map(|library| names.iter().map(move |name| library.join(name)));
    folders.find(|folder| is_there(&folder.join("os.py")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Modules and packages; nothing that could leave the library.
    #[test]
    fn names_the_files_of_frozen_modules() {
        let first = |file| candidates(file).map(|[module, _]| module.display().to_string());
        assert_eq!(first("<frozen os>").as_deref(), Some("os.py"));
        assert_eq!(first("<frozen importlib._bootstrap>").as_deref(), Some("importlib/_bootstrap.py"));
        assert_eq!(candidates("<frozen __phello__>").unwrap()[1], Path::new("__phello__/__init__.py"));
        for file in
            ["<string>", "<frozen >", "<frozen ../os>", "<frozen a..b>", "<frozen /etc>", "<frozen os"]
        {
            assert_eq!(candidates(file), None, "{file}");
        }
    }

    /// Each place where builds and distributions put interpreter and library.
    #[test]
    fn finds_the_library_beside_the_interpreter() {
        let find = |interpreter, there, free_threaded| {
            let is_there = |file: &Path| file == Path::new(there);
            find_library(Path::new(interpreter), 13, free_threaded, is_there).is_some()
        };
        let usr = "/usr/lib/python3.13/os.py";
        assert!(find("/usr/bin/python3.13", usr, false));
        assert!(find("/usr/lib/x86_64-linux-gnu/libpython3.13.so.1.0", usr, false));
        assert!(find("/usr/lib64/libpython3.13.so.1.0", "/usr/lib64/python3.13/os.py", false));
        assert!(find("/opt/py/lib/libpython3.13t.so.1.0", "/opt/py/lib/python3.13t/os.py", true));
        assert!(find("/usr/bin/python3.13t", usr, true));
        assert!(!find("/opt/app/plugins/python/libpython3.13.so.1.0", usr, false), "another's library");
    }
}
