//! What is looked at when a program begins and ends, and what is kept of it.

use super::classes::own_namespaces;
use super::{Ask, Watch};
use crate::discover::file::FileFinding;
use crate::launch::Ending;
use crate::trace::classes::{Allowance, UNREAD_TYPE};
use crate::trace::subject::{Ended, State, Subject};
use molt_mpa::quantity::Millis;
use std::path::PathBuf;
use std::sync::Arc;

/// How long an interpreter takes to tear down its modules, about: one that takes longer waits for threads of the program.
const TEARDOWN_NS: u64 = 1_000_000_000;

impl Watch {
    /// Tells the kernel side of a quicker way to the thread state, once the interpreter has made one.
    pub(super) fn refine(&mut self, pid: u32) {
        if let Some(config) = self.subjects.get(&pid).and_then(Subject::config) {
            self.asks.push(Ask::Configure(pid, Box::new(config)));
        }
    }

    /// Process `pid` is stopped at its exec: whatever interpreter it is about to load is hooked before it can
    /// come to its end.
    pub(in crate::trace) fn at_exec(&mut self, pid: u32) {
        let exe = PathBuf::from(format!("/proc/{pid}/exe"));
        match self.inspector.inspect_file(&exe) {
            Ok(FileFinding::Python { build, .. }) => {
                self.asks.push(Ask::Hook(Arc::clone(&build)));
                if self.counts_calls {
                    self.asks.push(Ask::Count(pid, build));
                }
            }
            Ok(_) => {}
            Err(unknown) => tracing::info!(pid, %unknown, "the program was not inspected at its exec"),
        }
    }

    /// Process `pid` is stopped by a signal of the kernel's. If it stands before the beginning of its interpreter
    /// it is searched for one, if before its finalization it is looked at; otherwise the signal is the program's
    /// own, and false is given. It goes on at `until_ns` in any case.
    pub(in crate::trace) fn at_milestone(&mut self, pid: u32, now_ns: u64, until_ns: u64) -> bool {
        if let Some(subject) = self.subjects.get_mut(&pid)
            && std::mem::take(&mut subject.begins)
        {
            subject.search_at_once();
            if let (State::Python(reader), true) = (&subject.state, subject.counts_calls()) {
                // It was found when its libraries were not there yet.
                self.asks.push(Ask::Count(pid, Arc::clone(&reader.interpreter.build)));
            }
            self.tick(now_ns);
            return true;
        }
        if !self.subjects.get_mut(&pid).is_some_and(|subject| std::mem::take(&mut subject.ends)) {
            return false;
        }
        self.look_while_held(pid, until_ns);
        true
    }

    /// A launched process is held at its exit until `until_ns`, with its memory still there. What finalization has
    /// torn down by now was read before it.
    pub(in crate::trace) fn last_look(&mut self, pid: u32, until_ns: u64) {
        if self.subjects.get(&pid).is_some_and(|subject| !subject.finalized && !subject.is_late) {
            self.look_while_held(pid, until_ns);
        }
    }

    /// Looks at a process that is about to end, and goes on at `until_ns`: what it tears down from then on would look
    /// like changes that the program has made.
    fn look_while_held(&mut self, pid: u32, until_ns: u64) {
        let allowance = Allowance::HELD.until(until_ns);
        let read = self.look(pid, allowance);
        let is_late = allowance.is_over();
        self.mark_finalized(pid, read && !is_late);
        if let Some(subject) = self.subjects.get_mut(&pid)
            && is_late
        {
            tracing::info!(pid, "the process went on before it was looked at");
            subject.is_late = true;
            if let Some(reader) = subject.reader() {
                let looks = &mut reader.looks;
                looks.next_ns = looks.next_ns.max(until_ns.saturating_add(TEARDOWN_NS));
            }
        }
    }

    pub(super) fn mark_finalized(&mut self, pid: u32, read: bool) {
        if read {
            self.settle_assigned(pid);
        }
        if let Some(subject) = self.subjects.get_mut(&pid) {
            subject.finalized |= read;
        }
    }

    /// Reads what `sys.modules` holds now, and classes as far as the allowance goes. Whether it could be read.
    pub(super) fn look(&mut self, pid: u32, allowance: Allowance) -> bool {
        self.turn(pid);
        let Some(State::Python(reader)) = self.subjects.get_mut(&pid).map(|subject| &mut subject.state)
        else {
            return false;
        };
        if allowance.is_over() {
            return false;
        }
        let before_ns = reader.looks.last_ns;
        match reader.look() {
            Ok(_) if allowance.is_over() => {
                reader.looks.last_ns = before_ns;
                false
            }
            Ok(look) => {
                self.modules_seen = true;
                let namespaces = own_namespaces(reader.looks.modules(), &look.roots);
                self.roots.insert(pid, look.roots);
                for module in look.modules {
                    reader.note_module(module, &mut self.modules);
                }
                let looked_ns = reader.looks.last_ns;
                self.changed(look.changes);
                if let Ok(collected) = look.collected {
                    self.collected(pid, looked_ns, &collected);
                }
                self.look_at_classes(pid, &namespaces, allowance.left());
                true
            }
            Err(reason) => {
                tracing::info!(pid, %reason, "sys.modules was not read");
                false
            }
        }
    }

    /// A launched process has ended.
    pub(in crate::trace) fn ended(&mut self, pid: u32, ending: Ending, now_ns: u64) {
        let at = self.since(now_ns);
        self.let_go(pid, Some(now_ns));
        let (status, signal) = match ending {
            Ending::Code(code) => (Some(i32::from(code)), None),
            Ending::Signal { number, .. } => (None, Some(signal_name(number))),
        };
        self.processes.end(pid, at, status, signal);
    }

    /// Nothing more is seen from `now_ns` on: what still runs is let go after a look.
    pub(in crate::trace) fn detach(&mut self, now_ns: u64) {
        let at = self.since(now_ns);
        for pid in self.subjects.keys().copied().collect::<Vec<_>>() {
            if self.look(pid, Allowance::HELD) {
                self.settle_assigned(pid);
            }
            self.let_go(pid, None);
            self.processes.end(pid, at, None, None);
        }
    }

    /// Ends the watch over a process, and keeps what is worth keeping of it. Whether there was one.
    pub(super) fn let_go(&mut self, pid: u32, ended_ns: Option<u64>) -> bool {
        self.turn(pid);
        self.take_all_held(pid);
        let Some(subject) = self.subjects.remove(&pid) else { return false };
        self.asks.push(Ask::Forget(pid));
        self.settle(pid, Ended { state: subject.state, finalized: subject.finalized }, ended_ns);
        true
    }

    /// Keeps what is worth keeping of a program that has ended in process `pid`, or that an exec has replaced, at
    /// `ended_ns`; or that runs on unseen.
    pub(super) fn settle(&mut self, pid: u32, ended: Ended, ended_ns: Option<u64>) {
        match ended.state {
            State::Python(mut reader) => {
                reader.hash_sources(&mut self.modules);
                self.suspect(&reader);
                self.leave_imports(pid);
                if let (Some(ended_ns), false) = (ended_ns, ended.finalized || reader.looks.last_ns == 0) {
                    let age_ns = ended_ns.saturating_sub(reader.looks.last_ns);
                    self.processes.looked(pid, Millis::from_nanos(age_ns));
                }
                for (cause, count) in reader.losses() {
                    *self.loss.entry(cause).or_default() += count;
                }
                self.roots.entry(pid).or_insert_with(|| reader.script_roots());
                for name in reader.texts.into_changed() {
                    self.remarks.insert(format!(
                        "{name} was changed after the program started; its text is not used"
                    ));
                }
                self.types.leave_out(UNREAD_TYPE, reader.classes.unread());
                self.modules_at_end &= ended.finalized;
            }
            State::Refused(why) => {
                self.remarks.insert(why);
            }
            State::Searching { .. } => {}
        }
    }
}

/// The name of a signal as `kill -l` lists it; real-time signals by their number.
fn signal_name(number: u8) -> String {
    nix::sys::signal::Signal::try_from(i32::from(number))
        .map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned())
}
