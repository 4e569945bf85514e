//! Quick ticks of every processor's clock while a window is open: what tells the program's time from that of probes.
//!
//! In a window a probe may take twenty times as long as the program between two of them. What the program had of a
//! window is therefore not what is left when probes are subtracted, but what ticks have met of it.

use super::load::{Kernel, LoadError};
use super::perf_event::{Clock, enable, open, run};
use aya::programs::{PerfEvent, ProgramError};
use molt_common::event::tick::TICK_NS;
use std::cell::Cell;
use std::fs::File;
use std::os::fd::AsFd;
use std::rc::Rc;

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
    #[error("failed to make a clock tick every {TICK_NS} ns")]
    Refused(#[from] nix::Error),
}

/// One use of the clocks of all processors.
#[derive(Debug)]
pub struct Ticks {
    clocks: Rc<Clocks>,
    /// They are wanted for this use.
    on: Cell<bool>,
}

/// A clock of each processor.
#[derive(Debug)]
struct Clocks {
    events: Vec<File>,
    /// Uses that want them to tick.
    uses: Cell<u32>,
}

impl Ticks {
    /// Another use of the same clocks, which tick as long as one of them wants it.
    pub fn share(&self) -> Self {
        Self { clocks: Rc::clone(&self.clocks), on: Cell::new(false) }
    }

    /// All of them tick, or none. One that refuses makes the window seem shorter than it was.
    pub fn enable(&self, on: bool) {
        if self.on.replace(on) == on {
            return;
        }
        let before = self.clocks.uses.get();
        let uses = if on { before + 1 } else { before.saturating_sub(1) };
        self.clocks.uses.set(uses);
        if (before == 0) == (uses == 0) {
            return;
        }
        for event in &self.clocks.events {
            if let Err(refused) = enable(event, on) {
                tracing::info!(%refused, on, "a clock does not obey");
            }
        }
    }
}

impl Kernel {
    /// Clocks that do not tick yet.
    pub fn ticks(&mut self) -> Result<Ticks, TickError> {
        let name = "tick";
        let refused = |source: ProgramError| LoadError::program(name, source);
        let program = self.ebpf.program_mut(name).ok_or(LoadError::Missing(name))?;
        let program: &mut PerfEvent = program.try_into().map_err(refused)?;
        program.load().map_err(refused)?;
        let program = program.fd().map_err(refused)?.as_fd();
        let cpus = aya::util::online_cpus().map_err(|_unread| TickError::Cpus)?;
        let tick = |cpu| {
            let event = open(Clock::On { cpu, period_ns: TICK_NS })?;
            run(&event, program)?;
            Ok(event)
        };
        let events = cpus.into_iter().map(tick).collect::<nix::Result<_>>()?;
        Ok(Ticks { clocks: Rc::new(Clocks { events, uses: Cell::new(0) }), on: Cell::new(false) })
    }
}
