//! What the oracle (`tests/oracle`) saw of a program from inside the interpreter.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use molt_mpa::model::Symbol;
use serde::Deserialize;

use super::facts::{Edge, Fact, Facts};
use super::process::{Ended, Running};
use super::program::Program;
use super::pythons::{Interpreter, root};

/// A code object: module, qualified name, first line, hash, file.
type CodeRow = (Option<String>, Option<String>, u32, String, String);
/// A function: module and qualified name.
type FunctionRow = (Option<String>, Option<String>);
/// A place: line, column, last line, end column, text.
type PlaceRow = (Option<u32>, Option<u32>, Option<u32>, Option<u32>, Option<String>);
/// Calls, or steps of a generator after the first: caller, place, callee, argument types, outcome, type, count.
type CallRow =
    (Option<FunctionRow>, Option<PlaceRow>, FunctionRow, Vec<String>, Outcome, Option<String>, u64);
/// Exceptions in a function: their type, whether they began there, count.
type ExceptionRow = (FunctionRow, String, bool, u64);

/// How a call went on or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// It returned a value of the type.
    Return,
    /// It ended in an exception of the type.
    Exception,
    /// It had not ended when the program did, or was given up.
    Open,
    /// Not a call: a generator or coroutine went on.
    Resume,
    /// Not a call: an exception was thrown into one.
    Throw,
}

/// One process, as the oracle wrote it.
#[derive(Deserialize)]
struct Written {
    codes: Vec<CodeRow>,
    calls: Vec<CallRow>,
    exceptions: Vec<ExceptionRow>,
    modules: Vec<String>,
    startup: Vec<String>,
}

/// Where a call stands in its caller's source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u32,
    /// Before 3.11, and for instructions without columns, there is the line alone.
    pub(crate) columns: Option<Columns>,
}

/// The rest of a place, as `co_positions` gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Columns {
    pub(crate) col: u32,
    pub(crate) end_line: u32,
    pub(crate) end_col: u32,
    /// The source between the two; absent where there is no source file.
    pub(crate) text: Option<String>,
}

impl Place {
    fn without_text(mut self) -> Self {
        if let Some(columns) = &mut self.columns {
            columns.text = None;
        }
        self
    }
}

/// What a program and its children did, seen from inside.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// (symbol, first line, hash) to the files of such code objects.
    codes: BTreeMap<(String, u32, String), BTreeSet<String>>,
    /// (caller, callee) to the places of the calls.
    edges: BTreeMap<(String, String), BTreeSet<Place>>,
    /// `sys.modules` of the main process at its end, with what the oracle itself had to import left out.
    pub(crate) modules: BTreeSet<String>,
    /// Modules that ran before the oracle could look: calls from them may be missing.
    startup: BTreeSet<String>,
    /// What the main process did, counted.
    pub(crate) facts: Facts,
}

impl Truth {
    /// Runs a program, unmodified and as it is traced, with the oracle inside.
    pub(crate) fn of(python: &Interpreter, program: &Program) -> (Self, Ended) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = python.start();
        command
            .args(program.arguments(python))
            .env("PYTHONPATH", root().join("tests/oracle"))
            .env("MOLT_ORACLE", folder.path().join("truth"));
        program.give_input(&mut command);
        let running = Running::start(&mut command);
        let main = format!("truth.{}", running.pid());
        let ended = running.wait().with_code(program.status());
        let mut truth = Self::default();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            truth.add(serde_json::from_str(&text).unwrap(), entry.file_name() == *main);
        }
        assert!(!truth.modules.is_empty(), "the oracle saw no module of the main process");
        assert!(!truth.edges.is_empty(), "the oracle saw no call: {}", ended.stderr);
        (truth, ended)
    }

    /// Adds what one process wrote. Only the main one's modules count: molt holds no other one for a last look.
    fn add(&mut self, written: Written, is_main: bool) {
        for (module, qualname, first_line, hash, file) in written.codes {
            let key = (symbol(module.as_deref(), qualname.as_deref()), first_line, hash);
            self.codes.entry(key).or_default().insert(file);
        }
        for row in written.calls {
            self.add_call(row, is_main);
        }
        if is_main {
            for ((module, function), type_name, raised, count) in written.exceptions {
                let function = symbol(module.as_deref(), function.as_deref());
                self.facts.add(Fact::Exception { function, type_name, raised }, count);
            }
        }
        if is_main {
            let is_own =
                |name: &String| name == "atexit" || name == "sitecustomize" || name.starts_with("molt_");
            self.modules.extend(written.modules.into_iter().filter(|name| !is_own(name)));
        }
        self.startup.extend(written.startup.iter().map(|name| canonical(name).to_owned()));
    }

    fn add_call(&mut self, row: CallRow, is_main: bool) {
        let (caller, place, (module, callee), args, outcome, of, count) = row;
        let callee = symbol(module.as_deref(), callee.as_deref());
        let is_call = !matches!(outcome, Outcome::Resume | Outcome::Throw);
        if is_main && is_call {
            self.facts.add(Fact::Calls(callee.clone()), count);
        } else if is_main && outcome == Outcome::Resume {
            self.facts.add(Fact::Resumes(callee.clone()), count);
        }
        let Some(((module, caller), (line, col, end_line, end_col, text))) = caller.zip(place) else {
            return;
        };
        let caller = symbol(module.as_deref(), caller.as_deref());
        let columns = match (col, end_line, end_col) {
            (Some(col), Some(end_line), Some(end_col)) => Some(Columns { col, end_line, end_col, text }),
            _ => None,
        };
        let place = Place { line: line.unwrap_or(0), columns };
        if is_main && is_call {
            let edge =
                Edge { caller: caller.clone(), place: place.clone().without_text(), callee: callee.clone() };
            self.facts.add(Fact::Edge(edge.clone()), count);
            let ret = of.clone().filter(|_| outcome == Outcome::Return);
            self.facts.add(Fact::Signature { edge: edge.clone(), args, ret }, count);
            if let Some(type_name) = of.filter(|_| outcome == Outcome::Exception) {
                self.facts.add(Fact::Failed { edge, type_name }, count);
            }
        }
        self.edges.entry((caller, callee)).or_default().insert(place);
    }

    /// The files of the code objects with this name, first line and hash; none where there is no such code.
    pub(crate) fn files(&self, symbol: &Symbol, first_line: u32, hash: &str) -> Option<&BTreeSet<String>> {
        let find = |name| self.codes.get(&(name, first_line, hash.to_owned()));
        names_of(symbol).into_iter().find_map(find)
    }

    /// Where `caller` was seen to call `callee`.
    pub(crate) fn places(&self, caller: &Symbol, callee: &Symbol) -> Option<&BTreeSet<Place>> {
        let from = |caller: &String| {
            names_of(callee).into_iter().find_map(|callee| self.edges.get(&(caller.clone(), callee)))
        };
        names_of(caller).iter().find_map(from)
    }

    /// All code objects of a name, for a failure's message.
    pub(crate) fn like(&self, symbol: &Symbol) -> Vec<String> {
        let names = names_of(symbol);
        let same = self.codes.keys().filter(|(name, ..)| names.contains(name));
        same.map(|(_, line, hash)| format!("line {line} {hash}")).collect()
    }

    /// Whether a module ran before the oracle could look.
    pub(crate) fn ran_at_startup(&self, module: &str) -> bool {
        self.startup.contains(canonical(module))
    }
}

/// The names under which the oracle may have a symbol: its own, or none where it does not know one.
fn names_of(of: &Symbol) -> [String; 2] {
    [symbol(Some(&of.module), Some(&of.qualname)), symbol(Some(&of.module), None)]
}

/// A function's name in an artifact.
pub(crate) fn symbol(module: Option<&str>, qualname: Option<&str>) -> String {
    format!("{}.{}", canonical(module.unwrap_or("<unnamed>")), qualname.unwrap_or("?"))
}

/// `importlib` renames the two frozen modules of the import system while it is imported itself, so that
/// they bear either name, by when one looks.
fn canonical(module: &str) -> &str {
    match module {
        "_frozen_importlib" => "importlib._bootstrap",
        "_frozen_importlib_external" => "importlib._bootstrap_external",
        _ => module,
    }
}
