//! Attaches the kernel side's programs. Each detaches when [`Kernel`] is dropped, or when molt dies.

use super::load::{Kernel, LoadError};
use super::uprobes::{Place, Scope, UprobeError};
use super::urgent::Urgent;
use crate::discover::Milestones;
use aya::programs::perf_event::{PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::{PerfEvent, Program, ProgramError, RawTracePoint};
use molt_common::config::milestone;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread::{self, JoinHandle};

/// Raw tracepoints and the programs that hang on them.
const TRACEPOINTS: [(&str, &str); 3] = [
    ("process_fork", "sched_process_fork"),
    ("process_exec", "sched_process_exec"),
    ("process_exit", "sched_process_exit"),
];

/// The program that reports them.
const MILESTONE: &str = "milestone";

/// Most threads that wait for the kernel to take probes away.
const MAX_UNHOOKING: usize = 64;

/// Uprobes on their way out. Dropping it waits until the last one is gone.
#[derive(Debug)]
pub struct Unhooking(Vec<JoinHandle<()>>);

impl Drop for Unhooking {
    fn drop(&mut self) {
        for link in self.0.drain(..) {
            // A thread that only closes a descriptor does not panic.
            let _ = link.join();
        }
    }
}

/// Why a program could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// It could not even be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The kernel refused to attach it.
    #[error("failed to attach eBPF program {program} to {to}")]
    Refused {
        /// The program's name.
        program: &'static str,
        /// What it was to be attached to.
        to: String,
        /// What aya says.
        #[source]
        source: Box<ProgramError>,
    },
    /// The kernel refused to place its probes.
    #[error("failed to attach eBPF program {program} to {to}")]
    Uprobe {
        /// The program's name.
        program: &'static str,
        /// The file in which they were to be placed.
        to: String,
        /// What was refused.
        #[source]
        source: UprobeError,
    },
    /// The list of CPUs could not be read.
    #[error("failed to read the list of CPUs from {file}")]
    Cpus {
        /// The file that holds it.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Kernel {
    /// Reports threads and processes that begin, run another program and end.
    pub fn watch_processes(&mut self) -> Result<(), AttachError> {
        for (name, tracepoint) in TRACEPOINTS {
            let program: &mut RawTracePoint = self.program(name)?;
            program.load().map_err(|source| not_loaded(name, source))?;
            program.attach(tracepoint).map_err(|source| refused(name, tracepoint, source))?;
        }
        Ok(())
    }

    /// Reports processes that are not traced when they run another program.
    pub fn watch_strangers(&mut self) -> Result<(), AttachError> {
        let (name, tracepoint) = ("stranger_exec", "sched_process_exec");
        let program: &mut RawTracePoint = self.program(name)?;
        program.load().map_err(|source| not_loaded(name, source))?;
        program.attach(tracepoint).map_err(|source| refused(name, tracepoint, source))?;
        Ok(())
    }

    /// Samples the traced processes on every CPU, `hz` times a second of CPU time.
    pub fn sample(&mut self, hz: u64) -> Result<(), AttachError> {
        let cpus = aya::util::online_cpus()
            .map_err(|(file, source)| AttachError::Cpus { file: file.to_owned(), source })?;
        let program: &mut PerfEvent = self.program("sample")?;
        program.load().map_err(|source| not_loaded("sample", source))?;
        for cpu in cpus {
            program
                .attach(
                    PerfEventConfig::Software(SoftwareEvent::CpuClock),
                    PerfEventScope::AllProcessesOneCpu { cpu },
                    SamplePolicy::Frequency(hz),
                    false,
                )
                .map_err(|source| refused("sample", &format!("the clock of CPU {cpu}"), source))?;
        }
        Ok(())
    }

    /// Reports the beginning and the end of interpreters: at the places of `milestones` in the file `path`.
    ///
    /// The probes are on the file, not on a process: children that run the same interpreter hit them too.
    /// They stay until [`Kernel::unhook`].
    pub fn hook_milestones(&mut self, path: &Path, milestones: &Milestones) -> Result<(), AttachError> {
        let refused =
            |source| AttachError::Uprobe { program: MILESTONE, to: path.display().to_string(), source };
        let none = || refused(UprobeError::Object("there is none".to_owned()));
        let file = CString::new(path.as_os_str().as_bytes()).map_err(|_nul| none())?;
        let place = |cookie| move |offset: &u64| Place { offset: *offset, cookie };
        let starts = milestones.starts.iter().map(place(milestone::START));
        let places: Vec<Place> = starts.chain(milestones.ends.iter().map(place(milestone::END))).collect();
        let everyone = Scope { pid: None, returns: false };
        let library = self.library.as_ref().ok_or_else(none)?;
        let program = library.program(MILESTONE).map_err(refused)?;
        self.hooks.extend(program.attach(&file, &places, everyone).map_err(refused)?);
        Ok(())
    }

    /// Takes every uprobe away, in the background: the kernel waits until no CPU can be in one, some 40 ms for
    /// a link to many and 100 ms for a perf uprobe (`uprobe_unregister_sync`, `kernel/events/uprobes.c`, Linux
    /// 6.13).
    ///
    /// A process has several links, and a server many processes: those that are waited for at the same time take no
    /// longer than one.
    pub fn unhook(&mut self) -> Unhooking {
        let of_processes =
            self.calls.take_links().chain(self.effects.take_links()).chain(self.allocations.take_links());
        let hooks: Vec<OwnedFd> = self.hooks.drain(..).chain(of_processes).collect();
        let share = hooks.len().div_ceil(MAX_UNHOOKING).max(1);
        let mut hooks = hooks.into_iter().peekable();
        let mut threads = Vec::new();
        while hooks.peek().is_some() {
            let some: Vec<OwnedFd> = hooks.by_ref().take(share).collect();
            let remove = move || {
                let _urgent = Urgent::begin();
                drop(some);
            };
            // Without a thread they are closed here, which takes longer.
            threads.extend(thread::Builder::new().name("molt-unhook".to_owned()).spawn(remove).ok());
        }
        Unhooking(threads)
    }

    pub(super) fn program<'a, T>(&'a mut self, name: &'static str) -> Result<&'a mut T, LoadError>
    where
        &'a mut T: TryFrom<&'a mut Program, Error = ProgramError>,
    {
        let program = self.ebpf.program_mut(name).ok_or(LoadError::Missing(name))?;
        program.try_into().map_err(|source| LoadError::program(name, source))
    }
}

fn not_loaded(program: &'static str, source: ProgramError) -> AttachError {
    LoadError::program(program, source).into()
}

fn refused(program: &'static str, to: &str, source: ProgramError) -> AttachError {
    AttachError::Refused { program, to: to.to_owned(), source: Box::new(source) }
}
