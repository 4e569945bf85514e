//! How the observations were made, what they cost, and what is missing.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Section;
use crate::quantity::{Millis, Share};

/// Who observed, by which means, with which loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// The tool: `molt`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where the records came from.
    pub backend: Backend,
    /// How it was told to observe.
    pub mode: Mode,
    /// Samples per second and processor that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_hz: Option<u32>,
    /// What became of the samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,
    /// What the observation cost the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<Overhead>,
    /// Exact windows, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// The share of samples whose innermost function was also seen to be called, or to go on, by exact means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Share>,
    /// The processes of the tree in the order of their start. A process is named by its place in this list.
    #[serde(default)]
    pub processes: Vec<Process>,
    /// Processes of the tree that are not listed: neither they nor a child of theirs ran a supported Python.
    #[serde(default)]
    pub other_processes: u64,
    /// For each [`Section`], by its name, how far it was observed.
    pub sections: BTreeMap<String, SectionState>,
    /// What was lost, by cause: `ring_full`, `read_fault`, ... Causes that did not occur may be left out.
    pub loss: BTreeMap<String, u64>,
    /// Entries that were cut off at a section's cap, by the section's name, or at that of `processes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<String, u64>,
}

impl Collector {
    /// molt in its own version, with nothing said about sections, samples and loss yet.
    pub fn new(backend: Backend, mode: Mode) -> Self {
        Self {
            name: "molt".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            backend,
            mode,
            sample_hz: None,
            samples: None,
            overhead: None,
            windows: Vec::new(),
            coverage: None,
            processes: Vec::new(),
            other_processes: 0,
            sections: BTreeMap::new(),
            loss: BTreeMap::new(),
            dropped: BTreeMap::new(),
        }
    }

    /// Says how far a section was observed.
    pub fn set(&mut self, section: Section, state: SectionState) {
        self.sections.insert(section.name().to_owned(), state);
    }

    /// Counts losses of one cause.
    pub fn lose(&mut self, cause: &str, count: u64) {
        if count > 0 {
            *self.loss.entry(cause.to_owned()).or_default() += count;
        }
    }
}

/// Where records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Programs in the Linux kernel.
    Ebpf,
    /// DTrace.
    Dtrace,
    /// Reads of the target's memory from user space.
    Procmem,
}

/// How the collector was told to observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Samples only.
    Sample,
    /// Samples, and windows in which every call is seen, as far as the budget allows.
    Windows,
    /// Every call of the whole run.
    Exact,
}

/// What became of the samples. `taken` counts those that fell on a thread of a traced process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// Sampling instants on threads of the target.
    pub taken: u64,
    /// Those that the artifact's numbers rest on.
    pub kept: u64,
    /// Of those kept, the ones whose stack was deeper than the walk goes: their outermost frames are missing.
    #[serde(default)]
    pub cut: u64,
    /// Thrown away because the stack changed or made no sense while it was read.
    #[serde(default)]
    pub torn: u64,
    /// On threads that ran no Python at that moment.
    #[serde(default)]
    pub not_python: u64,
    /// Taken by the kernel side and lost on the way: the ring was full.
    #[serde(default)]
    pub lost: u64,
    /// Of those kept, the ones with at least one frame whose code could not be named.
    #[serde(default)]
    pub unresolved: u64,
}

/// What the observation cost the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overhead {
    /// The share of the target's CPU time that molt may spend in its hooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Share>,
    /// The share that it spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Share>,
    /// The CPU time of all traced processes, which the shares are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_cpu_ms: Option<Millis>,
}

/// A stretch of time in which every call was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Since the start of the run.
    pub start_ms: Millis,
    /// Its length.
    pub duration_ms: Millis,
}

/// A process of the tree. It is named by its place in the list, never by its pid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// How it came to be.
    pub role: ProcessRole,
    /// Place of its parent in the list, where the parent was traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// Its Python's full version; absent for a process that never became a supported Python.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python_version: Option<String>,
    /// Whether its Python was built without the global interpreter lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_threaded: Option<bool>,
    /// Samples kept of it.
    #[serde(default)]
    pub samples: u64,
    /// How long before its end, or before its last exec, its memory was looked at last; absent where that was at its
    /// end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_before_end_ms: Option<Millis>,
}

/// How a process of the tree came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessRole {
    /// The command that molt started, or the process that it attached to.
    Main,
    /// Forked by a traced process, and still running the same program.
    Fork,
    /// Forked by a traced process, and then another program by exec.
    Exec,
}

/// How far a section was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionState {
    /// In one word.
    pub status: Status,
    /// In a sentence; always there for `partial` and `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl SectionState {
    /// Everything was seen.
    pub fn complete() -> Self {
        Self { status: Status::Complete, reason: None }
    }

    /// What was seen at sampling instants; the reason says why not more.
    pub fn sampled(reason: impl Into<String>) -> Self {
        Self { status: Status::Sampled, reason: Some(reason.into()) }
    }

    /// Some of it was seen.
    pub fn partial(reason: impl Into<String>) -> Self {
        Self { status: Status::Partial, reason: Some(reason.into()) }
    }

    /// Nobody looked, or nobody could.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self { status: Status::Unavailable, reason: Some(reason.into()) }
    }
}

/// How far a section was observed, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing of the kind passed unseen, but for what `loss` counts.
    Complete,
    /// Seen at sampling instants.
    Sampled,
    /// Some kinds, processes or stretches of time are missing.
    Partial,
    /// Not observed: emptiness means nothing.
    Unavailable,
}
