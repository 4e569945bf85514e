//! What there is to know about one interpreter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol};

use super::SUPPORTED;
use crate::command;

/// Prints what the interpreter knows about itself, a line each. Runs on Python 2 as well.
const QUESTIONS: &str = r#"
import sys, sysconfig
variable = sysconfig.get_config_var
print("%d %d %d" % tuple(sys.version_info[:3]))
print(sys.implementation.name if hasattr(sys, "implementation") else "cpython")
print(1 if variable("Py_GIL_DISABLED") else 0)
print("%s/%s" % (variable("LIBDIR"), variable("INSTSONAME")))
"#;

/// An interpreter.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and goes into the list as it is"
)]
pub(crate) struct Python {
    /// Unique, for test names: `pyenv-3.8.18`, `debian-3.14`.
    pub name: String,
    pub version: [u32; 3],
    /// What to run.
    pub path: PathBuf,
    /// The file that holds the interpreter: `path` itself with links followed, or its libpython.
    pub binary: PathBuf,
    /// `pyenv`, `system`, or the suite that it was fetched from.
    pub from: String,
    /// `sys.implementation.name`.
    pub implementation: String,
    /// Whether `binary` has no symbols but those it exports.
    pub stripped: bool,
    /// Whether `binary` has USDT probes.
    pub usdt: bool,
    /// Whether `binary` is a libpython.
    pub shared: bool,
    pub free_threaded: bool,
}

impl Python {
    /// Runs the interpreter at `path` and reads its file.
    pub(crate) fn describe(name: &str, path: &Path, from: &str) -> Result<Self> {
        let answers = command::output(Command::new(path).args(["-E", "-S", "-c", QUESTIONS]))?;
        let mut answers = answers.lines();
        let mut next = || answers.next().with_context(|| format!("{} does not answer", path.display()));
        let numbers: Vec<u32> = next()?.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let version = numbers.try_into().ok().context("a Python version has three numbers")?;
        let implementation = next()?.to_owned();
        let free_threaded = next()? == "1";
        let libpython = PathBuf::from(next()?);
        let executable = path.canonicalize()?;
        let shared = !exports_interpreter(&fs::read(&executable)?)?;
        let binary = if shared && libpython.exists() { libpython.canonicalize()? } else { executable };
        let bytes = fs::read(&binary).with_context(|| format!("failed to read {}", binary.display()))?;
        let elf = object::File::parse(&*bytes)?;
        let has = |section: &str| elf.sections().any(|found| found.name() == Ok(section));
        Ok(Self {
            name: name.to_owned(),
            version,
            path: path.to_owned(),
            from: from.to_owned(),
            implementation,
            stripped: !has(".symtab"),
            usdt: has(".note.stapsdt"),
            binary,
            shared,
            free_threaded,
        })
    }

    pub(crate) fn supported(&self) -> bool {
        self.implementation == "cpython" && self.version[0] == 3 && SUPPORTED.contains(&self.version[1])
    }

    pub(crate) fn version_text(&self) -> String {
        let [major, minor, micro] = self.version;
        format!("{major}.{minor}.{micro}")
    }
}

fn exports_interpreter(executable: &[u8]) -> Result<bool> {
    let elf = object::File::parse(executable)?;
    let is_it = |name| name == Ok("PyEval_EvalCode");
    Ok(elf.dynamic_symbols().any(|symbol| symbol.is_definition() && is_it(symbol.name())))
}
