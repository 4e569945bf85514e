//! Accounts of windows: what they have counted so far, for an artifact that is to be written.

use super::{Now, Unsettled, Windows};
use crate::aggregate::effort;
use crate::capture::ebpf::calls::{Counted, HookError};
use crate::trace::budget::Closed;
use crate::trace::observe::gauge::{Gauge, Reading};
use crate::trace::observe::hooks::Hooks;
use crate::trace::watch::Watch;
use molt_common::call::Meter;
use molt_mpa::quantity::Millis;
use std::mem;

impl Windows {
    /// Adds up what was counted, and goes on. The windows since the last account.
    pub(in crate::trace::observe) fn account(
        &mut self,
        now: &mut Now,
        gauge: &mut Gauge,
        hooks: &Hooks,
    ) -> Result<effort::Windows, HookError> {
        if self.is_open() {
            self.close(now, gauge, hooks)?;
        }
        let late = now.kernel.take_counted()?;
        now.watch.count(&late, None);
        let reading = gauge.read(now.kernel)?;
        self.last(now.watch, &reading);
        (self.closed, self.opened) = (reading, reading);
        Ok(mem::take(&mut self.log))
    }

    /// What the first window has seen so far is accounted for, each call for itself: it begins anew.
    pub(in crate::trace::observe) fn stay_first(&mut self) {
        self.start = None;
        self.tick_clocks(false);
        self.log = effort::Windows::default();
        self.log.open(Millis::default());
    }

    /// So much of what is in the tables is accounted for.
    pub(in crate::trace::observe) fn told(&mut self, counted: &Counted) {
        self.told = counted.clone();
    }

    /// An account ends with this reading: adds up what was counted last.
    fn last(&mut self, watch: &mut Watch, reading: &Reading) {
        self.settle(watch, reading);
        let tail_ns = self.in_user_mode(reading.net_ns().saturating_sub(self.closed.net_ns()), reading);
        for stratum in self.strata.ended(tail_ns) {
            watch.count_weighed(&stratum);
        }
    }

    /// The ticks of the window that has closed last are all there: says how long it was.
    pub(super) fn settle(&mut self, watch: &mut Watch, reading: &Reading) {
        let ticks = mem::take(&mut watch.ticks);
        let Some(Unsettled { counted, hits, gap_ns }) = self.unsettled.take() else { return };
        if let Some(startup) = self.startup.take() {
            watch.count(&startup, None);
        }
        let gap_ns = self.in_user_mode(gap_ns, reading);
        let length_ns = self.strata.length_ns(ticks);
        tracing::debug!(hits, ticks, length_ns, gap_ns, "window");
        if let Some(stratum) = self.strata.closed(counted, Closed { hits, length_ns, gap_ns }) {
            watch.count_weighed(&stratum);
        }
    }

    /// What the target spends of its own time in its program. Ticks in windows tell nothing of the rest, which is the
    /// kernel's work for it and the probes' alike.
    fn in_user_mode(&self, net_ns: u64, reading: &Reading) -> u64 {
        let Meter { samples, samples_user, .. } = reading.meter.since(self.since);
        let user_ns = (u128::from(net_ns) * u128::from(samples_user)).checked_div(samples.into());
        user_ns.map_or(net_ns, |ns| u64::try_from(ns).unwrap_or(net_ns))
    }
}
