//! What a run has seen so far. Fed with records and with time; wants things of the kernel side in return.
//!
//! It knows no kernel side: whichever backend feeds it does what it asks.

use super::place::Placing;
use super::subject::{State, Subject};
use crate::aggregate::modules::Modules;
use crate::aggregate::processes::Processes;
use crate::aggregate::tally::Tally;
use crate::decode::{Record, decode};
use crate::discover::{Build, Inspector};
use molt_common::config::ProcessConfig;
use molt_common::event::Header;
use molt_common::event::process::Birth;
use molt_common::event::sample::{Frame, NO_PYTHON, NOT_READY, STACK_CUT, STACK_TORN, Sample};
use molt_mpa::quantity::Millis;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the watch wants of the kernel side.
#[derive(Debug)]
pub(super) enum Ask {
    /// Read process `pid` like this.
    Configure(u32, ProcessConfig),
    /// Report when processes that run this build are about to end.
    Hook(Arc<Build>),
    /// Let process `pid` go on into its end.
    OpenGate(u32),
    /// Process `pid` has ended.
    Forget(u32),
}

/// Everything seen so far.
#[derive(Debug)]
pub(super) struct Watch {
    /// When the run began, in nanoseconds of `CLOCK_MONOTONIC`.
    began_ns: u64,
    inspector: Inspector,
    pub(super) subjects: BTreeMap<u32, Subject>,
    asks: Vec<Ask>,
    pub(super) tally: Tally,
    pub(super) modules: Modules,
    pub(super) processes: Processes,
    /// The process that became Python first: the one that the artifact's header is about.
    pub(super) first_python: Option<FirstPython>,
    /// What was lost on this side, by cause.
    loss: BTreeMap<&'static str, u64>,
}

/// The first Python of a run.
#[derive(Clone, Debug)]
pub(super) struct FirstPython {
    pub(super) process: Process,
    /// Its full version.
    pub(super) version: String,
}

impl Watch {
    /// A run that begins at `began_ns`.
    pub(super) fn new(began_ns: u64) -> Self {
        Self {
            began_ns,
            inspector: Inspector::default(),
            subjects: BTreeMap::new(),
            asks: Vec::new(),
            tally: Tally::default(),
            modules: Modules::default(),
            processes: Processes::default(),
            loss: BTreeMap::new(),
        }
    }

    /// Watches process `pid` from now on; `held` ones wait at their end until they were looked at.
    pub(super) fn begin(&mut self, pid: u32, held: bool, now_ns: u64) {
        let subject = Subject::new(now_ns, held);
        self.asks.push(Ask::Configure(pid, subject.unready_config()));
        self.subjects.insert(pid, subject);
        self.processes.begin(pid, self.since(now_ns));
    }

    /// What is wanted of the kernel side since the last call.
    pub(super) fn asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// Takes one record as the kernel side sent it.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        match decode(bytes) {
            Ok(Record::Sample(sample, frames)) => self.sample(&sample, frames),
            Ok(Record::Birth(birth)) => self.birth(&birth),
            Ok(Record::Exec(header)) => self.exec(&header),
            Ok(Record::End(header)) => self.end(&header),
            Ok(Record::Finalize(header)) => self.finalize(&header),
            Err(unreadable) => {
                tracing::debug!(%unreadable, "record left out");
                self.lose("undecodable_record");
            }
        }
    }

    /// Does what is due at `now_ns`. When to be called again, if nothing else happens.
    pub(super) fn tick(&mut self, now_ns: u64) -> Option<u64> {
        let mut next: Option<u64> = None;
        for (pid, subject) in &mut self.subjects {
            if let Some(config) = subject.search(*pid, now_ns, &mut self.inspector) {
                self.asks.push(Ask::Configure(*pid, config));
                if let State::Python(reader) = &subject.state {
                    let build = &reader.interpreter.build;
                    self.processes.python(*pid, &build.version.to_string(), build.free_threaded);
                    self.asks.push(Ask::Hook(Arc::clone(build)));
                }
            }
            next = [next, subject.due_ns()].into_iter().flatten().min();
        }
        next
    }

    fn sample(&mut self, sample: &Sample, frames: &[Frame]) {
        let flags = sample.header.flags;
        self.tally.samples.taken += 1;
        if flags & NO_PYTHON != 0 {
            self.tally.samples.not_python += 1;
            return;
        }
        let reader = match self.subjects.get_mut(&sample.header.pid).map(|subject| &mut subject.state) {
            Some(State::Python(reader)) if flags & NOT_READY == 0 => reader,
            _ => {
                self.tally.samples.not_python += 1;
                return;
            }
        };
        if flags & STACK_TORN != 0 || frames.is_empty() {
            self.tally.samples.torn += 1;
            return;
        }
        let mut stack = Vec::with_capacity(frames.len());
        for frame in frames {
            let loss = &mut self.loss;
            let mut lose = |why| *loss.entry(why).or_default() += 1;
            match reader.place(frame, &mut self.tally, &mut lose) {
                Placing::Known(placed) => stack.push(Some(placed)),
                Placing::Hidden => {}
                Placing::Unknown => stack.push(None),
            }
        }
        if stack.is_empty() {
            self.tally.samples.not_python += 1;
            return;
        }
        self.tally.samples.cut += u64::from(flags & STACK_CUT != 0);
        self.tally.add(&stack);
        self.processes.sampled(sample.header.pid);
    }

    fn birth(&mut self, birth: &Birth) {
        let (header, at) = (&birth.header, self.since(birth.header.time_ns));
        if birth.child_pid == header.pid {
            self.processes.thread(header.pid, birth.child_tid, at);
            return;
        }
        let Some(parent) = self.subjects.get(&header.pid) else { return self.lose("unknown_parent") };
        let child = parent.fork(birth.child_pid, header.time_ns);
        self.subjects.insert(birth.child_pid, child);
        self.processes.fork(header.pid, birth.child_pid, at);
    }

    fn exec(&mut self, header: &Header) {
        let at = self.since(header.time_ns);
        if let Some(subject) = self.subjects.get_mut(&header.pid) {
            subject.exec(header.time_ns);
            self.processes.exec(header.pid, at, None);
        }
    }

    fn end(&mut self, header: &Header) {
        let at = self.since(header.time_ns);
        if header.tid != header.pid {
            self.processes.thread_end(header.pid, header.tid, at);
        } else if self.subjects.remove(&header.pid).is_some() {
            self.processes.end(header.pid, at, None, None);
            self.asks.push(Ask::Forget(header.pid));
        }
    }

    fn finalize(&mut self, header: &Header) {
        self.look(header.pid);
        self.asks.push(Ask::OpenGate(header.pid));
    }

    /// A moment of the run.
    pub(super) fn since(&self, time_ns: u64) -> Millis {
        Millis::from_nanos(time_ns.saturating_sub(self.began_ns))
    }

    fn lose(&mut self, cause: &'static str) {
        *self.loss.entry(cause).or_default() += 1;
    }
}
