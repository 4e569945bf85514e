//! Symbols: functions and what else has code, by `module.qualname`.
use serde::{Deserialize, Serialize};

use super::Observation;
use crate::ids::Sha256Hash;

/// A function, or what else has code, by `module.qualname` (`app.outer.<locals>.inner`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// The module, as the `__name__` of its globals.
    pub module: String,
    /// CPython's `__qualname__`.
    pub qualname: String,
    /// What it is.
    pub kind: SymbolKind,
    /// As in [`super::Module::file`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Smallest `co_firstlineno` of its codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_line: Option<u32>,
    /// One per different code object under this name, by first line, then hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Code>,
    /// How it was seen to run.
    pub observation: Observation,
    /// Calls seen. Only where calls are seen, not where a sampler meets a frame on a stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Calls of the whole run, estimated from those in windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_est: Option<u64>,
    /// How often its generators or coroutines were seen to go on after they had been suspended. No calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<u64>,
    /// By effect, then event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// By type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionCount>,
}

impl Symbol {
    /// Calls of the whole run as far as they are known: the estimate where there is one, else those seen.
    pub fn all_calls(&self) -> Option<u64> {
        self.calls_est.or(self.calls)
    }
}

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolKind {
    /// A plain function.
    Function,
    /// A function in a class's namespace.
    Method,
    /// A generator function.
    Generator,
    /// A coroutine function.
    Coroutine,
    /// An asynchronous generator function.
    AsyncGenerator,
    /// A lambda expression.
    Lambda,
    /// A comprehension or generator expression that has a code object of its own.
    Comprehension,
    /// The body of a class statement.
    ClassBody,
    /// The body of a module.
    Module,
    /// A function or type written in C.
    Builtin,
}

/// One code object under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// `hashlib.sha256(f.__code__.co_code)`, see [`Sha256Hash::of`].
    pub code_hash: Sha256Hash,
    /// Its `co_firstlineno`.
    pub first_line: u32,
}

/// What a function did to the world, by one kind of event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Effect {
    /// The kind of effect.
    pub effect: EffectKind,
    /// An audit event's name (`open`), or `sys:` and a system call's (`sys:openat`).
    pub event: String,
    /// How it was seen.
    pub observation: Observation,
    /// How often it was seen.
    pub count: u64,
    /// How often it happened, estimated, where not every occurrence was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_est: Option<u64>,
}

/// Kinds of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Reads files.
    #[serde(rename = "fs.read")]
    FsRead,
    /// Writes files.
    #[serde(rename = "fs.write")]
    FsWrite,
    /// Renames, removes, lists, changes modes.
    #[serde(rename = "fs.meta")]
    FsMeta,
    /// Uses the network.
    Net,
    /// Starts, replaces or signals processes.
    Process,
    /// Reads or changes the environment.
    Env,
    /// Asks for the time or waits.
    Time,
    /// Asks for randomness.
    Random,
    /// Imports.
    Import,
    /// Compiles or runs code: compile, exec, eval.
    Code,
    /// Leaves for foreign code: ctypes, dlopen.
    Ffi,
    /// Starts threads.
    Thread,
    /// Handles or raises signals.
    Signal,
    /// Looks at the interpreter itself: `sys._getframe`, `gc.get_objects`, settrace.
    Introspect,
    /// Drives the collector of garbage.
    Gc,
    /// None of these: an event that a program has made up.
    Other,
}

/// Exceptions of one type in one function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExceptionCount {
    /// The exception's type, by name; `?` is one that could not be read, `...` those beyond the first 64.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How it was seen.
    pub observation: Observation,
    /// Raised in this function's own code.
    pub raised: u64,
    /// Passed through this function on the way out.
    pub propagated: u64,
}
