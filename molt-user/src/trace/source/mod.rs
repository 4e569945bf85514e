//! Where a run's records come from: the kernel side where it can be had, else a thread that reads the target's memory.

mod kernel;

use super::begin::check_namespace;
use super::failure::Failure;
use super::observe::Account;
use super::watch::{Ask, Watch};
use super::{Choice, Observe, Options};
use crate::capture::procmem::Procmem;
use crate::clock::monotonic_ns;
use crate::diagnose::advice::one_line;
use kernel::{Closing, KernelSide};
use molt_common::fault::Fault;
use molt_mpa::model::{Backend, Overhead};
use molt_mpa::quantity::Millis;
use std::os::fd::BorrowedFd;

/// What feeds the watch, and does what it asks.
#[derive(Debug)]
pub(super) enum Source {
    /// Programs in the kernel.
    Ebpf(Box<KernelSide>),
    /// A thread of molt's own.
    Procmem(Procmem),
}

/// What is left of a source when the run is over.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) backend: Backend,
    pub(super) account: Account,
    /// What was lost on the way.
    pub(super) faults: Vec<(Fault, u64)>,
    /// Why some effects passed unseen.
    pub(super) unwatched: Option<String>,
}

impl Source {
    /// Opens what was chosen, for a run that begins now, and the watch that it feeds. Nothing is sampled yet.
    pub(super) fn open(options: &Options) -> Result<(Self, Watch), Failure> {
        let refused = match options.backend {
            Choice::Procmem => None,
            Choice::Ebpf => return Self::ebpf(options),
            Choice::Auto if options.observe == Observe::Exact => return Self::ebpf(options),
            Choice::Auto => match Self::ebpf(options) {
                Ok(opened) => return Ok(opened),
                Err(refused) => Some(refused),
            },
        };
        let mut watch = Watch::new(monotonic_ns(), false);
        if let Some(refused) = refused {
            let why = refused.advice.into_iter().next().unwrap_or_else(|| one_line(refused.error.as_ref()));
            watch.remark(format!("{NO_EBPF}: {why}"));
        }
        if options.observe != Observe::Sample {
            NO_PROBES.clone_into(&mut watch.unhooked.1);
            watch.allocations_are_unseen("the backend procmem places no probes");
        }
        let procmem = Procmem::start(options.frequency).map_err(anyhow::Error::from)?;
        Ok((Self::Procmem(procmem), watch))
    }

    fn ebpf(options: &Options) -> Result<(Self, Watch), Failure> {
        check_namespace()?;
        let (side, watch) = KernelSide::load(options)?;
        Ok((Self::Ebpf(Box::new(side)), watch))
    }

    /// Reports processes that are not traced when they run another program, from now on. Whether it can be done.
    pub(super) fn watch_strangers(&mut self) -> bool {
        match self {
            Self::Ebpf(side) => side
                .kernel
                .watch_strangers()
                .inspect_err(|refused| tracing::info!(%refused, "new programs are looked for"))
                .is_ok(),
            Self::Procmem(_) => false,
        }
    }

    /// Becomes readable when there are records.
    pub(super) fn events_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Ebpf(side) => side.kernel.events_fd(),
            Self::Procmem(procmem) => procmem.events_fd(),
        }
    }

    /// Hands each waiting record's bytes to `take`, oldest first, at most `most` of them. How many there were.
    pub(super) fn drain(&mut self, most: usize, take: impl FnMut(&[u8])) -> usize {
        match self {
            Self::Ebpf(side) => side.kernel.drain(most, take),
            Self::Procmem(procmem) => procmem.drain(most, take),
        }
    }

    /// Does what the watch asks for. Of probes a thread that only reads knows nothing; the artifact says that what
    /// they see is missing.
    pub(super) fn obey(&mut self, ask: Ask, watch: &mut Watch) -> anyhow::Result<()> {
        match (self, ask) {
            (Self::Ebpf(side), ask) => return side.obey(ask, watch),
            (Self::Procmem(procmem), Ask::Configure(pid, config)) => procmem.trace(pid, &config),
            (Self::Procmem(procmem), Ask::Forget(pid)) => procmem.forget(pid),
            (
                Self::Procmem(_),
                Ask::Kind(..) | Ask::Plan(..) | Ask::Hook(_) | Ask::Count(..) | Ask::Clock(_),
            ) => {}
        }
        Ok(())
    }

    /// Process `pid`, which is followed, is held at an exec. The kernel side has told of it already.
    pub(super) fn at_exec(&mut self, pid: u32) {
        if let Self::Procmem(procmem) = self {
            procmem.at_exec(pid);
        }
    }

    /// Opens and closes windows. When to do so next.
    pub(super) fn tick(&mut self, watch: &mut Watch) -> anyhow::Result<Option<u64>> {
        match self {
            Self::Ebpf(side) => side.tick(watch),
            Self::Procmem(_) => Ok(None),
        }
    }

    /// Closes the window if all that was granted is spent. Quick enough to be asked after every record.
    pub(super) fn close_if_spent(&mut self, watch: &mut Watch) -> anyhow::Result<()> {
        match self {
            Self::Ebpf(side) => Ok(side.observer.close_if_spent(&mut side.kernel, watch)?),
            Self::Procmem(_) => Ok(()),
        }
    }

    /// Makes ready for an account: what is told until then is drained before it.
    pub(super) fn pause(&mut self, watch: &mut Watch) -> anyhow::Result<()> {
        match self {
            Self::Ebpf(side) => Ok(side.observer.pause(&mut side.kernel, watch)?),
            Self::Procmem(_) => Ok(()),
        }
    }

    /// What was counted and lost since the last account.
    pub(super) fn account(&mut self, watch: &mut Watch) -> Result<Findings, Failure> {
        match self {
            Self::Ebpf(side) => side.account(watch, false),
            Self::Procmem(procmem) => Ok(of_procmem(procmem)),
        }
    }

    /// The run is over: what was counted and lost last, and what is to be dropped when the artifact is written.
    pub(super) fn end(self, watch: &mut Watch) -> Result<(Findings, Option<Closing>), Failure> {
        match self {
            Self::Ebpf(side) => {
                let (findings, closing) = side.end(watch)?;
                Ok((findings, Some(closing)))
            }
            Self::Procmem(mut procmem) => Ok((of_procmem(&mut procmem), None)),
        }
    }
}

fn of_procmem(procmem: &mut Procmem) -> Findings {
    let (cpu_ns, lost) = procmem.account();
    // Reading takes molt's own time, not the target's.
    let overhead = Overhead { target_cpu_ms: Some(Millis::from_nanos(cpu_ns)), ..Overhead::default() };
    let faults = Some((Fault::RingFull, lost)).filter(|(_, lost)| *lost > 0).into_iter().collect();
    let account = Account { overhead, ..Account::default() };
    Findings { backend: Backend::Procmem, account, faults, unwatched: None }
}

/// What a run without the kernel side is like.
const NO_EBPF: &str =
    "without eBPF memory is read from outside, and calls, types and exceptions are not counted";
/// Why calls are not counted.
const NO_PROBES: &str = "needs every call to be seen; the backend procmem places no probes";
