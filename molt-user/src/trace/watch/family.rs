//! Processes that were there before molt came, and those that become Python without being a traced one's child.

use super::{Ask, Watch};
use crate::discover::{Finding, Process, parents, threads_of};
use crate::trace::subject::Subject;
use molt_mpa::model::ProcessRole;
use std::fs;

/// What a process is that may have to be traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) enum Considered {
    /// It is under watch from now on, or was before.
    Taken,
    /// Its dynamic linker is at work: it has to be looked at again in a moment.
    NotYet,
    /// It runs something else, or is gone.
    Other,
}

impl Watch {
    /// Watches process `pid` from now on. A launched one has yet to exec; one that is held waits at its end until it
    /// was looked at.
    pub(in crate::trace) fn begin(&mut self, pid: u32, launched: bool, held: bool, now_ns: u64) {
        self.admit(pid, launched, held, now_ns);
        self.turn(pid);
        self.processes.begin(pid, self.since(now_ns));
    }

    fn admit(&mut self, pid: u32, launched: bool, held: bool, now_ns: u64) {
        let mut subject = Subject::new(now_ns, launched, held, self.counts_calls);
        if !self.follows {
            subject.leave_children();
        }
        self.asks.push(Ask::Configure(pid, Box::new(subject.unready_config())));
        let threads = if launched { vec![pid] } else { threads_of(pid) };
        self.asks.push(Ask::Clock(threads));
        subject.page = self.new_page(0);
        self.subjects.insert(pid, subject);
    }

    /// Takes the children of what is watched under watch, and theirs, as far as they were not before. Whether there
    /// were any: until the kernel side knew of them they may have made more.
    pub(in crate::trace) fn adopt(&mut self, now_ns: u64) -> bool {
        if !self.follows {
            return false;
        }
        let parents = parents();
        let before = self.subjects.len();
        loop {
            let is_new = |(child, parent): &(&u32, &u32)| {
                self.subjects.contains_key(parent) && !self.subjects.contains_key(child)
            };
            let new: Vec<(u32, u32)> =
                parents.iter().filter(is_new).map(|(child, parent)| (*child, *parent)).collect();
            if new.is_empty() {
                return self.subjects.len() > before;
            }
            for (child, parent) in new {
                self.take_in(parent, child, now_ns);
            }
        }
    }

    /// Takes process `pid` under watch if it runs Python.
    pub(in crate::trace) fn consider(&mut self, pid: u32, now_ns: u64) -> Considered {
        if self.subjects.contains_key(&pid) {
            return Considered::Taken;
        }
        let Ok(process) = Process::read(pid.cast_signed()) else { return Considered::Other };
        match self.inspector.inspect(&process) {
            Ok(Finding::Python(_)) => {
                let parent = process.parent.cast_unsigned();
                if self.follows && self.subjects.contains_key(&parent) {
                    self.take_in(parent, pid, now_ns);
                } else {
                    self.begin(pid, false, false, now_ns);
                }
                Considered::Taken
            }
            Ok(Finding::NotYet) => Considered::NotYet,
            Ok(Finding::Unsupported(what)) => {
                self.remark(what.to_string());
                Considered::Other
            }
            Ok(Finding::NotPython { .. }) | Err(_) => Considered::Other,
        }
    }

    fn take_in(&mut self, parent: u32, child: u32, now_ns: u64) {
        self.admit(child, false, false, now_ns);
        let exe = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
        let same = exe(parent).is_some_and(|program| exe(child) == Some(program));
        self.turn(child);
        let role = if same { ProcessRole::Fork } else { ProcessRole::Exec };
        self.processes.adopt(parent, child, role, self.since(now_ns));
    }
}
