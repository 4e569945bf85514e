//! What observing has cost the target so far.

use crate::capture::ebpf::cost::HitCost;
use molt_common::call::Meter;

/// The cost of what a meter has shown, each stretch at what its own hits took.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::trace) struct Ledger {
    cost: HitCost,
    meter: Meter,
    spent_ns: u64,
}

impl Ledger {
    /// Before the first hit.
    pub(in crate::trace) fn new(cost: HitCost) -> Self {
        Self { cost, ..Self::default() }
    }

    /// The meter shows this now. Everything spent so far, in nanoseconds of the target's CPU time.
    pub(in crate::trace) fn update(&mut self, meter: Meter) -> u64 {
        let new = meter.since(self.meter);
        let hits = new.hits.saturating_mul(self.cost.of(&new));
        let traps = new.unused.saturating_mul(self.cost.trap_ns);
        let interrupts = new.samples.saturating_add(new.ticks).saturating_mul(self.cost.interrupt_ns);
        let effects = new.effects.saturating_mul(self.cost.of_effect(&new));
        let allocations = new.allocations.saturating_mul(self.cost.of_allocation(&new));
        let syscalls = new.syscalls.saturating_mul(self.cost.of_syscall(&new));
        self.meter = meter;
        self.spent_ns =
            self.spent_ns.saturating_add(hits).saturating_add(traps).saturating_add(new.samples_ns);
        self.spent_ns = self
            .spent_ns
            .saturating_add(interrupts)
            .saturating_add(effects)
            .saturating_add(allocations)
            .saturating_add(syscalls);
        self.spent_ns
    }

    /// How much longer the program takes in its own code for a hit.
    pub(in crate::trace) fn after_ns(&self) -> u64 {
        self.cost.after_ns
    }

    /// How much longer a program of CPython's size takes in its own code for a hit that comes alone, as those of requests
    /// of memory do: 0.4 to 1.8 µs were measured with 3.9 and 3.11 where a trap took 0.8, half of them above 0.75.
    pub(in crate::trace) fn after_alone_ns(&self) -> u64 {
        self.cost.trap_ns
    }

    /// What the program has of the time from one tick of a clock to the next: the interrupt takes the rest.
    pub(in crate::trace) fn between_ticks_ns(&self, period_ns: u64) -> u64 {
        period_ns.saturating_sub(self.cost.interrupt_ns).max(1)
    }

    /// What seeing requests of memory has cost so far, as `meter` shows it.
    pub(in crate::trace) fn allocations_ns(&self, meter: &Meter) -> u64 {
        meter.allocations.saturating_mul(self.cost.of_allocation(meter))
    }

    /// What seeing one of them costs, on average; before the first one, a guess that is rather high.
    pub(in crate::trace) fn allocation_ns(&self, meter: &Meter) -> u64 {
        let known =
            if meter.allocations_timed > 0 { self.cost.of_allocation(meter) } else { 2 * self.cost.trap_ns };
        known.max(1)
    }

    /// What one hit has cost so far, on average. Before the first one it is what those of a start cost, most of which tell
    /// of something new: often the next look at what was spent comes when all of them are.
    pub(in crate::trace) fn hit_ns(&self) -> u64 {
        let known = if self.meter.timed > 0 { self.cost.of(&self.meter) } else { 3 * self.cost.trap_ns };
        known.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits, traps for nothing and samples each have their price, and none is paid twice.
    #[test]
    fn everything_that_was_metered_is_paid_once() {
        const SPENT: u64 = 100 * 600 + 10 * 400 + 3 * 7_000 + 9_000;
        let mut ledger =
            Ledger::new(HitCost { trap_ns: 400, after_ns: 40, empty_ns: 50, interrupt_ns: 7_000 });
        assert_eq!(ledger.hit_ns(), 1_200);
        let meter = Meter {
            hits: 100,
            timed: 2,
            timed_ns: 500,
            unused: 10,
            samples: 3,
            samples_ns: 9_000,
            ..Meter::default()
        };
        assert_eq!(ledger.update(meter), SPENT);
        assert_eq!(ledger.update(meter), SPENT);
        assert_eq!(ledger.hit_ns(), 600);
        let dearer = Meter { hits: 101, timed: 3, timed_ns: 1_550, ..meter };
        assert_eq!(ledger.update(dearer), SPENT + 1_400);
    }
}
