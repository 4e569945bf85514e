//! Processes and threads of the tree, by place instead of by id, and what happened in them when.

use molt_mpa::model::{Event, EventKind, Process, ProcessRole};
use molt_mpa::quantity::Millis;
use std::collections::BTreeMap;

/// The process tree of a run.
#[derive(Debug, Default)]
pub struct Processes {
    list: Vec<Process>,
    places: BTreeMap<u32, u32>,
    threads: BTreeMap<(u32, u32), u32>,
    threads_begun: BTreeMap<u32, u32>,
    /// In the order in which they came in; the artifact sorts them.
    pub events: Vec<Event>,
}

impl Processes {
    /// A process that molt began to trace itself.
    pub fn begin(&mut self, pid: u32, at: Millis) {
        self.add(pid, ProcessRole::Main, None, at);
    }

    /// A process that a traced one forked.
    pub fn fork(&mut self, parent: u32, child: u32, at: Millis) {
        let parent = self.places.get(&parent).copied();
        self.add(child, ProcessRole::Fork, parent, at);
        // It runs its parent's program until it execs.
        if let Some(parent) = parent.and_then(|place| self.list.get(place as usize)).cloned()
            && let Some(process) = self.of(child)
        {
            process.python_version = parent.python_version;
            process.free_threaded = parent.free_threaded;
        }
    }

    fn add(&mut self, pid: u32, role: ProcessRole, parent: Option<u32>, at: Millis) {
        let place = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Process {
            role,
            parent,
            python_version: None,
            free_threaded: None,
            samples: 0,
            looked_before_end_ms: None,
        });
        self.places.insert(pid, place);
        self.threads.insert((pid, pid), 0);
        self.threads_begun.insert(pid, 1);
        self.event(pid, at, EventKind::ProcessStart { parent });
    }

    /// A process became another program.
    pub fn exec(&mut self, pid: u32, at: Millis) {
        if let Some(process) = self.of(pid)
            && process.role == ProcessRole::Fork
        {
            // What it ran until now was its parent's.
            *process = Process {
                role: ProcessRole::Exec,
                python_version: None,
                free_threaded: None,
                ..process.clone()
            };
        }
        self.event(pid, at, EventKind::Exec { program: None, python_version: None });
    }

    /// A process was found to be this Python, and to have become it by its last exec.
    pub fn python(&mut self, pid: u32, version: &str, free_threaded: bool) {
        let place = self.places.get(&pid).copied();
        let execs = self.events.iter_mut().rev().filter(|event| event.process == place);
        let mut versions = execs.filter_map(|event| match &mut event.what {
            EventKind::Exec { python_version, .. } => Some(python_version),
            _ => None,
        });
        if let Some(of_last) = versions.next() {
            *of_last = Some(version.to_owned());
        }
        if let Some(process) = self.of(pid) {
            process.python_version = Some(version.to_owned());
            process.free_threaded = Some(free_threaded);
        }
    }

    /// A process, or the program that it ran until now, was looked at last so long before its end.
    pub fn looked(&mut self, pid: u32, before_end: Millis) {
        if let Some(process) = self.of(pid) {
            process.looked_before_end_ms = Some(before_end);
        }
    }

    /// The place of a process in the list.
    pub fn place(&self, pid: u32) -> Option<u32> {
        self.places.get(&pid).copied()
    }

    /// A sample of a process was kept.
    pub fn sampled(&mut self, pid: u32) {
        if let Some(process) = self.of(pid) {
            process.samples += 1;
        }
    }

    /// A thread began.
    pub fn thread(&mut self, pid: u32, tid: u32, at: Millis) {
        let begun = self.threads_begun.entry(pid).or_default();
        let thread = *begun;
        *begun += 1;
        self.threads.insert((pid, tid), thread);
        self.event(pid, at, EventKind::ThreadStart { thread });
    }

    /// A thread other than the first one ended.
    pub fn thread_end(&mut self, pid: u32, tid: u32, at: Millis) {
        if let Some(thread) = self.threads.remove(&(pid, tid)) {
            self.event(pid, at, EventKind::ThreadEnd { thread });
        }
    }

    /// A process ended or was let go, with its status or the name of the signal that ended it, where known.
    pub fn end(&mut self, pid: u32, at: Millis, status: Option<i32>, signal: Option<String>) {
        if !self.places.contains_key(&pid) {
            return;
        }
        if let Some(signal) = signal {
            self.event(pid, at, EventKind::Signal { signal });
        }
        self.event(pid, at, EventKind::ProcessEnd { status });
        self.places.remove(&pid);
        self.threads_begun.remove(&pid);
        self.threads.retain(|(process, _), _| *process != pid);
    }

    /// The artifact's list.
    pub fn list(&self) -> &[Process] {
        &self.list
    }

    fn of(&mut self, pid: u32) -> Option<&mut Process> {
        self.list.get_mut(*self.places.get(&pid)? as usize)
    }

    /// Something happened in process `pid`.
    pub fn event(&mut self, pid: u32, at: Millis, what: EventKind) {
        self.events.push(Event { t_ms: at, process: self.places.get(&pid).copied(), what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pid that the kernel gives out again is another process.
    #[test]
    fn a_reused_pid_is_a_new_process() {
        let mut tree = Processes::default();
        let at = Millis::from_micros;
        tree.begin(10, at(0));
        tree.fork(10, 11, at(1));
        tree.end(11, at(2), Some(0), None);
        tree.fork(10, 11, at(3));
        tree.exec(11, at(4));
        tree.python(11, "3.13.1", false);
        assert_eq!(tree.list().len(), 3);
        let roles: Vec<_> = tree.list().iter().map(|process| (process.role, process.parent)).collect();
        assert_eq!(
            roles,
            [(ProcessRole::Main, None), (ProcessRole::Fork, Some(0)), (ProcessRole::Exec, Some(0))]
        );
        let execs = tree.events.iter().filter_map(|event| match &event.what {
            EventKind::Exec { python_version, .. } => Some((event.process, python_version.as_deref())),
            _ => None,
        });
        assert_eq!(execs.collect::<Vec<_>>(), [(Some(2), Some("3.13.1"))]);
    }

    /// Threads are numbered within their process, so that the file carries no ids of the machine.
    #[test]
    fn threads_are_numbered_in_the_order_of_their_start() {
        let mut tree = Processes::default();
        tree.begin(10, Millis::default());
        tree.thread(10, 500, Millis::default());
        tree.thread(10, 400, Millis::default());
        tree.thread_end(10, 400, Millis::default());
        tree.thread_end(10, 999, Millis::default());
        let thread = |event: &Event| match event.what {
            EventKind::ThreadStart { thread } => Some(thread),
            EventKind::ThreadEnd { thread } => Some(100 + thread),
            _ => None,
        };
        let threads: Vec<_> = tree.events.iter().filter_map(thread).collect();
        assert_eq!(threads, [1, 2, 102]);
    }
}
