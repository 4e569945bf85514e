//! What goes into one artifact: a page. There is one, or one for each process, and each may begin anew.

use super::Watch;
use super::audits::Audit;
use crate::aggregate::allocations::Allocations;
use crate::aggregate::calls::CallCounts;
use crate::aggregate::containers::Containers;
use crate::aggregate::effects::Effects;
use crate::aggregate::modules::Modules;
use crate::aggregate::mutations::Mutations;
use crate::aggregate::processes::Processes;
use crate::aggregate::tally::SampleCounts;
use crate::aggregate::types::Types;
use crate::discover::Process;
use crate::trace::classes::Allowance;
use crate::trace::names::CallNames;
use crate::trace::subject::State;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::swap;

/// Most pages that are open at the same time. Facts of a process beyond them go to the page of its parent.
const MAX_PAGES: usize = 1024;

/// The first Python of a run.
#[derive(Clone, Debug)]
pub(in crate::trace) struct FirstPython {
    pub(in crate::trace) process: Process,
    /// Its full version.
    pub(in crate::trace) version: String,
}

/// The pages of a run. One of them is open.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Each process has one.
    split: bool,
    /// The number of the open one.
    open: u32,
    closed: BTreeMap<u32, Page>,
    made: u32,
}

/// A page that is not open. Those of the open one are the fields of the same names in [`Watch`]. Names that are counted
/// by number (codes, types, call sites) are the same on all pages.
#[derive(Debug)]
pub(super) struct Page {
    samples: SampleCounts,
    calls: CallCounts,
    containers: Containers,
    types: Types,
    effects: Effects,
    allocations: Allocations,
    mutations: Mutations,
    audits: Vec<Audit>,
    open_calls: u64,
    collecting_ns: u64,
    modules: Modules,
    modules_seen: bool,
    modules_at_end: bool,
    processes: Processes,
    first_python: Option<FirstPython>,
    loss: BTreeMap<&'static str, u64>,
}

impl Page {
    fn new(modules_at_end: bool) -> Self {
        Self {
            samples: SampleCounts::default(),
            calls: CallCounts::default(),
            containers: Containers::default(),
            types: Types::default(),
            effects: Effects::default(),
            allocations: Allocations::default(),
            mutations: Mutations::default(),
            audits: Vec::new(),
            open_calls: 0,
            collecting_ns: 0,
            modules: Modules::default(),
            modules_seen: false,
            modules_at_end,
            processes: Processes::default(),
            first_python: None,
            loss: BTreeMap::new(),
        }
    }
}

impl Watch {
    /// Each process has an artifact of its own from here on.
    pub(in crate::trace) fn split(&mut self) {
        self.pages.split = true;
    }

    /// The page for a process that begins. `shared`: the one for facts that have none of their own.
    pub(super) fn new_page(&mut self, shared: u32) -> u32 {
        if !self.pages.split || self.pages.closed.len() >= MAX_PAGES {
            return shared;
        }
        self.pages.made += 1;
        self.pages.closed.insert(self.pages.made, Page::new(!self.ends_unseen));
        self.pages.made
    }

    /// Opens the page of process `pid`, and the first one for a process that is not known.
    pub(super) fn turn(&mut self, pid: u32) {
        if self.pages.split {
            self.turn_to(self.subjects.get(&pid).map_or(0, |subject| subject.page));
        }
    }

    /// Opens the page of process `pid`, a copy of the one whose page is open: it has its modules and classes.
    pub(super) fn turn_with_modules(&mut self, pid: u32) {
        if self.pages.split {
            let (modules, seen, types) = (self.modules.clone(), self.modules_seen, self.types.clone());
            self.turn(pid);
            (self.modules, self.modules_seen, self.types) = (modules, seen, types);
        }
    }

    /// Opens the page on which the calls of a program count.
    pub(super) fn turn_to_program(&mut self, program: u32) {
        if self.pages.split {
            self.turn_to(self.programs.get(program as usize).map_or(0, |names| names.page));
        }
    }

    /// Opens a page.
    pub(in crate::trace) fn turn_to(&mut self, number: u32) {
        if number == self.pages.open {
            return;
        }
        let mut page = self.pages.closed.remove(&number).unwrap_or_else(|| Page::new(!self.ends_unseen));
        self.exchange(&mut page);
        self.pages.closed.insert(self.pages.open, page);
        self.pages.open = number;
    }

    /// The numbers of all pages.
    pub(in crate::trace) fn pages(&self) -> Vec<u32> {
        let numbers: BTreeSet<u32> = self.pages.closed.keys().copied().chain([self.pages.open]).collect();
        numbers.into_iter().collect()
    }

    fn exchange(&mut self, page: &mut Page) {
        self.tally.swap(&mut page.samples);
        self.calls.swap(&mut page.calls);
        swap(&mut self.containers, &mut page.containers);
        swap(&mut self.effects, &mut page.effects);
        swap(&mut self.allocations, &mut page.allocations);
        swap(&mut self.mutations, &mut page.mutations);
        swap(&mut self.audits.seen, &mut page.audits);
        swap(&mut self.open_calls, &mut page.open_calls);
        swap(&mut self.happenings.collecting_ns, &mut page.collecting_ns);
        swap(&mut self.modules, &mut page.modules);
        swap(&mut self.types, &mut page.types);
        swap(&mut self.modules_seen, &mut page.modules_seen);
        swap(&mut self.modules_at_end, &mut page.modules_at_end);
        swap(&mut self.processes, &mut page.processes);
        swap(&mut self.first_python, &mut page.first_python);
        swap(&mut self.loss, &mut page.loss);
    }

    /// Looks at what still runs, for the artifacts that are about to be written.
    pub(in crate::trace) fn look_at_all(&mut self) {
        for pid in self.subjects.keys().copied().collect::<Vec<_>>() {
            self.look(pid, Allowance::RUNNING);
            if let Some(State::Python(reader)) = self.subjects.get_mut(&pid).map(|subject| &mut subject.state)
            {
                reader.hash_sources(&mut self.modules);
                let roots = reader.script_roots();
                self.roots.entry(pid).or_insert(roots);
                self.modules_at_end = false;
            }
        }
    }

    /// What is seen from `now_ns` on belongs to further artifacts. Of what was found out stays what still runs:
    /// processes, their modules and classes, and the names of what they call.
    pub(in crate::trace) fn begin_anew(&mut self, now_ns: u64) {
        let programs: BTreeSet<u32> = self.subjects.values().map(|subject| subject.program).collect();
        for (number, names) in (0..).zip(&mut self.programs) {
            if !programs.contains(&number) {
                *names = CallNames::default();
            }
        }
        let pages: BTreeSet<u32> = self.subjects.values().map(|subject| subject.page).chain([0]).collect();
        for number in self.pages() {
            if pages.contains(&number) {
                self.turn_to(number);
                self.renew();
            }
        }
        self.turn_to(0);
        self.pages.closed.retain(|number, _| pages.contains(number));
        self.roots.retain(|pid, _| self.subjects.contains_key(pid));
        self.happenings.begin_anew();
        self.began_ns = now_ns;
    }

    /// Begins the open page anew.
    fn renew(&mut self) {
        let mut fresh = Page::new(!self.ends_unseen);
        swap(&mut fresh.modules, &mut self.modules);
        swap(&mut fresh.types, &mut self.types);
        swap(&mut fresh.processes, &mut self.processes);
        fresh.modules_seen = self.modules_seen;
        fresh.processes.begin_anew();
        let living = self.subjects.values().filter(|subject| subject.page == self.pages.open);
        let mut pythons = living.filter_map(|subject| match &subject.state {
            State::Python(reader) => Some(FirstPython {
                process: reader.process.clone(),
                version: reader.interpreter.build.version.to_string(),
            }),
            State::Searching { .. } | State::Refused(_) => None,
        });
        let first = self.first_python.take();
        let is_first = |python: &FirstPython| {
            first.as_ref().is_some_and(|first| first.process.pid == python.process.pid)
        };
        let next = pythons.next();
        fresh.first_python = match &next {
            Some(python) if !is_first(python) => pythons.find(is_first).or(next),
            _ => next,
        };
        self.exchange(&mut fresh);
    }
}
