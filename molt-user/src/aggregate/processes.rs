//! Processes and threads of the tree, by place instead of by id, and what happened in them when.

use molt_mpa::model::{Event, EventKind, Process, ProcessRole};
use molt_mpa::quantity::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Most processes that are listed at a time. Facts of further ones count as well; which process gave them is not kept.
const MAX_LISTED: usize = 4096;
/// Room that must be made for processes that begin when the list is full; otherwise none is looked for again.
const ROOM: usize = MAX_LISTED / 8;
/// Most events of those kinds that can be many: ten times as many as an artifact holds.
const MAX_EVENTS: usize = 10 * molt_mpa::model::MAX_EVENTS;

/// The process tree of a run.
#[derive(Debug, Default)]
pub struct Processes {
    list: Vec<Process>,
    /// A number of each that it keeps, also when others are taken off the list; ascending.
    serials: Vec<u32>,
    begun: u32,
    places: BTreeMap<u32, u32>,
    threads: BTreeMap<(u32, u32), u32>,
    threads_begun: BTreeMap<u32, u32>,
    /// In the order in which they came in; the artifact sorts them.
    pub events: Vec<Event>,
    /// Events for which there was no room.
    pub events_dropped: u64,
    /// Processes that ran no Python, which are not listed.
    pub others: u64,
    /// Processes for which there was no room.
    pub unlisted: u64,
    /// No more room can be made.
    is_full: bool,
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

    /// A process that a traced one had forked before molt came.
    pub fn adopt(&mut self, parent: u32, child: u32, role: ProcessRole, at: Millis) {
        let parent = self.places.get(&parent).copied();
        self.add(child, role, parent, at);
    }

    fn add(&mut self, pid: u32, role: ProcessRole, parent: Option<u32>, at: Millis) {
        self.threads.insert((pid, pid), 0);
        self.threads_begun.insert(pid, 1);
        let parent = self.make_room(parent);
        if self.list.len() >= MAX_LISTED {
            self.unlisted += 1;
            return;
        }
        let place = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Process {
            role,
            parent,
            python_version: None,
            free_threaded: None,
            samples: 0,
            looked_before_end_ms: None,
        });
        self.serials.push(self.begun);
        self.begun = self.begun.saturating_add(1);
        self.places.insert(pid, place);
        self.event(pid, at, EventKind::ProcessStart { parent });
    }

    /// Forgets processes that ran no Python where the list is full. Where `parent` is then.
    fn make_room(&mut self, parent: Option<u32>) -> Option<u32> {
        if self.list.len() < MAX_LISTED || self.is_full {
            return parent;
        }
        let moved = self.prune(false);
        self.is_full = self.list.len() > MAX_LISTED - ROOM;
        parent.and_then(|parent| moved.get(parent as usize).copied().flatten())
    }

    /// Takes processes off the list that ran no Python, nor did a child of theirs, and what happened in them. Those
    /// that still run stay, unless this is the `last` time. Where each is then.
    pub fn prune(&mut self, last: bool) -> Vec<Option<u32>> {
        let alive: BTreeSet<u32> = self.places.values().copied().filter(|_| !last).collect();
        let mut kept: Vec<bool> = (0..)
            .zip(&self.list)
            .map(|(place, process)| {
                let python = process.python_version.is_some() || process.samples > 0;
                python || process.role == ProcessRole::Main || alive.contains(&place)
            })
            .collect();
        // Parents stand before their children.
        for place in (0..self.list.len()).rev() {
            let parent = self.list.get(place).and_then(|process| process.parent);
            if let (Some(true), Some(parent)) = (kept.get(place), parent)
                && let Some(kept) = kept.get_mut(parent as usize)
            {
                *kept = true;
            }
        }
        let mut next = 0;
        let place = |kept: &bool| {
            kept.then(|| {
                next += 1;
                next - 1
            })
        };
        let moved: Vec<Option<u32>> = kept.iter().map(place).collect();
        let to = |place: u32| moved.get(place as usize).copied().flatten();
        let before = self.list.len();
        let (mut list, mut serials) = (kept.iter(), kept.iter());
        self.list.retain(|_| list.next() == Some(&true));
        self.serials.retain(|_| serials.next() == Some(&true));
        self.others += (before - self.list.len()) as u64;
        for process in &mut self.list {
            process.parent = process.parent.and_then(to);
        }
        self.places.retain(|_, place| to(*place).map(|to| *place = to).is_some());
        self.events.retain_mut(|event| match event.process {
            None => true,
            Some(place) => to(place).map(|to| event.process = Some(to)).is_some(),
        });
        for event in &mut self.events {
            if let EventKind::ProcessStart { parent } = &mut event.what {
                *parent = parent.and_then(to);
            }
        }
        moved
    }

    /// Begins a list of its own with the processes that still run.
    pub fn begin_anew(&mut self) {
        let alive: BTreeSet<u32> = self.places.values().copied().collect();
        let mut places = BTreeMap::new();
        let mut list: Vec<Process> = Vec::new();
        let mut serials = Vec::new();
        for place in alive {
            let Some(process) = self.list.get(place as usize) else { continue };
            serials.extend(self.serials.get(place as usize));
            let parent = process.parent.and_then(|parent| places.get(&parent).copied());
            let to = u32::try_from(list.len()).unwrap_or(u32::MAX);
            list.push(Process { parent, samples: 0, ..process.clone() });
            places.insert(place, to);
        }
        self.places.values_mut().for_each(|place| *place = places.get(place).copied().unwrap_or(0));
        let start = |(place, process): (u32, &Process)| Event {
            t_ms: Millis::default(),
            process: Some(place),
            what: EventKind::ProcessStart { parent: process.parent },
        };
        self.events = (0..).zip(&list).map(start).collect();
        (self.list, self.serials) = (list, serials);
        (self.events_dropped, self.others, self.unlisted, self.is_full) = (0, 0, 0, false);
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

    /// The number of a process, if it is listed.
    pub fn serial(&self, pid: u32) -> Option<u32> {
        self.serials.get(*self.places.get(&pid)? as usize).copied()
    }

    /// Where the process with this number is on the list now.
    pub fn place_of(&self, serial: u32) -> Option<u32> {
        u32::try_from(self.serials.binary_search(&serial).ok()?).ok()
    }

    /// A sample of a process was kept.
    pub fn sampled(&mut self, pid: u32) {
        if let Some(process) = self.of(pid) {
            process.samples += 1;
        }
    }

    /// A thread began.
    pub fn thread(&mut self, pid: u32, tid: u32, at: Millis) {
        let Some(begun) = self.threads_begun.get_mut(&pid) else { return };
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
        if self.threads_begun.remove(&pid).is_none() {
            return;
        }
        if let Some(signal) = signal {
            self.event(pid, at, EventKind::Signal { signal });
        }
        self.event(pid, at, EventKind::ProcessEnd { status });
        self.places.remove(&pid);
        let threads: Vec<(u32, u32)> =
            self.threads.range((pid, 0)..=(pid, u32::MAX)).map(|(thread, _)| *thread).collect();
        for thread in threads {
            self.threads.remove(&thread);
        }
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
        let event = Event { t_ms: at, process: self.places.get(&pid).copied(), what };
        // A process without a place is one of too many.
        if event.process.is_none() || (self.events.len() >= MAX_EVENTS && event.is_frequent()) {
            self.events_dropped += 1;
        } else {
            self.events.push(event);
        }
    }
}

#[cfg(test)]
mod tests;
