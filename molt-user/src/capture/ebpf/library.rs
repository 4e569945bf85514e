//! The programs for links to many places, each loaded once. The verifier takes 10 to 50 ms for the larger ones, so those
//! that will be wanted are loaded ahead of time, beside what else a start has to do.

use super::uprobes::{Prepared, UprobeError, UprobeProgram};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::thread;

/// Those that nearly every run with calls wants, the largest first.
const AHEAD: [&str; 7] =
    ["call_enter", "call_leave", "call_raise", "audit", "assign", "shortcut", "allocate"];
/// The others.
const LATER: [&str; 8] = [
    "call_measure",
    "call_return",
    "gc_done",
    "gc_start",
    "import_done",
    "import_return",
    "import_start",
    "milestone",
];

/// An object's programs.
#[derive(Debug)]
pub(super) struct Library {
    prepared: Prepared,
    programs: BTreeMap<&'static str, OnceLock<Result<UprobeProgram, UprobeError>>>,
}

impl Library {
    /// Nothing is loaded yet.
    pub(super) fn new(prepared: Prepared) -> Arc<Self> {
        let programs = AHEAD.into_iter().chain(LATER).map(|name| (name, OnceLock::new())).collect();
        Arc::new(Self { prepared, programs })
    }

    /// Loads what will be wanted, in threads that leave a processor to the one that calls.
    pub(super) fn load_ahead(self: &Arc<Self>) {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for _ in 1..processors.min(AHEAD.len()) {
            let library = Arc::clone(self);
            // Without a thread each is loaded when it is asked for, as it is where this one is refused it.
            let _ = thread::Builder::new().name("molt-load".to_owned()).spawn(move || {
                for name in AHEAD {
                    let _ = library.program(name);
                }
            });
        }
    }

    /// Program `name`, which is loaded now if nobody has loaded it, and waited for if somebody is about it.
    pub(super) fn program(&self, name: &'static str) -> Result<&UprobeProgram, UprobeError> {
        let missing = || UprobeError::Object(format!("it has no program {name}"));
        let loaded = self.programs.get(name).ok_or_else(missing)?;
        loaded.get_or_init(|| self.prepared.load(name)).as_ref().map_err(Clone::clone)
    }
}
