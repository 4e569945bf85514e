//! Windows in which every call is seen, opened and closed as the budget allows.

use super::Now;
use super::gauge::{Gauge, Reading};
use super::hooks::Hooks;
use crate::aggregate::effort;
use crate::capture::ebpf::calls::{Counted, HookError};
use crate::clock::monotonic_ns;
use crate::trace::budget::{Bucket, Chance, Strata, Weighed};
use molt_mpa::quantity::{Millis, Share};

/// Hits that make a window worth opening.
const WORTHWHILE: u64 = 4_000;
/// Longest window but the first, and how often an open one is looked at, in nanoseconds.
const LONGEST_NS: u64 = 100_000_000;
const LOOK_NS: u64 = 20_000_000;
/// Shortest mean of the random time before a window, in the target's CPU time.
const LEAST_DELAY_NS: u64 = 50_000_000;
/// Fewer hits left than these are not added to: the last one might be taken meanwhile.
const LAST: i64 = 1_000;
/// The least that a program itself does between two hits: a call, which has two at most, takes 25 ns or more.
const LEAST_HIT_NS: u64 = 10;
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
    /// Readings when the last window closed and when the open one was opened.
    closed: Reading,
    opened: Reading,
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
    pub(super) fn new(budget: Share, seed: Option<u64>, now_ns: u64) -> Self {
        let mut log = effort::Windows::default();
        log.open(Millis::default());
        Self {
            budget,
            bucket: Bucket::new(budget),
            chance: Chance::new(seed.unwrap_or(now_ns ^ u64::from(std::process::id()))),
            strata: Strata::new(),
            log,
            state: State::Open { since_ns: now_ns, look_ns: now_ns, first: true },
            closed: Reading::default(),
            opened: Reading::default(),
        }
    }

    pub(super) fn budget(&self) -> Share {
        self.budget
    }

    pub(super) fn log(&self) -> &effort::Windows {
        &self.log
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether there has been no end of a window yet.
    pub(super) fn is_first(&self) -> bool {
        matches!(self.state, State::Open { first: true, .. })
    }

    /// Hits that can be paid for now.
    pub(super) fn affordable(&self, gauge: &Gauge) -> u64 {
        gauge.hits_for(self.bucket.tokens_ns())
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
        let reading = gauge.read(now.kernel)?;
        self.log.close(now.watch.since(now.ns));
        let counted = now.kernel.take_counted()?;
        let gap_ns = self.opened.net_ns().saturating_sub(self.closed.net_ns());
        let meter = reading.meter.since(self.opened.meter);
        tracing::info!(
            hits = meter.hits,
            unused = meter.unused,
            hit_ns = gauge.ledger.hit_ns(),
            cpu_ns = reading.cpu_ns.saturating_sub(self.opened.cpu_ns),
            net_ns = length_ns(&self.opened, &reading),
            gap_ns,
            ?meter,
            "window closed"
        );
        let weighed = self.strata.closed(counted, length_ns(&self.opened, &reading), gap_ns);
        now.watch.count_weighed(weighed);
        self.bucket.update(reading.cpu_ns, reading.spent_ns);
        self.closed = reading;
        let delay = self.delay_ns(now, gauge);
        self.state = State::Closed {
            due_cpu_ns: reading.cpu_ns.saturating_add(delay),
            due_ns: now.ns.saturating_add(delay),
        };
        Ok(())
    }

    /// The run ends with this reading: what was counted last, and how much it stands for.
    pub(super) fn last(&mut self, reading: &Reading) -> Option<Weighed<Counted>> {
        self.strata.ended(reading.net_ns().saturating_sub(self.closed.net_ns()))
    }

    /// Lets the window stay open for what has come in meanwhile.
    fn refill(&mut self, now: &mut Now, gauge: &mut Gauge) -> Result<(), HookError> {
        let reading = gauge.read(now.kernel)?;
        self.bucket.update(reading.cpu_ns, reading.spent_ns);
        let hits = self.affordable(gauge);
        if now.kernel.left()? > LAST { now.kernel.grant(Some(hits)) } else { Ok(()) }
    }

    fn open(&mut self, now: &mut Now, gauge: &mut Gauge, hooks: &mut Hooks) -> Result<(), HookError> {
        // What hits that were under way have left behind.
        let late = now.kernel.take_counted()?;
        now.watch.count(&late, None);
        hooks.place_all(now.kernel, now.watch);
        now.ns = monotonic_ns();
        let reading = gauge.read(now.kernel)?;
        self.bucket.update(reading.cpu_ns, reading.spent_ns);
        now.kernel.grant(Some(self.affordable(gauge)))?;
        self.log.open(now.watch.since(now.ns));
        self.opened = reading;
        self.state = State::Open { since_ns: now.ns, look_ns: now.ns + LOOK_NS, first: false };
        Ok(())
    }

    /// What a window must be able to cost.
    fn price(&self, gauge: &Gauge) -> u64 {
        WORTHWHILE.saturating_mul(gauge.ledger.hit_ns())
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
}

/// The target's own time in which the hits of a window were counted; traps for nothing came before or after.
fn length_ns(opened: &Reading, closed: &Reading) -> u64 {
    let meter = closed.meter.since(opened.meter);
    let net_ns = closed.net_ns().saturating_sub(opened.net_ns()).max(meter.hits.saturating_mul(LEAST_HIT_NS));
    let all = u128::from(meter.hits) + u128::from(meter.unused);
    let counted_ns = (u128::from(net_ns) * u128::from(meter.hits)).checked_div(all);
    counted_ns.map_or(net_ns, |ns| u64::try_from(ns).unwrap_or(net_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use molt_common::call::Meter;

    fn reading(cpu_ns: u64, spent_ns: u64, hits: u64, unused: u64) -> Reading {
        Reading { cpu_ns, spent_ns, meter: Meter { hits, unused, ..Meter::default() } }
    }

    /// The time of traps after the last hit that was granted is none of the window's.
    #[test]
    fn a_window_is_as_long_as_its_hits_took() {
        let opened = reading(1_000_000, 500_000, 100, 0);
        assert_eq!(length_ns(&opened, &reading(1_900_000, 1_200_000, 1_100, 0)), 200_000);
        assert_eq!(length_ns(&opened, &reading(1_900_000, 1_200_000, 1_100, 1_000)), 100_000);
        // Without hits it is as long as it was open.
        assert_eq!(length_ns(&opened, &reading(1_200_000, 500_000, 100, 0)), 200_000);
    }

    /// A cost that is overestimated does not make a window's time nothing, and its calls infinitely frequent.
    #[test]
    fn a_window_has_a_least_length() {
        let opened = reading(1_000_000, 0, 0, 0);
        assert_eq!(length_ns(&opened, &reading(2_000_000, 2_000_000, 1_000, 0)), 1_000 * LEAST_HIT_NS);
    }
}
