//! What the target has used, and what observing has taken of it.

use crate::capture::ebpf::Kernel;
use crate::capture::ebpf::calls::HookError;
use crate::capture::ebpf::task_clock::TaskClock;
use crate::trace::budget::Ledger;
use molt_common::call::Meter;

/// A clock and a ledger, read together.
#[derive(Debug)]
pub(super) struct Gauge {
    pub(super) clock: TaskClock,
    pub(super) ledger: Ledger,
}

/// State of both since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// CPU time of all traced processes, in nanoseconds.
    pub(super) cpu_ns: u64,
    /// What observing has taken of it.
    pub(super) spent_ns: u64,
    /// What probes and samples did.
    pub(super) meter: Meter,
}

impl Reading {
    /// The target's own time.
    pub(super) fn net_ns(&self) -> u64 {
        self.cpu_ns.saturating_sub(self.spent_ns)
    }
}

impl Gauge {
    /// Reads both.
    pub(super) fn read(&mut self, kernel: &Kernel) -> Result<Reading, HookError> {
        let meter = kernel.meter()?;
        Ok(Reading { cpu_ns: self.clock.read_ns(), spent_ns: self.ledger.update(meter), meter })
    }

    /// How many hits so many nanoseconds buy.
    pub(super) fn hits_for(&self, ns: u64) -> u64 {
        ns / self.ledger.hit_ns()
    }
}
