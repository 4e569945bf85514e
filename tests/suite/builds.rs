//! Pythons that are not the usual one of their version: embedded, several in one process, free-threaded, with a JIT.
use std::path::{Path, PathBuf};
use std::process::Command;

use molt_mpa::model::{Artifact, Section, Status};

use crate::support::artifact::{molt, read};
use crate::support::process::run;
use crate::support::pythons::{self, Interpreter, at_home};
use crate::support::required::leave_out;
use crate::support::unsupported::Altered;

/// Every supported interpreter of this machine of one of these minor versions.
fn of_minors(minors: &'static [u8]) -> impl Iterator<Item = Interpreter> {
    let usual = |python: &Interpreter| python.supported && !python.free_threaded;
    pythons::list().into_iter().filter(move |python| usual(python) && minors.contains(&python.minor()))
}

/// Every call of a program.
fn exact(command: &mut Command) -> Artifact {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut traced = molt();
    traced.args(["trace", "--mode", "exact", "-F", "999", "-o"]).arg(&output).arg("--");
    traced.arg(command.get_program()).args(command.get_args());
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(&mut traced).succeeded();
    read(&output)
}

/// A C program that begins and ends an interpreter twice is traced like the interpreter's own.
pub(crate) fn embedded_python_is_traced(_: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("embedding");
    let mut built = 0;
    for python in of_minors(&[10, 12]) {
        let Some(library) = Library::of(&python) else { continue };
        let mut compile = Command::new("cc");
        at_home(&mut compile);
        compile.arg("embedding.c").arg("-I").arg(&library.headers).arg(&library.file).arg("-o").arg(&program);
        run(compile.arg(format!("-Wl,-rpath,{}", library.folder()))).succeeded();
        let mut embedding = Command::new(&program);
        let artifact = exact(embedding.env("PYTHONHOME", &library.home).env("PYTHONDONTWRITEBYTECODE", "1"));
        assert_eq!(artifact.call_counts.get("__main__.step"), Some(&3000), "{}", python.name);
        assert_eq!(artifact.header.python_version, python.version);
        assert!(artifact.hotspots.iter().any(|hotspot| hotspot.symbol == "__main__.step"));
        built += 1;
    }
    assert!(built > 0, "found no libpython with headers of 3.10 or 3.12");
}

/// What it takes to link with a libpython.
struct Library {
    home: String,
    headers: String,
    file: String,
}

impl Library {
    /// None if the interpreter has no libpython, or no headers.
    fn of(python: &Interpreter) -> Option<Self> {
        let script = "import sys, sysconfig; print(sys.prefix); print(sysconfig.get_paths()['include'])";
        let said = run(python.start().args(["-c", script])).succeeded().stdout;
        let (home, headers) = said.trim().split_once('\n')?;
        let file = python.binary.to_str()?.to_owned();
        let is_there = file.contains("libpython") && Path::new(headers).join("Python.h").exists();
        is_there.then(|| Self { home: home.to_owned(), headers: headers.to_owned(), file })
    }

    fn folder(&self) -> &str {
        self.file.rsplit_once('/').map_or(".", |(folder, _)| folder)
    }
}

/// Calls in a second interpreter of the process are counted with those of the first.
pub(crate) fn subinterpreters_are_seen(_: &Interpreter) {
    let pythons: Vec<_> = of_minors(&[11, 12, 14]).collect();
    assert!(!pythons.is_empty(), "found no interpreter of 3.11, 3.12 or 3.14");
    for python in pythons {
        let artifact = exact(python.start().arg("subinterpreters.py"));
        let count = |name: &str| artifact.call_counts.get(&format!("__main__.{name}")).copied();
        let counts = ["first", "inner", "step"].map(count);
        assert_eq!(counts, [Some(1000), Some(20), Some(10_000)], "{}", python.name);
        // Up to 3.11 a thread's key leads to the first of its thread states only.
        if python.minor() >= 12 {
            let sampled = artifact.hotspots.iter().any(|hotspot| hotspot.symbol == "__main__.step");
            assert!(sampled, "{}: {:?}", python.name, artifact.hotspots);
        }
    }
}

/// A free-threaded build whose layout is not known is refused by name: 3.15's, made of the usual one by the word in
/// its file that says what it is.
pub(crate) fn unknown_free_threaded_build_is_refused_by_name(_: &Interpreter) {
    let Some(python) = of_minors(&[15]).find(|python| python.binary == python.path) else {
        return leave_out("a Python 3.15 without a libpython");
    };
    let copy = Altered::copy(&python, "python3.15t", |bytes| {
        // The head of `_Py_DebugOffsets`: cookie, `PY_VERSION_HEX`, free-threaded.
        let is_head =
            |head: &[u8]| head.starts_with(b"xdebugpy") && head[10..12] == [15, 3] && head[16..] == [0; 8];
        let heads: Vec<_> = (0..bytes.len() - 24).filter(|at| is_head(&bytes[*at..at + 24])).collect();
        assert_eq!(heads.len(), 1, "{heads:?}");
        bytes[heads[0] + 16] = 1;
    });
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut traced = molt();
    traced.args(["trace", "-o"]).arg(&output).arg("--").arg(&copy.path).args(["-c", "print(6 * 7)"]);
    let ended = run(&mut traced).succeeded();
    assert_eq!(ended.stdout, "42\n", "{}", ended.stderr);
    assert!(
        ended.stderr.contains("CPython 3.15") && ended.stderr.contains("(free-threaded) is not supported")
    );
    assert!(!output.exists(), "{}", ended.stderr);
}

/// A program that the interpreter compiles is sampled, and the artifact says why its calls are not counted.
pub(crate) fn compiled_program_is_sampled(_: &Interpreter) {
    let mut found = 0;
    for python in of_minors(&[14, 15]) {
        let mut asked = python.start();
        asked.args(["-c", "import sys; print(sys._jit.is_enabled())"]);
        if run(asked.env("PYTHON_JIT", "1")).succeeded().stdout != "True\n" {
            continue;
        }
        let mut program = python.start();
        let artifact =
            exact(program.arg("recursion.py").env("PYTHON_JIT", "1").env("MOLT_TEST_SECONDS", "0.5"));
        assert!(artifact.symbols.contains_key("__main__.fib"), "{:?}", artifact.symbols.keys());
        let section = &artifact.collector.sections[Section::CallCounts.name()];
        assert_eq!(section.status, Status::Unavailable, "{}", python.name);
        assert!(section.reason.as_deref().unwrap_or_default().contains("JIT"), "{section:?}");
        found += 1;
    }
    assert!(found > 0, "found no build of 3.14 or 3.15 with a JIT");
}

/// Free-threaded builds are sampled, each thread of them, and the artifact says why their calls are not counted.
pub(crate) fn free_threaded_build_is_sampled(_: &Interpreter) {
    let Some(python) = built("3.13t") else { return };
    let mut traced = Command::new(&python);
    let artifact = exact(traced.arg(program("threads.py")).env("MOLT_TEST_SECONDS", "1"));
    for symbol in ["__main__.even_work", "__main__.odd_work"] {
        assert!(artifact.symbols.contains_key(symbol), "{:?}", artifact.symbols.keys());
    }
    assert_eq!(artifact.collector.processes[0].free_threaded, Some(true));
    let section = &artifact.collector.sections[Section::CallCounts.name()];
    assert_eq!(section.status, Status::Unavailable);
    assert!(section.reason.as_deref().unwrap_or_default().contains("free-threaded"), "{section:?}");
}

/// An interpreter that was linked with musl is traced like one of glibc, also in its threads.
pub(crate) fn musl_build_is_traced(_: &Interpreter) {
    let Some(python) = built("3.13musl") else { return };
    let artifact = exact(Command::new(&python).arg(program("subinterpreters.py")));
    let count = |name: &str| artifact.call_counts.get(&format!("__main__.{name}")).copied();
    assert_eq!(["first", "inner", "step"].map(count), [Some(1000), Some(20), Some(10_000)]);
    for symbol in ["__main__.first", "__main__.step"] {
        assert!(artifact.hotspots.iter().any(|hotspot| hotspot.symbol == symbol), "{:?}", artifact.hotspots);
    }
}

/// An interpreter that `cargo xtask pythons --build` has built: it takes minutes, so that not every machine has it.
fn built(name: &str) -> Option<PathBuf> {
    let folder = pythons::root().join(".molt/built").join(name).join("bin");
    let names = ["python3.13t", "python3.13"].map(|name| folder.join(name));
    let found = names.into_iter().find(|path| path.exists());
    if found.is_none() {
        leave_out(&format!("{name} (`cargo xtask pythons --build`)"));
    }
    found
}

fn program(name: &str) -> PathBuf {
    pythons::root().join("tests/programs").join(name)
}
