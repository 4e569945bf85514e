//! What a run has seen so far. Fed with records and with time; wants things of the kernel side in return.
//!
//! It knows no kernel side: whichever backend feeds it does what it asks.

use super::place::Placing;
use super::subject::{State, Subject};
use crate::aggregate::code::Files;
use crate::aggregate::modules::Modules;
use crate::aggregate::processes::Processes;
use crate::aggregate::tally::{Site, Tally};
use crate::decode::{Record, decode};
use crate::discover::file::FileFinding;
use crate::discover::{Build, Inspector, Process};
use crate::launch::Ending;
use crate::symbolize::paths::{Roots, SourceFile};
use molt_common::config::ProcessConfig;
use molt_common::event::Header;
use molt_common::event::process::Birth;
use molt_common::event::sample::{Frame, NO_PYTHON, NOT_READY, STACK_CUT, STACK_TORN, Sample};
use molt_mpa::quantity::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
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
    /// `sys.modules` was read at least once.
    pub(super) modules_seen: bool,
    /// It was read at the end of every Python that has ended.
    pub(super) modules_at_end: bool,
    /// Import roots, by the process that had them.
    roots: BTreeMap<u32, Roots>,
    remarks: BTreeSet<String>,
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
            first_python: None,
            modules_seen: false,
            modules_at_end: true,
            roots: BTreeMap::new(),
            remarks: BTreeSet::new(),
            loss: BTreeMap::new(),
        }
    }

    /// Watches process `pid` from now on. A launched one has yet to exec, and waits at its end until it was
    /// looked at.
    pub(super) fn begin(&mut self, pid: u32, launched: bool, now_ns: u64) {
        let subject = Subject::new(if launched { u64::MAX } else { now_ns }, launched);
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
        let mut looks = Vec::new();
        for (pid, subject) in &mut self.subjects {
            if let Some(config) = subject.search(*pid, now_ns, &mut self.inspector) {
                self.asks.push(Ask::Configure(*pid, config));
                if let State::Python(reader) = &subject.state {
                    let build = &reader.interpreter.build;
                    let version = build.version.to_string();
                    self.processes.python(*pid, &version, build.free_threaded);
                    self.asks.push(Ask::Hook(Arc::clone(build)));
                    self.first_python
                        .get_or_insert_with(|| FirstPython { process: reader.process.clone(), version });
                }
            }
            if let State::Python(reader) = &mut subject.state
                && reader.is_look_due(now_ns)
            {
                looks.push(*pid);
            }
        }
        for pid in looks {
            self.look(pid);
            self.refine(pid);
        }
        self.subjects.values().filter_map(Subject::due_ns).min()
    }

    /// Tells the kernel side of a quicker way to the thread state, once the interpreter has made one.
    fn refine(&mut self, pid: u32) {
        if let Some(config) = self.subjects.get(&pid).and_then(Subject::config) {
            self.asks.push(Ask::Configure(pid, config));
        }
    }

    /// Process `pid` is stopped at its exec: whatever interpreter it is about to load is hooked before it can
    /// come to its end.
    pub(super) fn at_exec(&mut self, pid: u32) {
        let exe = PathBuf::from(format!("/proc/{pid}/exe"));
        match self.inspector.inspect_file(&exe) {
            Ok(FileFinding::Python { build, .. }) => self.asks.push(Ask::Hook(build)),
            Ok(_) => {}
            Err(unknown) => tracing::info!(pid, %unknown, "the program was not inspected at its exec"),
        }
    }

    fn sample(&mut self, sample: &Sample, frames: &[Frame]) {
        let flags = sample.header.flags;
        self.tally.samples.taken += 1;
        let subject = self.subjects.get_mut(&sample.header.pid).map(|subject| &mut subject.state);
        let Some(State::Python(reader)) = subject.filter(|_| flags & (NO_PYTHON | NOT_READY) == 0) else {
            self.tally.samples.not_python += 1;
            return;
        };
        if flags & STACK_TORN != 0 {
            self.tally.samples.torn += 1;
            return;
        }
        let (mut stack, mut seen) = (Vec::with_capacity(frames.len()), BTreeMap::new());
        for frame in frames {
            match reader.place(frame, &mut self.tally) {
                Placing::Hidden => {}
                Placing::Unknown(reason) => {
                    *self.loss.entry(reason.name()).or_default() += 1;
                    stack.push(None);
                }
                Placing::Known(placed, code) => {
                    stack.push(Some(placed));
                    seen.insert(placed.code, code);
                }
            }
        }
        if stack.is_empty() {
            self.tally.samples.not_python += 1;
            return;
        }
        self.tally.samples.cut += u64::from(flags & STACK_CUT != 0);
        self.tally.add(&stack, |site, callee| match (seen.get(&site.caller), seen.get(&callee)) {
            (Some(caller), Some(callee)) => reader.site(&caller.object, site.offset, &callee.object),
            _ => Site::nowhere(),
        });
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
        } else if self.let_go(header.pid) {
            self.processes.end(header.pid, at, None, None);
        }
    }

    fn finalize(&mut self, header: &Header) {
        let read = self.look(header.pid);
        self.asks.push(Ask::OpenGate(header.pid));
        if let Some(subject) = self.subjects.get_mut(&header.pid) {
            subject.finalized |= read;
        }
    }

    /// A launched process is held at its exit, with its memory still there. What finalization has torn down
    /// by now was read before it.
    pub(super) fn last_look(&mut self, pid: u32) {
        if self.subjects.get(&pid).is_some_and(|subject| !subject.finalized) {
            let read = self.look(pid);
            if let Some(subject) = self.subjects.get_mut(&pid) {
                subject.finalized = read;
            }
        }
    }

    /// Reads what `sys.modules` holds now. Whether it could be read.
    fn look(&mut self, pid: u32) -> bool {
        let Some(State::Python(reader)) = self.subjects.get_mut(&pid).map(|subject| &mut subject.state)
        else {
            return false;
        };
        match reader.look() {
            Ok((modules, roots)) => {
                self.modules_seen = true;
                self.roots.insert(pid, roots);
                *self.loss.entry("unread_module").or_default() += modules.unread as u64;
                for module in modules.modules {
                    reader.note_module(module, &mut self.modules);
                }
                true
            }
            Err(reason) => {
                tracing::info!(pid, %reason, "sys.modules was not read");
                false
            }
        }
    }

    /// A launched process has ended.
    pub(super) fn ended(&mut self, pid: u32, ending: Ending, now_ns: u64) {
        let at = self.since(now_ns);
        self.let_go(pid);
        let (status, signal) = match ending {
            Ending::Code(code) => (Some(i32::from(code)), None),
            Ending::Signal { number, .. } => (None, Some(signal_name(number))),
        };
        self.processes.end(pid, at, status, signal);
    }

    /// Nothing more is seen from `now_ns` on: what still runs is let go after a look.
    pub(super) fn detach(&mut self, now_ns: u64) {
        let at = self.since(now_ns);
        for pid in self.subjects.keys().copied().collect::<Vec<_>>() {
            self.look(pid);
            self.let_go(pid);
            self.processes.end(pid, at, None, None);
        }
    }

    /// Ends the watch over a process, and keeps what is worth keeping of it. Whether there was one.
    fn let_go(&mut self, pid: u32) -> bool {
        let Some(subject) = self.subjects.remove(&pid) else { return false };
        self.asks.push(Ask::Forget(pid));
        match subject.state {
            State::Python(mut reader) => {
                reader.hash_sources(&mut self.modules);
                for (cause, count) in reader.losses() {
                    *self.loss.entry(cause).or_default() += count;
                }
                for name in reader.changed_sources {
                    self.remarks.insert(format!(
                        "{name} was changed after the program started; its text is not used"
                    ));
                }
                self.modules_at_end &= subject.finalized;
            }
            State::Refused(why) => {
                self.remarks.insert(why);
            }
            State::Searching { .. } => {}
        }
        true
    }

    /// Notes why there is less than was asked for.
    pub(super) fn remark(&mut self, why: String) {
        self.remarks.insert(why);
    }

    /// The end of some interpreter passes unseen, for this reason: nobody looks at `sys.modules` before it is
    /// torn down.
    pub(super) fn end_is_unseen(&mut self, why: &str) {
        self.modules_at_end = false;
        self.remark(format!("modules imported since the last look may be missing: {why}"));
    }

    /// Why there is less than was asked for.
    pub(super) fn remarks(&self) -> Vec<String> {
        let nothing = "no supported Python ran; no artifact was written".to_owned();
        self.remarks.iter().cloned().chain(self.first_python.is_none().then_some(nothing)).collect()
    }

    /// Every file that codes and modules name, placed under the import roots.
    pub(super) fn files(&self) -> Files {
        let names = self.tally.codes().map(|code| code.file.as_str()).chain(self.modules.files());
        let place = |name: &str| {
            let inside = |place: &SourceFile| *place != SourceFile::Outside;
            self.roots.values().map(|roots| roots.place(name)).find(inside).unwrap_or(SourceFile::Outside)
        };
        Files(names.map(|name| (name.to_owned(), place(name))).collect())
    }

    /// What was lost on this side, by cause.
    pub(super) fn loss(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.loss.iter().map(|(cause, count)| (*cause, *count))
    }

    /// A moment of the run.
    pub(super) fn since(&self, time_ns: u64) -> Millis {
        Millis::from_nanos(time_ns.saturating_sub(self.began_ns))
    }

    /// Counts one loss.
    pub(super) fn lose(&mut self, cause: &'static str) {
        *self.loss.entry(cause).or_default() += 1;
    }
}

/// The name of a signal as `kill -l` lists it; real-time signals by their number.
fn signal_name(number: u8) -> String {
    nix::sys::signal::Signal::try_from(i32::from(number))
        .map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned())
}
