//! What a run has seen so far. Fed with records and with time; wants things of the kernel side in return.
//!
//! It knows no kernel side: whichever backend feeds it does what it asks.

mod allocations;
mod audits;
mod calls;
mod classes;
mod containers;
mod doer;
mod effects;
mod family;
mod files;
mod happenings;
mod held;
mod looks;
mod mutations;
mod page;
mod programs;
mod records;
mod remarks;

use super::classes::Allowance;
use super::names::CallNames;
use super::subject::{State, Subject};
use crate::aggregate::allocations::Allocations;
use crate::aggregate::calls::Calls;
use crate::aggregate::containers::Containers;
use crate::aggregate::effects::Effects;
use crate::aggregate::modules::Modules;
use crate::aggregate::mutations::Mutations;
use crate::aggregate::processes::Processes;
use crate::aggregate::sections::{AllocationCoverage, EffectCoverage, MutationCoverage};
use crate::aggregate::tally::Tally;
use crate::aggregate::types::Types;
use crate::cpython::Known;
use crate::decode::{Record, decode};
use crate::discover::{Build, Inspector};
use crate::symbolize::memory::Pieces;
use crate::symbolize::paths::Roots;
pub(in crate::trace) use allocations::Counted;
pub(in crate::trace) use family::Considered;

use audits::Audits;
use classes::Pace;
use containers::Found;
use happenings::Happenings;
use held::Held;
use molt_common::config::ProcessConfig;
use molt_common::event::Header;
use molt_common::plan::Plans;
use molt_mpa::quantity::Millis;
use mutations::Assigned;
pub(in crate::trace) use page::FirstPython;
use page::Pages;
use programs::{introduce, number_of};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zerocopy::FromBytes;

/// What the watch wants of the kernel side.
#[derive(Debug)]
pub(in crate::trace) enum Ask {
    /// Read process `pid` like this.
    Configure(u32, Box<ProcessConfig>),
    /// Instances of the type at this packed address of a program are containers of a `kind`.
    Kind(u32, u64, u32),
    /// Copy objects of a program like this.
    Plan(u32, Box<Plans>),
    /// Take the CPU time of these threads, and of what descends from them.
    Clock(Vec<u32>),
    /// Report when processes that run this build begin and are about to end.
    Hook(Arc<Build>),
    /// Count the calls of process `pid`, which runs or is about to run this build.
    Count(u32, Arc<Build>),
    /// Process `pid` has ended.
    Forget(u32),
}

/// Everything seen so far. What goes into one artifact and not into another is on a page ([`Pages`]): that of the process
/// that something is seen of, where each has an artifact of its own.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about how a run is seen")]
pub(in crate::trace) struct Watch {
    /// When the run began, in nanoseconds of `CLOCK_MONOTONIC`.
    began_ns: u64,
    inspector: Inspector,
    pub(in crate::trace) subjects: BTreeMap<u32, Subject>,
    asks: Vec<Ask>,
    pub(in crate::trace) tally: Tally,
    /// Calls are counted where they can be hooked.
    pub(in crate::trace) counts_calls: bool,
    /// Children are traced as well.
    pub(in crate::trace) follows: bool,
    /// The pages that are not open.
    pages: Pages,
    /// Processes that are not traced and that have begun to run another program.
    pub(in crate::trace) strangers: Vec<u32>,
    pub(in crate::trace) calls: Calls,
    /// What calls' addresses stand for, by the number of the program.
    programs: Vec<CallNames>,
    pub(in crate::trace) containers: Containers,
    pub(in crate::trace) types: Types,
    /// When the classes that calls have brought are looked at.
    class_pace: Pace,
    pub(in crate::trace) effects: Effects,
    happenings: Happenings,
    /// How far both were seen.
    pub(in crate::trace) effects_seen: EffectCoverage,
    pub(in crate::trace) allocations: Allocations,
    /// How far requests of memory were seen.
    pub(in crate::trace) allocations_seen: AllocationCoverage,
    /// Ticks that met the program itself while its requests of memory were counted.
    pub(in crate::trace) allocation_ticks: u64,
    /// What became of modules' attributes.
    pub(in crate::trace) mutations: Mutations,
    /// How far that was seen.
    pub(in crate::trace) mutations_seen: MutationCoverage,
    assigned: Assigned,
    /// Arguments of audit events.
    audits: Audits,
    /// What was found in the containers of calls that were read ahead, by thread and time.
    looks: BTreeMap<(u32, u64), Vec<Known<Found>>>,
    /// What was copied for the next call of each thread.
    pieces: BTreeMap<u32, Pieces>,
    /// What was copied for its next sample, which may come between these and the call.
    sampled: BTreeMap<u32, Pieces>,
    /// Samples that came before it.
    pub(in crate::trace) held: Held,
    /// Calls whose end was not seen.
    pub(in crate::trace) open_calls: u64,
    /// Processes whose calls are not seen, and why not those of the last one.
    pub(in crate::trace) unhooked: (u64, String),
    /// Ticks that met the program itself while its calls were counted.
    pub(in crate::trace) ticks: u64,
    pub(in crate::trace) modules: Modules,
    pub(in crate::trace) processes: Processes,
    /// The process that became Python first: the one that the artifact's header is about.
    pub(in crate::trace) first_python: Option<FirstPython>,
    /// `sys.modules` was read at least once.
    pub(in crate::trace) modules_seen: bool,
    /// It was read at the end of every Python that has ended.
    pub(in crate::trace) modules_at_end: bool,
    /// There are ends that pass unseen.
    ends_unseen: bool,
    /// Import roots, by the process that had them.
    roots: BTreeMap<u32, Roots>,
    remarks: BTreeSet<String>,
    /// What was lost on this side, by cause.
    loss: BTreeMap<&'static str, u64>,
}

impl Watch {
    /// A run that begins at `began_ns`, in which calls are counted or only sampled.
    pub(in crate::trace) fn new(began_ns: u64, counts_calls: bool) -> Self {
        Self {
            began_ns,
            inspector: Inspector::default(),
            subjects: BTreeMap::new(),
            asks: Vec::new(),
            tally: Tally::default(),
            counts_calls,
            follows: true,
            pages: Pages::default(),
            strangers: Vec::new(),
            calls: Calls::default(),
            programs: Vec::new(),
            containers: Containers::default(),
            types: Types::default(),
            class_pace: Pace::default(),
            effects: Effects::default(),
            happenings: Happenings::default(),
            effects_seen: EffectCoverage::default(),
            allocations: Allocations::default(),
            allocations_seen: AllocationCoverage::default(),
            allocation_ticks: 0,
            mutations: Mutations::default(),
            mutations_seen: MutationCoverage::default(),
            assigned: Assigned::default(),
            audits: Audits::default(),
            looks: BTreeMap::new(),
            pieces: BTreeMap::new(),
            sampled: BTreeMap::new(),
            held: Held::default(),
            open_calls: 0,
            unhooked: (0, String::new()),
            ticks: 0,
            modules: Modules::default(),
            processes: Processes::default(),
            first_python: None,
            modules_seen: false,
            modules_at_end: true,
            ends_unseen: false,
            roots: BTreeMap::new(),
            remarks: BTreeSet::new(),
            loss: BTreeMap::new(),
        }
    }

    /// What is wanted of the kernel side since the last call.
    pub(in crate::trace) fn asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// Takes one record as the kernel side sent it.
    pub(in crate::trace) fn take(&mut self, bytes: &[u8]) {
        self.class_pace.record_came();
        if let Ok((header, _)) = Header::read_from_prefix(bytes) {
            self.turn(header.pid);
            self.take_held(&header);
        }
        match decode(bytes) {
            Ok(Record::Sample(sample, frames)) => self.sample_or_hold(&sample, frames),
            Ok(Record::Birth(birth)) => self.birth(&birth),
            Ok(Record::Exec(header)) => self.exec(&header),
            Ok(Record::Stranger(header)) => self.strangers.push(header.pid),
            Ok(Record::End(header)) => self.end(&header),
            Ok(Record::Start(header)) => self.start(&header),
            Ok(Record::Finalize(header)) => self.finalize(&header),
            Ok(Record::Call(seen)) => self.call(&seen),
            Ok(Record::Effect(seen)) => self.effect(&seen),
            Ok(Record::Import(import)) => self.import(&import),
            Ok(Record::Returned(returned)) => self.returned(&returned),
            Ok(Record::Mutation(seen)) => self.mutation(&seen),
            Ok(Record::Collection(collection)) => self.collection(&collection),
            Ok(Record::Tick(tick)) => self.tick_in_window(&tick),
            Ok(Record::Allocation(seen)) => self.allocation(&seen),
            // Pieces were taken when they were read ahead. The last kind wakes the loop, which looks for itself.
            Ok(Record::Piece(..) | Record::Words(..) | Record::Spent(_)) => {}
            Err(unreadable) => {
                tracing::debug!(%unreadable, "record left out");
                self.lose("undecodable_record");
            }
        }
    }

    /// Does what is due at `now_ns`. When to be called again, if nothing else happens.
    pub(in crate::trace) fn tick(&mut self, now_ns: u64) -> Option<u64> {
        let (mut looks, mut found) = (Vec::new(), Vec::new());
        for (pid, subject) in &mut self.subjects {
            if subject.search(*pid, now_ns, &mut self.inspector) {
                let names = CallNames::on_page(subject.page);
                let program = number_of(&mut self.programs, names);
                subject.program = program;
                if let Some(reader) = subject.reader() {
                    introduce(&mut self.asks, program, reader);
                }
                self.asks.extend(subject.config().map(|config| Ask::Configure(*pid, Box::new(config))));
                if let State::Python(reader) = &subject.state {
                    let build = &reader.interpreter.build;
                    let version = build.version.to_string();
                    tracing::info!(pid, version, "interpreter found");
                    let python = FirstPython { process: reader.process.clone(), version };
                    found.push((*pid, python, build.free_threaded));
                    self.asks.push(Ask::Hook(Arc::clone(build)));
                    if subject.counts_calls() {
                        self.asks.push(Ask::Count(*pid, Arc::clone(build)));
                    }
                }
            }
            if let State::Python(reader) = &mut subject.state
                && reader.looks.is_due(now_ns)
            {
                looks.push(*pid);
            }
        }
        for (pid, python, free_threaded) in found {
            self.turn(pid);
            self.processes.python(pid, &python.version, free_threaded);
            self.first_python.get_or_insert(python);
        }
        for pid in looks {
            self.look(pid, Allowance::RUNNING);
            self.refine(pid);
        }
        self.look_at_met_classes(now_ns);
        self.subjects.values().filter_map(Subject::due_ns).min()
    }

    /// Whether process `pid` runs, as far as is known.
    pub(in crate::trace) fn runs(&self, pid: u32) -> bool {
        self.subjects.contains_key(&pid)
    }

    /// What was lost on this side, by cause.
    pub(in crate::trace) fn loss(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.loss.iter().map(|(cause, count)| (*cause, *count))
    }

    /// A moment of the run.
    pub(in crate::trace) fn since(&self, time_ns: u64) -> Millis {
        Millis::from_nanos(time_ns.saturating_sub(self.began_ns))
    }

    /// Counts one loss.
    pub(in crate::trace) fn lose(&mut self, cause: &'static str) {
        *self.loss.entry(cause).or_default() += 1;
    }
}
