//! Events: what happened when.
use serde::{Deserialize, Serialize};

use crate::quantity::Millis;

/// Something that happened once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// Since the start of the run.
    pub t_ms: Millis,
    /// Place of the process in `collector.processes`, where it happened in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// What happened.
    #[serde(flatten)]
    pub what: EventKind,
}

impl Event {
    /// Whether events of this kind can be so many that they crowd out the rest.
    pub fn is_frequent(&self) -> bool {
        match self.what {
            EventKind::ProcessStart { .. }
            | EventKind::ProcessEnd { .. }
            | EventKind::Exec { .. }
            | EventKind::Signal { .. } => false,
            EventKind::ThreadStart { .. }
            | EventKind::ThreadEnd { .. }
            | EventKind::Import { .. }
            | EventKind::Audit { .. }
            | EventKind::Gc { .. }
            | EventKind::WindowOpen
            | EventKind::WindowClose
            | EventKind::Loss { .. } => true,
        }
    }
}

/// An argument of an audit event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuditArgument {
    /// Its type; `?` where it could not be read.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its text, redacted, where it is a str or bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What happened; its name stands under the key `kind`. Events of the same moment in the same process stand in
/// the order of this list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A process of the tree began, or was attached to.
    ProcessStart {
        /// Place of its parent in `collector.processes`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<u32>,
    },
    /// A process became another program.
    Exec {
        /// The program's path, redacted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        program: Option<String>,
        /// The Python that it is, where it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        python_version: Option<String>,
    },
    /// A thread began.
    ThreadStart {
        /// Its number within the process, in the order of their starts; the first thread is 0.
        thread: u32,
    },
    /// A module was imported.
    Import {
        /// Its name.
        module: String,
        /// From the search for it to the end of its body, imports within included.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<Millis>,
        /// The same without the imports within.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        self_ms: Option<Millis>,
        /// Whether it was found and its body ended without an exception.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        succeeded: Option<bool>,
    },
    /// A function raised an audit event for the first time. How often it did stands in its effects.
    Audit {
        /// The event's name.
        event: String,
        /// The function's symbol.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        symbol: Option<String>,
        /// The event's first arguments.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<AuditArgument>,
    },
    /// Garbage was collected.
    Gc {
        /// The oldest generation collected.
        generation: u32,
        /// Objects freed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        collected: Option<u64>,
        /// Collections since the last look, where the interpreter's own counts told of them and they were not seen one
        /// by one; `t_ms` is then that of the look.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        collections: Option<u64>,
        /// How long it took.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<Millis>,
    },
    /// From here on every call is seen.
    WindowOpen,
    /// Up to here every call was seen.
    WindowClose,
    /// Something was lost.
    Loss {
        /// A key of `collector.loss`.
        cause: String,
        /// How much since the event of the same cause before.
        count: u64,
    },
    /// A signal ended a process.
    Signal {
        /// Its name, such as `SIGSEGV`.
        signal: String,
    },
    /// A thread ended.
    ThreadEnd {
        /// As in `thread_start`.
        thread: u32,
    },
    /// A process of the tree ended, or was detached from.
    ProcessEnd {
        /// Its exit status, where it was not ended by a signal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<i32>,
    },
}
