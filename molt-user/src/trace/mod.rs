//! A run: the stages joined, from the command line's wishes to the written artifact.
//!
//! [`mod@run`] is the loop around the kernel side and the target. [`watch`] is what the loop feeds: it turns
//! records and the passing of time into counts, and says what it wants of the kernel side. [`finish`] makes
//! the artifact.

mod awaited;
mod begin;
mod budget;
mod callees;
mod capabilities;
mod classes;
mod coverage;
mod effects;
mod failure;
mod finish;
mod look;
mod metadata;
mod names;
mod observe;
pub mod output;
mod place;
mod reader;
mod run;
mod seek;
mod source;
pub mod status;
mod subject;
mod texts;
mod watch;

pub use awaited::Awaited;
pub use failure::Failure;
pub use run::{Notice, Progress, run};

use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::Artifact;
use molt_mpa::quantity::Share;
use molt_mpa::redact::{Policy, Salt};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was asked for.
#[derive(Debug)]
pub struct Options {
    /// What to trace.
    pub target: Target,
    /// Children of what is traced are traced as well.
    pub follow: bool,
    /// Where the artifact goes; `-` is standard output. What stands in it for other words is in [`mod@output`].
    pub output: PathBuf,
    /// An artifact is written whenever so much time has passed, of what was seen in it.
    pub every: Option<Duration>,
    /// Each process has an artifact of its own.
    pub split: bool,
    /// Hold the process that is attached to at its end until it was looked at.
    pub pause_at_exit: bool,
    /// For how long a process is held at its end, at most.
    pub hold: Duration,
    /// Samples per second of CPU time.
    pub frequency: u32,
    /// What records come from.
    pub backend: Choice,
    /// How calls are observed.
    pub observe: Observe,
    /// When to stop; with the target if `None`.
    pub duration: Option<Duration>,
    /// What becomes of strings from the program's data.
    pub policy: Policy,
    /// The key of their hashes.
    pub salt: Option<Salt>,
    /// Name and content of further files that count among the run's inputs.
    pub inputs: Vec<(String, Sha256Hash)>,
}

/// What records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// eBPF where it can be used. Where it cannot, procmem, unless every call is to be seen.
    Auto,
    /// Programs in the kernel.
    Ebpf,
    /// Reads of the target's memory.
    Procmem,
}

/// How calls are observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observe {
    /// On sampled stacks only.
    Sample,
    /// Every one of them.
    Exact,
    /// Every one in windows, as far as this share of the target's CPU time allows. They open at random times, which
    /// the seed repeats.
    Auto {
        /// What may be spent.
        budget: Share,
        /// Where the random times begin.
        seed: Option<u64>,
    },
}

/// What to trace.
#[derive(Debug)]
pub enum Target {
    /// Running processes.
    Processes(Vec<u32>),
    /// Whatever runs Python in a control group, now or later: a folder of the cgroup file system.
    Cgroup(PathBuf),
    /// Whatever runs Python on this machine, now or later.
    Host,
    /// A command to start.
    Command {
        /// The command and its arguments.
        argv: Vec<OsString>,
        /// The user that it runs as, where asked for.
        user: Option<String>,
    },
}

impl Target {
    /// Whether it runs, or begins to run, without molt.
    fn is_attached(&self) -> bool {
        !matches!(self, Self::Command { .. })
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The status to exit with: a launched target's own, else 0.
    pub status: u8,
    /// Why there is less than was asked for, a line each.
    pub remarks: Vec<String>,
}

/// What was written.
#[derive(Debug)]
pub struct Summary {
    /// The artifact.
    pub artifact: Artifact,
    /// Where it is; `None` for standard output.
    pub path: Option<PathBuf>,
    /// Its size.
    pub bytes: u64,
}

/// Whether an output path stands for standard output.
fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}
