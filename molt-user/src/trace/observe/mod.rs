//! How calls are seen in the course of a run: throughout, in windows or not at all; and what that costs.

mod allocations;
mod gauge;
mod hooks;
mod windows;

use super::Observe;
use super::budget::Ledger;
use super::watch::Watch;
use crate::aggregate::effort;
use crate::capture::ebpf::Kernel;
use crate::capture::ebpf::calls::{Counted, HookError};
use crate::capture::ebpf::cost::HitCost;
use crate::capture::ebpf::task_clock::TaskClock;
use crate::clock::monotonic_ns;
use crate::diagnose::advice::one_line;
use crate::discover::Build;
use allocations::Allocations;
use gauge::{Gauge, Reading};
use hooks::Hooks;
use molt_common::event::tick::TICK_NS;
use molt_mpa::model::Overhead;
use std::sync::Arc;
use windows::Windows;

/// Hits of which at least one must have been where it should be.
const VERDICT: u64 = 256;

/// What sees calls, and what it has cost.
#[derive(Debug)]
pub(super) struct Observer {
    gauge: Gauge,
    hooks: Hooks,
    seen: Seen,
    /// What sees requests of memory, where they are seen.
    allocations: Option<Allocations>,
    /// A hit was where it should be.
    verified: bool,
    /// Hits when probes were last placed: ends of calls that had begun before come first.
    placed: u64,
    /// What was accounted for already: state of the gauge, and calls that are still in the kernel side's tables.
    told: (Reading, Counted),
}

/// When calls are seen.
#[derive(Debug)]
enum Seen {
    Never,
    Always,
    In(Box<Windows>),
}

impl Seen {
    /// A window is open in which calls come so close upon each other that the program runs slower between them.
    fn is_busy(&self) -> bool {
        matches!(self, Self::In(windows) if windows.is_open() && !windows.is_first())
    }

    /// What may be spent on something else now, in nanoseconds.
    fn spare_ns(&mut self, reading: &Reading) -> u64 {
        match self {
            Self::In(windows) => windows.tokens_ns(reading),
            Self::Always | Self::Never => u64::MAX,
        }
    }
}

/// What is done is done to these, now.
struct Now<'a> {
    kernel: &'a mut Kernel,
    watch: &'a mut Watch,
    ns: u64,
}

/// When calls were seen and at what cost, as the artifact says it.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// Windows; `None` where calls were seen throughout, or never.
    pub(super) windows: Option<effort::Windows>,
    /// What it cost.
    pub(super) overhead: Overhead,
}

impl Observer {
    /// Measures what hits cost where some are to come, and grants the first.
    pub(super) fn new(kernel: &mut Kernel, observe: Observe, watch: &mut Watch) -> Result<Self, HookError> {
        let (cost, ticks) = match observe {
            Observe::Sample => (Ok(HitCost::default()), None),
            Observe::Exact | Observe::Auto { .. } => {
                let ticks = kernel.ticks(TICK_NS);
                (kernel.measure_hits(ticks.as_ref().ok()), Some(ticks))
            }
        };
        tracing::info!(?cost, "a hit for nothing");
        let (cost, refused) = match cost {
            Ok(cost) => (cost, None),
            Err(refused) => (HitCost::default(), Some(refused)),
        };
        let gauge = Gauge { clock: TaskClock::default(), ledger: Ledger::new(cost) };
        let seen = match (observe, refused) {
            (Observe::Sample, _) => Seen::Never,
            (_, Some(refused)) => {
                watch.calls_are_unseen(&one_line(&refused));
                Seen::Never
            }
            (Observe::Exact, None) => {
                kernel.grant(None)?;
                Seen::Always
            }
            (Observe::Auto { budget, seed }, None) => {
                if let Some(Err(refused)) = &ticks {
                    watch.remark(format!(
                        "counts outside of windows are not estimated: {}",
                        one_line(refused)
                    ));
                }
                let ticks = ticks.and_then(Result::ok);
                let windows = Windows::new(budget, seed, &gauge, ticks, monotonic_ns());
                kernel.grant(Some(windows.affordable(&gauge)))?;
                Seen::In(Box::new(windows))
            }
        };
        let allocations = match seen {
            Seen::Never => {
                let is_told_to = matches!(observe, Observe::Sample);
                let why = if is_told_to { "are not placed in this mode" } else { "cannot be placed" };
                watch.allocations_are_unseen(&format!("probes {why}"));
                None
            }
            Seen::Always | Seen::In(_) => Allocations::begin(kernel, observe, &gauge, watch),
        };
        let told = (Reading::default(), Counted::default());
        Ok(Self { gauge, hooks: Hooks::default(), seen, allocations, verified: false, placed: 0, told })
    }

    /// Takes the time of these threads and of all that descends from them, with that of those before.
    pub(super) fn begin(&mut self, threads: impl IntoIterator<Item = u32>, watch: &mut Watch) {
        if let Err(refused) = self.gauge.clock.add(threads) {
            watch.remark(format!("the target's CPU time is not known in full: {}", one_line(&refused)));
        }
    }

    /// The target's own CPU time so far, in nanoseconds.
    pub(super) fn net_ns(&mut self, kernel: &Kernel) -> Result<u64, HookError> {
        Ok(self.gauge.read(kernel)?.net_ns())
    }

    /// The calls of process `pid`, which runs or is about to run this build, are to be seen.
    pub(super) fn add(&mut self, kernel: &mut Kernel, pid: u32, build: &Arc<Build>) -> anyhow::Result<()> {
        if let Some(allocations) = &mut self.allocations {
            allocations.add(pid, build);
        }
        let now = match &self.seen {
            Seen::Never => return Ok(()),
            Seen::Always => true,
            Seen::In(windows) => windows.is_open(),
        };
        self.hooks.add(kernel, pid, build, now)?;
        self.placed = kernel.meter()?.hits;
        Ok(())
    }

    /// Process `pid` has ended.
    pub(super) fn remove(&mut self, kernel: &mut Kernel, pid: u32) {
        self.hooks.remove(kernel, pid);
        if let Some(allocations) = &mut self.allocations {
            allocations.remove(pid);
        }
    }

    /// Closes a window if all that was granted is spent. Quick enough to be asked after every record.
    pub(super) fn close_if_spent(&mut self, kernel: &mut Kernel, watch: &mut Watch) -> Result<(), HookError> {
        if let Some(allocations) = &mut self.allocations {
            allocations.look(kernel, &mut self.gauge, self.seen.is_busy())?;
        }
        match &mut self.seen {
            Seen::In(windows) if windows.is_open() => {
                let mut now = Now { kernel, watch, ns: monotonic_ns() };
                windows.look(&mut now, &mut self.gauge, &self.hooks)
            }
            _ => Ok(()),
        }
    }

    /// Does what is due. When to be called again, if nothing else happens.
    pub(super) fn tick(&mut self, kernel: &mut Kernel, watch: &mut Watch) -> Result<Option<u64>, HookError> {
        self.close_if_spent(kernel, watch)?;
        if !self.verified && !matches!(self.seen, Seen::Never) {
            self.verify(kernel, watch)?;
        }
        let calls = match &mut self.seen {
            Seen::In(windows) => {
                windows.keep(self.allocations.as_ref().map_or(0, Allocations::kept_ns));
                let mut now = Now { kernel, watch, ns: monotonic_ns() };
                Some(windows.tick(&mut now, &mut self.gauge, &mut self.hooks)?)
            }
            Seen::Always | Seen::Never => None,
        };
        let (is_busy, seen) = (self.seen.is_busy(), &mut self.seen);
        let allocations = match &mut self.allocations {
            None => None,
            Some(allocations) => {
                let spare_ns = |reading: &Reading| seen.spare_ns(reading);
                Some(allocations.tick(kernel, watch, &mut self.gauge, is_busy, spare_ns)?)
            }
        };
        Ok([calls, allocations].into_iter().flatten().min())
    }

    /// Closes the window that is open, if it is not the first: what is told of its calls can be taken then, and all of
    /// it is there for an account.
    pub(super) fn pause(&mut self, kernel: &mut Kernel, watch: &mut Watch) -> Result<(), HookError> {
        if let Some(allocations) = &mut self.allocations {
            allocations.look(kernel, &mut self.gauge, true)?;
        }
        match &mut self.seen {
            Seen::In(windows) if windows.is_open() && !windows.is_first() => {
                let mut now = Now { kernel, watch, ns: monotonic_ns() };
                windows.close(&mut now, &mut self.gauge, &self.hooks)
            }
            _ => Ok(()),
        }
    }

    /// Adds up what was counted since the last account, and goes on unless it is the `last` one. A call that has not
    /// ended counts where it ends, or in the last account.
    pub(super) fn account(
        &mut self,
        kernel: &mut Kernel,
        watch: &mut Watch,
        last: bool,
    ) -> Result<Account, HookError> {
        if let Some(allocations) = &mut self.allocations {
            allocations.account(kernel, watch, &mut self.gauge)?;
        }
        let mut windows = None;
        match &mut self.seen {
            Seen::In(seen) if !seen.is_first() => {
                let mut now = Now { kernel, watch, ns: monotonic_ns() };
                windows = Some(seen.account(&mut now, &mut self.gauge, &self.hooks)?);
            }
            Seen::In(first) => {
                first.stay_first();
                self.tell(kernel, watch, last)?;
            }
            Seen::Always | Seen::Never => self.tell(kernel, watch, last)?,
        }
        let reading = self.gauge.read(kernel)?;
        let budget = match &self.seen {
            Seen::In(windows) => Some(windows.budget()),
            Seen::Always | Seen::Never => None,
        };
        let (before, _) = &self.told;
        let spent_ns = reading.spent_ns.saturating_sub(before.spent_ns);
        let overhead = effort::overhead(budget, spent_ns, reading.cpu_ns.saturating_sub(before.cpu_ns));
        tracing::info!(?reading, "hooks and samples");
        self.told.0 = reading;
        Ok(Account { windows, overhead })
    }

    /// Adds up calls that are not of a window. They stay in the tables: probes are in place.
    fn tell(&mut self, kernel: &mut Kernel, watch: &mut Watch, last: bool) -> Result<(), HookError> {
        let mut counted = kernel.counted()?;
        if !last {
            watch.put_off(&mut counted);
        }
        watch.count(&counted.clone().since(&self.told.1), None);
        self.told.1 = counted;
        if let Seen::In(windows) = &mut self.seen {
            windows.told(&self.told.1);
        }
        Ok(())
    }

    /// Trusts the places that were found once a hit was where it should be. Where none is, they are given up.
    fn verify(&mut self, kernel: &mut Kernel, watch: &mut Watch) -> Result<(), HookError> {
        let meter = kernel.meter()?;
        self.verified = meter.accepted > 0;
        if !self.verified && meter.hits.saturating_sub(self.placed) >= VERDICT {
            kernel.grant(Some(0))?;
            self.hooks.remove_all(kernel);
            self.seen = Seen::Never;
            watch.calls_are_unseen(
                "no hit of the places that were found in the interpreter's file was a call",
            );
        }
        Ok(())
    }
}
