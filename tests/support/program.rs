//! The programs of `tests/programs`, how each is run, and what its comments say that must be seen.
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::process::run;
use super::pythons::{Interpreter, root};

/// How a program reaches the interpreter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// `python recursion.py`
    Script,
    /// `python -m package a b`
    Module,
    /// `python -c TEXT a b`
    Command,
    /// `python < piped.py`
    Stdin,
    /// `python zipped.pyz`
    Zipapp,
}

/// A program to trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) how: How,
}

/// All programs whose names, hashes and call edges are compared with the oracle's.
pub(crate) const PROGRAMS: &[Program] = &[
    script("recursion"),
    script("methods"),
    script("closures"),
    script("generators"),
    script("coroutines"),
    script("threads"),
    script("callbacks"),
    script("executed"),
    script("deep"),
    script("names"),
    script("comprehensions"),
    script("decorators"),
    script("lambdas"),
    script("class_bodies"),
    script("namespace"),
    script("children"),
    Program { name: "package", how: How::Module },
    Program { name: "command", how: How::Command },
    Program { name: "piped", how: How::Stdin },
    Program { name: "zipped", how: How::Zipapp },
];

/// Programs of which every call is compared: one idea each.
pub(crate) const EXACT_PROGRAMS: &[Program] = &[
    script("exact/parameters"),
    script("exact/methods"),
    script("exact/construction"),
    script("exact/descriptors"),
    script("exact/special"),
    script("exact/callbacks"),
    script("exact/generators"),
    script("exact/exceptions"),
    script("exact/coroutines"),
    script("exact/threads"),
    script("exact/recursion"),
    script("exact/executed"),
    script("exact/classes"),
    script("exact/changed_class"),
    script("exact/cells"),
    script("exact/bodies"),
    script("exact/finalizers"),
    script("exact/often"),
    script("exact/traced"),
    script("exact/killed"),
];

/// A program that is run as `python NAME.py`.
pub(crate) const fn script(name: &'static str) -> Program {
    Program { name, how: How::Script }
}

impl Program {
    /// The file whose comments say what to expect.
    pub(crate) fn source(&self) -> PathBuf {
        let folder = root().join("tests/programs");
        match self.how {
            How::Module | How::Zipapp => folder.join(self.name).join("__main__.py"),
            How::Script | How::Command | How::Stdin => folder.join(self.name).with_extension("py"),
        }
    }

    /// The arguments after the interpreter.
    pub(crate) fn arguments(&self, python: &Interpreter) -> Vec<String> {
        match self.how {
            How::Script => vec![format!("{}.py", self.name)],
            How::Module => ["-m", self.name, "a", "b"].map(String::from).into(),
            How::Command => {
                vec!["-c".into(), fs::read_to_string(self.source()).unwrap(), "a".into(), "b".into()]
            }
            How::Stdin => Vec::new(),
            How::Zipapp => vec![zipapp(self, python)],
        }
    }

    /// What the program reads.
    pub(crate) fn give_input(&self, command: &mut Command) {
        match self.how {
            How::Stdin => command.stdin(fs::File::open(self.source()).unwrap()),
            _ => command.stdin(std::process::Stdio::null()),
        };
    }

    /// How it ends: 0, or what its comments say after `# status:`.
    pub(crate) fn status(&self) -> i32 {
        self.says("status").first().map_or(0, |status| status.parse().unwrap())
    }

    /// The words after `# KEY:` in the program's comments.
    pub(crate) fn says(&self, key: &str) -> Vec<String> {
        let text = fs::read_to_string(self.source()).unwrap();
        let lines =
            text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "));
        lines.flat_map(str::split_whitespace).map(String::from).collect()
    }
}

/// Packs the program's folder, and the module that all programs import, into an archive that Python runs.
fn zipapp(program: &Program, python: &Interpreter) -> String {
    let folder = root().join(".molt/zipapps");
    fs::create_dir_all(&folder).unwrap();
    let archive = folder.join(format!("{}-{}.pyz", program.name, python.name));
    run(python.start().args(["-m", "zipfile", "-c"]).arg(&archive).args([
        "zipped/__main__.py",
        "zipped/packed.py",
        "rounds.py",
    ]))
    .succeeded();
    archive.to_str().unwrap().to_owned()
}
