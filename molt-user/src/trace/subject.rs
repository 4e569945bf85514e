//! One traced process: whether it runs Python yet, and when to look at it next.

use super::reader::Reader;
use crate::cpython::debug_offsets::LayoutError;
use crate::discover::{DiscoverError, Finding, Inspector, Process};
use molt_common::config::{
    PROCESS_CALLS, PROCESS_EFFECTS, PROCESS_FOLLOW, PROCESS_HOLD, PROCESS_HOLD_START, PROCESS_READY,
    PROCESS_TSS, ProcessConfig,
};
use std::time::Duration;

/// Shortest and longest time between two looks for an interpreter. The dynamic linker maps one within a
/// millisecond; a shell may exec it an hour later, and is looked at then because it has exec'd.
const SEARCH: (Duration, Duration) = (Duration::from_micros(500), Duration::from_secs(1));

/// A traced process.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all combinations occur")]
#[derive(Debug)]
pub(super) struct Subject {
    /// What is known of its program.
    pub(super) state: State,
    /// It was looked at when its interpreter was about to end.
    pub(super) finalized: bool,
    /// It is about to end, and to stop for its tracer.
    pub(super) ends: bool,
    /// It is about to begin, and to stop for its tracer.
    pub(super) begins: bool,
    /// molt has started it, and its tracer tells how it ended.
    pub(super) launched: bool,
    /// Its program was seen from its beginning on.
    from_start: bool,
    /// When it was found or made, in nanoseconds of `CLOCK_MONOTONIC`.
    pub(super) since_ns: u64,
    /// The number of the page that its facts are on.
    pub(super) page: u32,
    /// The number under which the kernel side counts its program's calls.
    pub(super) program: u32,
    /// `PROCESS_FOLLOW`, `PROCESS_CALLS` and the two that hold it, as asked for.
    flags: u32,
}

/// A program that runs no more.
#[derive(Debug)]
pub(super) struct Ended {
    /// What was known of it.
    pub(super) state: State,
    /// It was looked at when its interpreter was about to end.
    pub(super) finalized: bool,
}

/// What is known of a process's program.
#[derive(Debug)]
pub(super) enum State {
    /// No interpreter yet: look again at this moment, and then after twice this pause.
    Searching { next_ns: u64, pause: Duration },
    /// A Python that can be read.
    Python(Box<Reader>),
    /// A Python that cannot be read, and why.
    Refused(String),
}

impl Subject {
    /// A process that was found at `now_ns`. One that was launched is not looked at before its exec.
    pub(super) fn new(now_ns: u64, launched: bool, held: bool, calls: bool) -> Self {
        let flags = match (held, calls) {
            (false, false) => 0,
            (true, false) => PROCESS_HOLD,
            (false, true) => PROCESS_CALLS | PROCESS_EFFECTS,
            (true, true) if !launched => PROCESS_HOLD | PROCESS_CALLS | PROCESS_EFFECTS,
            (true, true) => PROCESS_HOLD | PROCESS_HOLD_START | PROCESS_CALLS | PROCESS_EFFECTS,
        };
        let next_ns = if launched { u64::MAX } else { now_ns };
        Self {
            state: State::Searching { next_ns, pause: SEARCH.0 },
            since_ns: now_ns,
            page: 0,
            finalized: false,
            ends: false,
            begins: false,
            launched,
            from_start: launched,
            program: 0,
            flags: PROCESS_FOLLOW | flags,
        }
    }

    /// The copy of a traced process that `fork` has made: its memory holds what its parent's holds.
    pub(super) fn fork(&self, pid: u32, now_ns: u64) -> Self {
        let state = match &self.state {
            State::Python(reader) => State::Python(Box::new(reader.fork(pid))),
            State::Searching { .. } => State::Searching { next_ns: now_ns, pause: SEARCH.0 },
            State::Refused(why) => State::Refused(why.clone()),
        };
        let flags = self.flags & !(PROCESS_HOLD | PROCESS_HOLD_START);
        let Self { page, program, from_start, .. } = *self;
        Self {
            state,
            since_ns: now_ns,
            page,
            finalized: false,
            ends: false,
            begins: false,
            launched: false,
            from_start,
            program,
            flags,
        }
    }

    /// Its children are not traced.
    pub(super) fn leave_children(&mut self) {
        self.flags &= !PROCESS_FOLLOW;
    }

    /// The process runs another program from here on. What is left of the one before.
    pub(super) fn exec(&mut self, now_ns: u64) -> Ended {
        self.from_start = true;
        let searching = State::Searching { next_ns: now_ns, pause: SEARCH.0 };
        let state = std::mem::replace(&mut self.state, searching);
        Ended { state, finalized: std::mem::take(&mut self.finalized) }
    }

    /// Looks for an interpreter if that is due. Whether one was found that can be read.
    pub(super) fn search(&mut self, pid: u32, now_ns: u64, inspector: &mut Inspector) -> bool {
        let State::Searching { next_ns, pause } = self.state else { return false };
        if now_ns < next_ns {
            return false;
        }
        self.state = match look(pid, now_ns, inspector) {
            Ok(Looked::Python(mut reader)) => {
                if self.from_start {
                    reader.looks.count_from_start();
                }
                State::Python(reader)
            }
            Ok(Looked::Refused(why)) => State::Refused(why),
            Ok(Looked::Nothing) | Err(_) => {
                let pause = (pause * 2).min(SEARCH.1);
                State::Searching {
                    next_ns: now_ns + u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX / 2),
                    pause,
                }
            }
        };
        matches!(self.state, State::Python(_))
    }

    /// Looks for an interpreter at the next opportunity.
    pub(super) fn search_at_once(&mut self) {
        if let State::Searching { next_ns, .. } = &mut self.state {
            *next_ns = 0;
        }
    }

    /// How its Python is read, where it runs one that can be.
    pub(super) fn reader(&mut self) -> Option<&mut Reader> {
        match &mut self.state {
            State::Python(reader) => Some(reader),
            State::Searching { .. } | State::Refused(_) => None,
        }
    }

    /// Whether its calls are to be counted.
    pub(super) fn counts_calls(&self) -> bool {
        self.flags & PROCESS_CALLS != 0
    }

    /// Whether its main thread is followed with ptrace.
    pub(super) fn is_held(&self) -> bool {
        self.flags & PROCESS_HOLD != 0
    }

    /// When it is to be looked at again.
    pub(super) fn due_ns(&self) -> Option<u64> {
        match &self.state {
            State::Searching { next_ns, .. } => Some(*next_ns),
            State::Python(reader) => Some(reader.looks.next_ns),
            State::Refused(_) => None,
        }
    }

    /// How the kernel side is to read the process, once that is known.
    pub(super) fn config(&self) -> Option<ProcessConfig> {
        let State::Python(reader) = &self.state else { return None };
        let key = reader.tss_key();
        Some(ProcessConfig {
            runtime: reader.interpreter.runtime(),
            layout: reader.layout.walk(),
            call: reader.calls,
            program: self.program,
            reserved: 0,
            flags: self.flags | PROCESS_READY | if key.is_some() { PROCESS_TSS } else { 0 },
            tss_key: key.unwrap_or(0),
        })
    }

    /// What is known before there is an interpreter.
    pub(super) fn unready_config(&self) -> ProcessConfig {
        ProcessConfig { flags: self.flags, ..zerocopy::FromZeros::new_zeroed() }
    }
}

enum Looked {
    Python(Box<Reader>),
    Refused(String),
    Nothing,
}

fn look(pid: u32, now_ns: u64, inspector: &mut Inspector) -> Result<Looked, DiscoverError> {
    let process = Process::read(pid.cast_signed())?;
    match inspector.inspect(&process)? {
        // Read again: an exec may have come between the two looks, and the command line be the old one.
        Finding::Python(interpreter) => match Reader::new(Process::read(process.pid)?, interpreter, now_ns) {
            Ok(reader) => Ok(Looked::Python(Box::new(reader))),
            Err(LayoutError::Unreadable { .. } | LayoutError::NotThere { .. }) => Ok(Looked::Nothing),
            Err(refused) => Ok(Looked::Refused(refused.to_string())),
        },
        Finding::Unsupported(what) => Ok(Looked::Refused(what.to_string())),
        Finding::NotPython { .. } | Finding::NotYet => Ok(Looked::Nothing),
    }
}
