//! Does what a run does to the kernel, and undoes it.

use crate::capture::ebpf::attach::AttachError;
use crate::capture::ebpf::btf::BtfError;
use crate::capture::ebpf::calls::HookError;
use crate::capture::ebpf::cost::HitCost;
use crate::capture::ebpf::{Kernel, Room};
use crate::discover::elf::Elf;
use crate::discover::{Build, Milestones};
use object::read::ReadCache;
use std::fs::File;
use std::path::PathBuf;

/// Samples per second and CPU while the trial goes on. No process is traced, so each ends at once.
const TRIAL_HZ: u64 = 1;

/// Where a uprobe is tried.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    milestones: Milestones,
}

impl Place {
    /// Where a run places its own.
    pub(super) fn of_interpreter(build: &Build) -> Self {
        Self { path: build.open_path(), milestones: build.milestones() }
    }

    /// The first instruction of molt itself, which has run already.
    pub(super) fn of_molt() -> Self {
        let path = PathBuf::from("/proc/self/exe");
        let offset = File::open(&path).ok().and_then(entry_offset);
        Self { path, milestones: Milestones { starts: Vec::new(), ends: offset.into_iter().collect() } }
    }
}

/// The offset in an ELF file of its first instruction.
fn entry_offset(file: File) -> Option<u64> {
    use object::Object;
    let entry = object::File::parse(&ReadCache::new(file.try_clone().ok()?)).ok()?.entry();
    Elf::parse(file).ok()?.file_offset(entry)
}

/// What became of one thing that was tried.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The kernel let molt do it.
    Done,
    /// The kernel refused.
    Refused(AttachError),
    /// It was not tried: what it builds on was refused, or there is no place for it.
    NotTried(&'static str),
}

impl Outcome {
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    fn of(result: Result<(), AttachError>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(refused) => Self::Refused(refused),
        }
    }
}

/// What the kernel let molt do.
#[derive(Debug)]
pub(super) struct Trial {
    /// Load the object: its maps and its BTF.
    pub(super) load: Outcome,
    /// Report processes and threads.
    pub(super) processes: Outcome,
    /// Sample on every CPU.
    pub(super) sampler: Outcome,
    /// Place a uprobe.
    pub(super) uprobe: Outcome,
    /// Measure what a hit of a probe costs.
    pub(super) hits: Result<HitCost, HookError>,
    /// What a system call costs more that is watched, in nanoseconds; none if they cannot be.
    pub(super) syscall_ns: Option<u64>,
    /// Why threads' pointers and children cannot be read on this kernel, if so.
    pub(super) degraded: Option<BtfError>,
}

impl Trial {
    /// Loads and attaches everything, a uprobe at `place` included, and takes it away again.
    pub(super) fn run(place: &Place) -> Self {
        let mut kernel = match Kernel::load(Room::Samples) {
            Ok(kernel) => kernel,
            Err(refused) => return Self::not_loaded(refused.into()),
        };
        let processes = Outcome::of(kernel.watch_processes());
        let sampler = Outcome::of(kernel.sample(TRIAL_HZ));
        let uprobe = if place.milestones.ends.is_empty() {
            Outcome::NotTried(
                "there is no place for it: the file exports none of the functions that begin the end",
            )
        } else {
            Outcome::of(kernel.hook_milestones(&place.path, &place.milestones))
        };
        let (hits, syscall_ns) = (kernel.measure_hits(None), kernel.measure_syscalls());
        let degraded = kernel.degraded.take();
        Self { load: Outcome::Done, processes, sampler, uprobe, hits, syscall_ns, degraded }
    }

    fn not_loaded(refused: AttachError) -> Self {
        const WHY: &str = "the object was not loaded";
        Self {
            load: Outcome::Refused(refused),
            processes: Outcome::NotTried(WHY),
            sampler: Outcome::NotTried(WHY),
            uprobe: Outcome::NotTried(WHY),
            hits: Err(HookError::Unprepared),
            syscall_ns: None,
            degraded: None,
        }
    }

    /// Whether a run would get samples.
    pub(super) fn can_sample(&self) -> bool {
        self.load.is_done() && self.processes.is_done() && self.sampler.is_done()
    }
}
