//! Windows in which requests of memory are seen: short ones, since a program makes millions a second.

mod table;

use super::gauge::{Gauge, Reading};
use crate::capture::ebpf::Kernel;
use crate::capture::ebpf::calls::HookError;
use crate::capture::ebpf::ticks::Ticks;
use crate::clock::monotonic_ns;
use crate::diagnose::advice::one_line;
use crate::discover::Build;
use crate::trace::Observe;
use crate::trace::budget::{Bucket, Chance, Closed, Strata};
use crate::trace::watch::{Counted, Watch};
use molt_common::allocation::{Allocated, AllocationKey, kind};
use molt_common::event::tick::ALLOCATION_TICK_NS;
use molt_mpa::quantity::Share;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::thread;

/// Requests that are counted in a window.
const HITS: u64 = 1_500;
/// When to look again for the places, if they are not found yet, in nanoseconds.
const SOON_NS: u64 = 10_000_000;
/// Longest window, in nanoseconds.
const LONGEST_NS: u64 = 200_000_000;
/// One in so many parts of the budget is for requests of memory.
const PART: u64 = 4;
/// What a run begins with, and the most that is saved up, in nanoseconds of the target's time.
const CREDIT_NS: i64 = 50_000_000;
/// Most of it that calls leave to them, however much is saved up: some windows' worth.
const KEPT_NS: u64 = 10_000_000;
/// Shortest mean of the random time before a window, in the target's CPU time. The credit is spread over the run, of
/// which no more is known than how long it has lasted: later windows are a part of that apart, at least.
const LEAST_DELAY_NS: u64 = 10_000_000;
const PART_OF_RUN: u64 = 4;
/// Fewer samples do not tell what share of its time a program spends in the kernel.
const ENOUGH_SAMPLES: u64 = 50;

/// What sees requests of memory.
#[derive(Debug)]
pub(super) struct Allocations {
    processes: BTreeMap<u32, Arc<Build>>,
    /// Processes whose interpreters have no places for probes, or another allocator.
    refused: BTreeSet<u32>,
    bucket: Bucket,
    chance: Chance,
    strata: Strata<Counted>,
    /// What tells the program's time in windows.
    ticks: Ticks,
    state: State,
    /// Readings when the last window closed and when the open one was opened.
    closed: Reading,
    opened: Reading,
    /// A window that has closed, whose ticks may still be on their way.
    unsettled: Option<(Counted, Closed)>,
    /// What was taken from the table already.
    told: BTreeMap<AllocationKey, Allocated>,
    told_growth: BTreeMap<AllocationKey, Allocated>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Until this time, by the clock, at most.
    Open { until_ns: u64 },
    /// To be opened when the target has used so much CPU time, which cannot be before that moment.
    Closed { due_cpu_ns: u64, due_ns: u64 },
}

impl Allocations {
    /// Before the first window, if there can be any. Where every call is seen, they have a budget all the same.
    pub(super) fn begin(
        kernel: &mut Kernel,
        observe: Observe,
        gauge: &Gauge,
        watch: &mut Watch,
    ) -> Option<Self> {
        let ticks = kernel.ticks(ALLOCATION_TICK_NS);
        let ticks = ticks.inspect_err(|refused| watch.allocations_are_unseen(&one_line(refused))).ok()?;
        let (budget, seed) = match observe {
            Observe::Auto { budget, seed } => (budget, seed),
            Observe::Exact | Observe::Sample => (Share::of(1, 100), None),
        };
        Some(Self::new(budget, seed, gauge, ticks))
    }

    fn new(budget: Share, seed: Option<u64>, gauge: &Gauge, ticks: Ticks) -> Self {
        let mut chance = Chance::new(seed.unwrap_or(monotonic_ns()).wrapping_add(1));
        let due_cpu_ns = chance.delay_ns(LEAST_DELAY_NS);
        let tick_ns = gauge.ledger.between_ticks_ns(ALLOCATION_TICK_NS);
        Self {
            processes: BTreeMap::new(),
            refused: BTreeSet::new(),
            bucket: Bucket::with_credit(Share::of(budget.as_millionths(), PART * 1_000_000), CREDIT_NS),
            chance,
            strata: Strata::new(gauge.ledger.after_alone_ns(), tick_ns),
            ticks,
            state: State::Closed { due_cpu_ns, due_ns: 0 },
            closed: Reading::default(),
            opened: Reading::default(),
            unsettled: None,
            told: BTreeMap::new(),
            told_growth: BTreeMap::new(),
        }
    }

    /// Process `pid` runs or is about to run this build; what was found out last is right.
    pub(super) fn add(&mut self, pid: u32, build: &Arc<Build>) {
        self.refused.remove(&pid);
        self.processes.insert(pid, Arc::clone(build));
        let ahead = Arc::clone(build);
        // To look through the file takes some 20 ms, in which records would wait.
        let find = move || _ = ahead.allocation_sites();
        if thread::Builder::new().name("molt-sites".to_owned()).spawn(find).is_err() {
            let _ = build.allocation_sites();
        }
    }

    /// Process `pid` has ended.
    pub(super) fn remove(&mut self, pid: u32) {
        self.processes.remove(&pid);
        self.refused.remove(&pid);
    }

    /// What is kept for the next windows of what may be spent, in nanoseconds.
    pub(super) fn kept_ns(&self) -> u64 {
        if self.processes.len() > self.refused.len() { self.bucket.tokens_ns().min(KEPT_NS) } else { 0 }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Closes the window if all that was granted is spent, or if what else is seen needs the ticks. Quick enough to be
    /// asked often.
    pub(super) fn look(
        &mut self,
        kernel: &mut Kernel,
        gauge: &mut Gauge,
        is_busy: bool,
    ) -> Result<(), HookError> {
        if self.is_open() && (is_busy || !kernel.allocations_granted()?) {
            self.close(kernel, gauge)
        } else {
            Ok(())
        }
    }

    /// Does what is due; `spare_ns` tells what may be spent. When to be called again.
    pub(super) fn tick(
        &mut self,
        kernel: &mut Kernel,
        watch: &mut Watch,
        gauge: &mut Gauge,
        is_busy: bool,
        spare_ns: impl FnOnce(&Reading) -> u64,
    ) -> Result<u64, HookError> {
        self.look(kernel, gauge, is_busy)?;
        let now_ns = monotonic_ns();
        match self.state {
            State::Open { until_ns } if now_ns >= until_ns => self.close(kernel, gauge)?,
            State::Closed { due_cpu_ns, due_ns } if now_ns >= due_ns && !self.processes.is_empty() => {
                let reading = gauge.read(kernel)?;
                self.bucket.update(reading.cpu_ns, gauge.ledger.allocations_ns(&reading.meter));
                let price_ns = price(gauge, &reading);
                let missing = self.bucket.cpu_until(price_ns).unwrap_or(u64::MAX);
                let wait_ns = due_cpu_ns.saturating_sub(reading.cpu_ns).max(missing);
                if wait_ns == 0 && !is_busy && spare_ns(&reading) >= price_ns {
                    self.open(kernel, watch, gauge)?;
                } else {
                    // A process without CPU time gets none sooner than this.
                    let due_ns = now_ns.saturating_add(wait_ns.max(LEAST_DELAY_NS));
                    self.state = State::Closed { due_cpu_ns, due_ns };
                }
            }
            State::Open { .. } | State::Closed { .. } => {}
        }
        Ok(match self.state {
            State::Open { until_ns } => until_ns,
            State::Closed { .. } if self.processes.is_empty() => u64::MAX,
            State::Closed { due_ns, .. } => due_ns,
        })
    }

    /// Adds up what was counted, for an artifact that is to be written.
    pub(super) fn account(
        &mut self,
        kernel: &mut Kernel,
        watch: &mut Watch,
        gauge: &mut Gauge,
    ) -> Result<(), HookError> {
        if self.is_open() {
            self.close(kernel, gauge)?;
        }
        let reading = gauge.read(kernel)?;
        self.settle(watch);
        for stratum in self.strata.ended(gap_ns(&self.closed, &reading)) {
            watch.count_allocations(&stratum);
        }
        self.closed = reading;
        let growth = table::new(kernel.allocations()?, kind::GROWTH, &mut self.told_growth);
        watch.count_growth(&growth);
        Ok(())
    }

    fn open(&mut self, kernel: &mut Kernel, watch: &mut Watch, gauge: &mut Gauge) -> Result<(), HookError> {
        self.settle(watch);
        let are_found = self.processes.values().all(|build| build.allocation_sites_are_found());
        if !are_found || !self.place(kernel, watch) {
            let due_ns = monotonic_ns().saturating_add(if are_found { LONGEST_NS } else { SOON_NS });
            self.state = State::Closed { due_cpu_ns: 0, due_ns };
            return Ok(());
        }
        self.ticks.enable(true);
        self.opened = gauge.read(kernel)?;
        kernel.grant_allocations(HITS)?;
        watch.allocations_seen.windows += 1;
        self.state = State::Open { until_ns: monotonic_ns().saturating_add(LONGEST_NS) };
        Ok(())
    }

    /// Places the probes of every process. Whether there are any.
    fn place(&mut self, kernel: &mut Kernel, watch: &mut Watch) -> bool {
        let mut is_placed = false;
        for (pid, build) in &self.processes {
            if self.refused.contains(pid) || !watch.runs(*pid) {
                continue;
            }
            let placed = match build.allocation_sites() {
                Err(why) => Err(one_line(why)),
                Ok(sites) if watch.asks_c_library(*pid, sites) => {
                    Err("the program takes its memory from the C library (PYTHONMALLOC)".to_owned())
                }
                Ok(sites) => kernel
                    .hook_allocations(*pid, &build.open_path(), sites)
                    .map_err(|refused| one_line(&refused)),
            };
            is_placed |= placed.is_ok();
            if let Err(why) = placed {
                self.refused.insert(*pid);
                // A process that has just ended has no requests that could be missed.
                if std::path::Path::new(&format!("/proc/{pid}")).exists() {
                    watch.allocations_are_unseen(&why);
                }
            }
        }
        is_placed
    }

    fn close(&mut self, kernel: &mut Kernel, gauge: &mut Gauge) -> Result<(), HookError> {
        kernel.grant_allocations(0)?;
        kernel.unhook_allocations();
        self.ticks.enable(false);
        let reading = gauge.read(kernel)?;
        let counted = table::new(kernel.allocations()?, kind::BLOCK, &mut self.told);
        let meter = reading.meter.since(self.opened.meter);
        // Those of calls slow the program as well.
        let hits = meter.allocations.saturating_add(meter.hits);
        let gap_ns = gap_ns(&self.closed, &self.opened);
        self.unsettled = Some((counted, Closed { hits, length_ns: 0, gap_ns }));
        self.bucket.update(reading.cpu_ns, gauge.ledger.allocations_ns(&reading.meter));
        let mean_ns = LEAST_DELAY_NS.max(reading.cpu_ns / PART_OF_RUN);
        let saved_ns = self.bucket.cpu_until(price(gauge, &reading)).unwrap_or(u64::MAX);
        let delay_ns = saved_ns.saturating_add(self.chance.delay_ns(mean_ns));
        self.state = State::Closed {
            due_cpu_ns: reading.cpu_ns.saturating_add(delay_ns),
            due_ns: monotonic_ns().saturating_add(delay_ns),
        };
        self.closed = reading;
        Ok(())
    }

    /// The ticks of the window that has closed last are all there: says how long it was.
    fn settle(&mut self, watch: &mut Watch) {
        let ticks = mem::take(&mut watch.allocation_ticks);
        let Some((counted, window)) = self.unsettled.take() else { return };
        let window = Closed { length_ns: self.strata.length_ns(ticks), ..window };
        tracing::debug!(?window, codes = counted.len(), "window of allocations");
        if let Some(stratum) = self.strata.closed(counted, window) {
            watch.count_allocations(&stratum);
        }
    }
}

/// What a window costs.
fn price(gauge: &Gauge, reading: &Reading) -> u64 {
    HITS.saturating_mul(gauge.ledger.allocation_ns(&reading.meter))
}

/// What the target spent in its program, in user mode, from one reading to another: ticks tell nothing of the rest.
fn gap_ns(from: &Reading, to: &Reading) -> u64 {
    let cpu_ns = to.cpu_ns.saturating_sub(from.cpu_ns);
    let (samples, user) = (to.meter.samples, to.meter.samples_user);
    if samples < ENOUGH_SAMPLES {
        return cpu_ns;
    }
    u64::try_from(u128::from(cpu_ns) * u128::from(user) / u128::from(samples)).unwrap_or(cpu_ns)
}
