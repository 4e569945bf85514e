//! Windows in which every call is seen, opened and closed as the budget allows.

mod account;

use super::Now;
use super::gauge::{Gauge, Reading};
use super::hooks::Hooks;
use crate::aggregate::effort;
use crate::capture::ebpf::calls::{Counted, HookError};
use crate::capture::ebpf::ticks::Ticks;
use crate::clock::monotonic_ns;
use crate::trace::budget::{Bucket, Chance, Strata};
use molt_common::call::Meter;
use molt_common::event::tick::TICK_NS;
use molt_mpa::quantity::{Millis, Share};
use std::mem;

/// Hits that make a window worth opening.
const WORTHWHILE: u64 = 4_000;
/// Most of a window but the first.
const MOST: u64 = 6_000;
/// Longest window but the first, and how often an open one is looked at, in nanoseconds.
const LONGEST_NS: u64 = 100_000_000;
const LOOK_NS: u64 = 20_000_000;
/// Shortest mean of the random time before a window, in the target's CPU time.
const LEAST_DELAY_NS: u64 = 50_000_000;
/// Fewer hits left than these are not added to: the last one might be taken meanwhile.
const LAST: i64 = 1_000;
/// Share of samples in functions seen in windows from which on windows need not hurry, in millionths.
const COVERED: u64 = 950_000;

/// When calls are seen.
#[derive(Debug)]
pub(super) struct Windows {
    budget: Share,
    bucket: Bucket,
    chance: Chance,
    strata: Strata<Counted>,
    log: effort::Windows,
    state: State,
    /// What is kept for what else is seen, of what may be spent.
    kept_ns: u64,
    /// Readings when the last window closed and when the open one was opened.
    closed: Reading,
    opened: Reading,
    /// What the meter showed when the first window closed.
    since: Meter,
    /// What was counted in the window that has closed last.
    unsettled: Option<Unsettled>,
    /// What tells the program's time in windows.
    ticks: Option<Ticks>,
    /// What had been counted when the first window was half spent.
    start: Option<Counted>,
    /// That again, until its names are known: it stands for itself alone.
    startup: Option<Counted>,
    /// What of the first window was accounted for already.
    told: Counted,
}

/// A window whose length is not known yet: ticks may still be on their way.
#[derive(Debug)]
struct Unsettled {
    counted: Counted,
    hits: u64,
    /// The target's own time since the window before.
    gap_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Open since, by the clock.
    Open { since_ns: u64, look_ns: u64, first: bool },
    /// To be opened when the target has used so much CPU time, which cannot be before that moment.
    Closed { due_cpu_ns: u64, due_ns: u64 },
}

impl Windows {
    /// With the first window open.
    pub(super) fn new(
        budget: Share,
        seed: Option<u64>,
        gauge: &Gauge,
        ticks: Option<Ticks>,
        now_ns: u64,
    ) -> Self {
        let mut log = effort::Windows::default();
        log.open(Millis::default());
        let tick_ns = gauge.ledger.between_ticks_ns(TICK_NS);
        Self {
            budget,
            bucket: Bucket::new(budget),
            chance: Chance::new(seed.unwrap_or(now_ns ^ u64::from(std::process::id()))),
            strata: Strata::new(gauge.ledger.after_ns(), tick_ns),
            log,
            state: State::Open { since_ns: now_ns, look_ns: now_ns, first: true },
            kept_ns: 0,
            closed: Reading::default(),
            opened: Reading::default(),
            since: Meter::default(),
            unsettled: None,
            ticks,
            start: None,
            startup: None,
            told: Counted::default(),
        }
    }

    pub(super) fn budget(&self) -> Share {
        self.budget
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether there has been no end of a window yet.
    pub(super) fn is_first(&self) -> bool {
        matches!(self.state, State::Open { first: true, .. })
    }

    /// So much of what may be spent is kept for something else.
    pub(super) fn keep(&mut self, kept_ns: u64) {
        self.kept_ns = kept_ns;
    }

    /// What may be spent.
    pub(super) fn tokens_ns(&mut self, reading: &Reading) -> u64 {
        self.bucket.update(reading.cpu_ns, reading.spent_ns);
        self.bucket.tokens_ns()
    }

    /// Hits that can be paid for now. What the first window leaves is for several: one alone may meet any phase of a
    /// short run.
    pub(super) fn affordable(&self, gauge: &Gauge) -> u64 {
        let tokens_ns = self.bucket.tokens_ns().saturating_sub(self.kept_ns);
        if self.is_first() {
            gauge.hits_for(tokens_ns.saturating_sub(Bucket::RESERVE_NS))
        } else {
            gauge.hits_for(tokens_ns).min(MOST)
        }
    }

    /// Closes the open window if all that was granted is spent. Quick enough to be asked often.
    pub(super) fn look(&mut self, now: &mut Now, gauge: &mut Gauge, hooks: &Hooks) -> Result<(), HookError> {
        let Ok(left) = u64::try_from(now.kernel.left()?) else { return self.close(now, gauge, hooks) };
        if left == 0 {
            return self.close(now, gauge, hooks);
        }
        let is_half = left.saturating_mul(gauge.ledger.hit_ns()) < Bucket::HALF_NS;
        if is_half && self.is_first() && self.start.is_none() { self.leave_start(now, gauge) } else { Ok(()) }
    }

    /// Does what is due. When to be called again.
    pub(super) fn tick(
        &mut self,
        now: &mut Now,
        gauge: &mut Gauge,
        hooks: &mut Hooks,
    ) -> Result<u64, HookError> {
        match self.state {
            State::Open { since_ns, look_ns, first } if now.ns >= look_ns => {
                if !first && now.ns >= since_ns + LONGEST_NS {
                    self.close(now, gauge, hooks)?;
                } else {
                    self.refill(now, gauge)?;
                    self.state = State::Open { since_ns, look_ns: now.ns + LOOK_NS, first };
                }
            }
            State::Closed { due_cpu_ns, due_ns } if now.ns >= due_ns => {
                let reading = gauge.read(now.kernel)?;
                self.bucket.update(reading.cpu_ns, reading.spent_ns);
                // Sampling spends as well: there may be less than was foreseen.
                let missing = self.bucket.cpu_until(self.price(gauge)).unwrap_or(u64::MAX);
                let wait_ns = due_cpu_ns.saturating_sub(reading.cpu_ns).max(missing);
                if wait_ns == 0 {
                    self.open(now, gauge, hooks)?;
                } else {
                    self.state = State::Closed { due_cpu_ns, due_ns: now.ns.saturating_add(wait_ns) };
                }
            }
            State::Open { .. } | State::Closed { .. } => {}
        }
        Ok(match self.state {
            State::Open { look_ns, .. } => look_ns,
            State::Closed { due_ns, .. } => due_ns,
        })
    }

    /// Closes the window, which is open.
    pub(super) fn close(&mut self, now: &mut Now, gauge: &mut Gauge, hooks: &Hooks) -> Result<(), HookError> {
        now.kernel.grant(Some(0))?;
        hooks.remove_all(now.kernel);
        self.tick_clocks(false);
        let reading = gauge.read(now.kernel)?;
        self.log.close(now.watch.since(now.ns));
        let mut counted = now.kernel.take_counted()?;
        let told = mem::take(&mut self.told);
        if let Some(start) = self.start.take() {
            counted = counted.since(&start);
            self.startup = Some(start.since(&told));
        } else if self.is_first() {
            self.startup = Some(mem::take(&mut counted).since(&told));
        }
        let gap_ns = self.opened.net_ns().saturating_sub(self.closed.net_ns());
        if let State::Open { first: true, .. } = self.state {
            self.since = reading.meter;
        }
        let hits = reading.meter.since(self.opened.meter).hits;
        self.unsettled = Some(Unsettled { counted, hits, gap_ns });
        self.bucket.update(reading.cpu_ns, reading.spent_ns);
        self.closed = reading;
        let delay = self.delay_ns(now, gauge);
        self.state = State::Closed {
            due_cpu_ns: reading.cpu_ns.saturating_add(delay),
            due_ns: now.ns.saturating_add(delay),
        };
        Ok(())
    }

    fn tick_clocks(&self, on: bool) {
        if let Some(ticks) = &self.ticks {
            ticks.enable(on);
        }
    }

    /// Lets the window stay open for what has come in meanwhile.
    fn refill(&mut self, now: &mut Now, gauge: &mut Gauge) -> Result<(), HookError> {
        let reading = gauge.read(now.kernel)?;
        self.bucket.update(reading.cpu_ns, reading.spent_ns);
        let hits = self.affordable(gauge);
        if now.kernel.left()? > LAST { now.kernel.grant(Some(hits)) } else { Ok(()) }
    }

    /// Half of the credit is spent: what is counted from here on, still in the first window, stands for some of what
    /// follows it, as a window of its own does.
    fn leave_start(&mut self, now: &mut Now, gauge: &mut Gauge) -> Result<(), HookError> {
        let start = now.kernel.counted()?;
        self.start = Some(Counted { open: Vec::new(), ..start });
        self.tick_clocks(true);
        now.watch.ticks = 0;
        self.opened = gauge.read(now.kernel)?;
        self.closed = self.opened;
        Ok(())
    }

    fn open(&mut self, now: &mut Now, gauge: &mut Gauge, hooks: &mut Hooks) -> Result<(), HookError> {
        // What hits that were under way have left behind.
        let late = now.kernel.take_counted()?;
        now.watch.count(&late, None);
        let reading = gauge.read(now.kernel)?;
        self.settle(now.watch, &reading);
        hooks.place_all(now.kernel, now.watch);
        self.tick_clocks(true);
        // Until some are granted, each hit costs the target a trap for nothing.
        now.ns = monotonic_ns();
        let reading = gauge.read(now.kernel)?;
        self.bucket.update(reading.cpu_ns, reading.spent_ns);
        now.kernel.grant(Some(self.affordable(gauge)))?;
        self.log.open(now.watch.since(now.ns));
        self.opened = reading;
        self.state = State::Open { since_ns: now.ns, look_ns: now.ns + LOOK_NS, first: false };
        Ok(())
    }

    /// CPU time until the next window: until it can be paid for, and a random time in which it falls into step with
    /// nothing. That is short while samples meet functions that no window has seen.
    fn delay_ns(&mut self, now: &Now, gauge: &Gauge) -> u64 {
        let Some(saved_ns) = self.bucket.cpu_until(self.price(gauge)) else { return u64::MAX };
        let coverage = effort::coverage(&now.watch.tally, &now.watch.calls);
        let covered = coverage.is_none_or(|share| share.as_millionths() >= COVERED);
        let mean_ns = if covered { saved_ns.max(LEAST_DELAY_NS) } else { LEAST_DELAY_NS };
        saved_ns.saturating_add(self.chance.delay_ns(mean_ns))
    }

    /// What there must be for a window.
    fn price(&self, gauge: &Gauge) -> u64 {
        WORTHWHILE.saturating_mul(gauge.ledger.hit_ns()).saturating_add(self.kept_ns)
    }
}
