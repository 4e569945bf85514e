//! Against real processes: every interpreter on this machine, and what is none.

mod facts;
mod unsupported;

use super::elf::Elf;
use super::file::FileFinding;
use super::{DiscoverError, Finding, Inspector, Interpreter, Libc, Linkage, Process};
use crate::cpython::version::Version;
use crate::launch::{self, Event, Target};
use nix::sys::signal::SigSet;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A started program that has said on its standard output that it runs; killed when dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{command:?} printed nothing");
        Self(child)
    }

    /// A Python that waits on its standard input.
    fn python(path: &Path) -> Self {
        Self::start(
            Command::new(path).args(["-c", "import sys; print(1); sys.stdout.flush(); sys.stdin.read()"]),
        )
    }

    fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }

    fn inspect(&self) -> Result<Finding, DiscoverError> {
        Inspector::default().inspect(&Process::read(self.pid())?)
    }

    fn interpreter(&self) -> Interpreter {
        match self.inspect().unwrap() {
            Finding::Python(interpreter) => interpreter,
            other => panic!("found {other:?}"),
        }
    }

    /// Reads `_PyRuntime`'s word at `offset`.
    fn word(&self, python: &Interpreter, offset: u64) -> u64 {
        super::read_word(self.pid(), python.runtime() + offset).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The interpreters of pyenv by their version, those that `cargo xtask pythons` fetched, and the system's.
fn pythons() -> Vec<(PathBuf, String)> {
    let root = std::env::var_os("PYENV_ROOT").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".pyenv"),
        PathBuf::from,
    );
    let folders = fs::read_dir(root.join("versions")).into_iter().flatten().flatten();
    let mut found: Vec<_> = folders
        .map(|folder| (folder.path().join("bin/python"), folder.file_name().into_string().unwrap()))
        .filter(|(path, _)| path.exists())
        .collect();
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.molt/pythons");
    let fetched = fs::read_dir(fetched).into_iter().flatten().flatten();
    let fetched = fetched.filter_map(|folder| {
        let version = folder.file_name().to_str()?.strip_prefix("debian-")?.to_owned();
        Some(folder.path().join("usr/bin").join(format!("python{version}")))
    });
    for path in ["/usr/bin/python3", "/usr/local/bin/python3"].map(PathBuf::from).into_iter().chain(fetched) {
        if let Ok(output) = Command::new(&path).arg("-V").output() {
            let text = String::from_utf8(output.stdout).unwrap();
            found.push((path, text.trim().trim_start_matches("Python ").to_owned()));
        }
    }
    assert!(!found.is_empty(), "no Python on this machine: the tests of discover need one");
    found
}

fn is_supported(version: &str) -> bool {
    let minor = version.strip_prefix("3.").and_then(|tail| tail.split('.').next()?.parse().ok());
    minor.is_some_and(|minor: u8| Version::release(3, minor, 0).is_supported())
}

fn supported() -> impl Iterator<Item = (PathBuf, String)> {
    pythons().into_iter().filter(|(_, version)| is_supported(version))
}

/// Version, runtime and C library of every supported interpreter, found in its process. `interpreters_head`
/// leads to an interpreter that has a thread, so the address of `_PyRuntime` is right.
#[test]
fn finds_every_supported_interpreter_in_its_process() {
    for (path, version) in supported() {
        let running = Running::python(&path);
        let python = running.interpreter();
        assert_eq!(python.build.version.to_string(), version, "{}", path.display());
        assert_eq!(python.build.free_threaded, version.ends_with('t'));
        assert!(super::has_started(running.pid(), &python), "{version}");
        assert!(matches!(python.libc, Libc::Glibc { minor: Some(17..) } | Libc::Musl), "{:?}", python.libc);
        assert_eq!(python.build.build_id().unwrap().len(), 40, "{version}");
        if python.build.version.minor() >= 13 {
            assert_eq!(running.word(&python, 0), u64::from_le_bytes(*b"xdebugpy"));
        }
        assert!(fs::File::open(python.build.open_path()).is_ok());
    }
}

/// The same interpreters from their files alone, by the path that a person would give.
#[test]
fn finds_every_supported_interpreter_in_its_file() {
    for (path, version) in supported() {
        let FileFinding::Python { build, path: found, libc } =
            Inspector::default().inspect_file(&path).unwrap()
        else {
            panic!("{} holds no Python", path.display());
        };
        assert_eq!(build.version.to_string(), version);
        assert_eq!(build.linkage == Linkage::SharedLibrary, found.to_string_lossy().contains("libpython"));
        assert_ne!(libc, Libc::Unknown);
    }
}

/// Versions before 3.8, where there are any, are refused in one sentence with version and file, in a process and in a
/// file. Those that are on no machine have tests of their own.
#[test]
fn refuses_old_versions_by_name() {
    for (path, version) in pythons().into_iter().filter(|(_, version)| !is_supported(version)) {
        let running = Running::python(&path);
        let Finding::Unsupported(found) = running.inspect().unwrap() else {
            panic!("{version} was not refused")
        };
        let sentence = found.to_string();
        assert!(sentence.starts_with(&format!("found Python {version} in /")), "{sentence}");
        assert!(sentence.ends_with("; supported are CPython 3.8 to 3.15"), "{sentence}");
        let FileFinding::Unsupported(in_file) = Inspector::default().inspect_file(&path).unwrap() else {
            panic!("{version} was not refused");
        };
        assert_eq!(in_file, found);
    }
}

/// Debian's interpreter is a stripped executable with probes; pyenv's is a library with all symbols and none.
#[test]
fn tells_how_an_interpreter_was_built() {
    for (path, version) in supported() {
        let build = Running::python(&path).interpreter().build;
        if path == Path::new("/usr/bin/python3") {
            assert_eq!((build.linkage, build.stripped), (Linkage::Executable, true));
            assert!(build.probes.iter().any(|probe| probe.name == "gc__start"), "{version}");
        } else if path.to_string_lossy().contains("pyenv") {
            assert_eq!((build.linkage, build.stripped), (Linkage::SharedLibrary, false));
            assert_eq!(build.probes, []);
        }
    }
}

/// Run by its dynamic linker, as a Python of another distribution is, Python is only a mapping.
#[test]
fn finds_python_behind_an_explicit_loader() {
    for (path, version) in supported() {
        let elf = Elf::parse(fs::File::open(&path).unwrap()).unwrap();
        let loader = OsString::from_vec(elf.linking.interpreter.unwrap());
        let mut command = Command::new(loader);
        command
            .arg(fs::canonicalize(path).unwrap())
            .args(["-c", "import sys; print(1); sys.stdout.flush(); sys.stdin.read()"]);
        let python = Running::start(&mut command).interpreter();
        assert_eq!(python.build.version.to_string(), version);
    }
}

/// A shell is no Python, and becomes one when it execs.
#[test]
fn sees_a_shell_become_python() {
    let (path, version) = supported().next().unwrap();
    let mut shell = Command::new("/bin/sh");
    let script =
        "echo 1; read line; exec \"$0\" -c 'import sys; print(1); sys.stdout.flush(); sys.stdin.read()'";
    let mut running = Running::start(shell.args(["-c", script]).arg(&path));
    let Finding::NotPython { exe } = running.inspect().unwrap() else { panic!("a shell is no Python") };
    assert!(exe.is_some());
    std::io::Write::write_all(running.0.stdin.as_mut().unwrap(), b"go\n").unwrap();
    let mut line = String::new();
    BufReader::new(running.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(running.interpreter().build.version.to_string(), version);
}

/// Held at its exec, a Python is known at once if the executable holds it, and expected if it will load
/// libpython, which is there a moment later.
#[test]
fn expects_the_library_that_is_not_loaded_yet() {
    for (path, version) in supported() {
        let mut target = Target::start(&launch::Command {
            argv: vec![path.clone().into(), "-c".into(), "pass".into()],
            run_as: None,
            signal_mask: SigSet::empty(),
            hold: Duration::from_secs(20),
        })
        .unwrap();
        target.release();
        let mut inspector = Inspector::default();
        let mut inspect = || inspector.inspect(&Process::read(target.pid()).unwrap()).unwrap();
        let Event::Exec(held) = target.wait_event(Duration::from_secs(20)).unwrap() else {
            panic!("no exec")
        };
        match inspect() {
            Finding::Python(python) => assert_eq!(python.build.linkage, Linkage::Executable, "{version}"),
            Finding::NotYet => {}
            other => panic!("{version}: {other:?}"),
        }
        drop(held);
        let Event::Exiting(_held) = target.wait_event(Duration::from_secs(20)).unwrap() else {
            panic!("no exit")
        };
        let Finding::Python(python) = inspect() else { panic!("{version} was not found at its exit") };
        assert_eq!(python.build.version.to_string(), version);
    }
}

/// A file that was removed while it runs is still found: a copy of one that needs no libpython.
#[test]
fn finds_python_whose_file_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (path, version) =
        supported().find(|(path, _)| path.starts_with("/usr")).unwrap_or_else(|| supported().next().unwrap());
    let copy = folder.path().join("python-copy");
    fs::copy(&path, &copy).unwrap();
    let running = Running::python(&copy);
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, "another file").unwrap();
    let python = running.interpreter();
    assert_eq!(python.build.version.to_string(), version);
    drop(running);
    let mut magic = [0; 4];
    std::os::unix::fs::FileExt::read_exact_at(python.build.elf.file(), &mut magic, 0).unwrap();
    assert_eq!(&magic, b"\x7fELF", "the file outlives its name and its process");
}

/// A second interpreter's library, loaded but never started, is not taken for the one that runs.
#[test]
fn prefers_the_interpreter_that_runs() {
    let shared: Vec<_> = supported().filter(|(path, _)| path.to_string_lossy().contains("pyenv")).collect();
    let [(first, first_version), (second, _), ..] = shared.as_slice() else { return };
    let FileFinding::Python { path: other, .. } = Inspector::default().inspect_file(second).unwrap() else {
        panic!("{} holds no Python", second.display());
    };
    let program = format!(
        "import sys, os, ctypes; ctypes.CDLL({other:?}, mode=os.RTLD_LOCAL | os.RTLD_LAZY); print(1); sys.stdout.flush(); sys.stdin.read()"
    );
    let running = Running::start(Command::new(first).args(["-c", &program]));
    let maps = fs::read_to_string(format!("/proc/{}/maps", running.pid())).unwrap();
    assert!(maps.contains(other.to_str().unwrap()));
    assert_eq!(&running.interpreter().build.version.to_string(), first_version);
}
