//! Quick ticks of every processor's clock while a window is open: what tells the program's time from that of probes.
//!
//! In a window a probe may take twenty times as long as the program between two of them. What the program had of a
//! window is therefore not what is left when probes are subtracted, but what ticks have met of it.

use super::load::{Kernel, LoadError};
use super::perf_event::{Clock, enable, open, run};
use aya::programs::{PerfEvent, ProgramError};
use std::fs::File;
use std::os::fd::AsFd;

/// Why there are no ticks.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// The program could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The list of CPUs could not be read.
    #[error("failed to read the list of CPUs")]
    Cpus,
    /// The kernel refused an event.
    #[error("failed to make a clock tick")]
    Refused(#[from] nix::Error),
}

/// A clock of each processor.
#[derive(Debug)]
pub struct Ticks {
    clocks: Vec<File>,
    period_ns: u64,
}

impl Ticks {
    /// From one tick to the next, in nanoseconds.
    pub fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// All of them tick, or none. One that refuses makes the window seem shorter than it was.
    pub fn enable(&self, on: bool) {
        for event in &self.clocks {
            if let Err(refused) = enable(event, on) {
                tracing::info!(%refused, on, "a clock does not obey");
            }
        }
    }
}

impl Kernel {
    /// Clocks that do not tick yet, and then so many nanoseconds apart.
    pub fn ticks(&mut self, period_ns: u64) -> Result<Ticks, TickError> {
        let name = "tick";
        let refused = |source: ProgramError| LoadError::program(name, source);
        let program = self.ebpf.program_mut(name).ok_or(LoadError::Missing(name))?;
        let program: &mut PerfEvent = program.try_into().map_err(refused)?;
        if program.fd().is_err() {
            program.load().map_err(refused)?;
        }
        let program = program.fd().map_err(refused)?.as_fd();
        let cpus = aya::util::online_cpus().map_err(|_unread| TickError::Cpus)?;
        let tick = |cpu| {
            let event = open(Clock::On { cpu, period_ns })?;
            run(&event, program)?;
            Ok(event)
        };
        Ok(Ticks { clocks: cpus.into_iter().map(tick).collect::<nix::Result<_>>()?, period_ns })
    }
}
