//! Loads the kernel side and talks to its maps.

use super::allocations::Allocations;
use super::calls::Calls;
use super::effects::Effects;
use super::library::Library;
use super::maps::MapValue;
use super::uprobes::Prepared;
use super::{btf, object, refusal};
use crate::discover::privileges::pid_namespace;
use aya::maps::{Array, HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::{ProgramError, RawTracePoint, RawTracePointRunOptions, TestRun};
use aya::{Ebpf, EbpfError, EbpfLoader};
use molt_common::WIRE_VERSION;
use molt_common::config::{KernelLayout, PidLayout, ProcessConfig};
use molt_common::fault::Fault;
use molt_common::layout::ABSENT;
use molt_common::limits::RING_BYTES;
use std::error::Error;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Why the kernel side could not be loaded or configured.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The embedded object writes other records than this binary reads.
    #[error("embedded eBPF object has wire version {found:?}, this binary reads {WIRE_VERSION}")]
    WireVersion {
        /// The object's version, if it names one.
        found: Option<u32>,
    },
    /// The kernel refused the object's maps or BTF.
    #[error("failed to load the eBPF object")]
    Object(#[source] Box<EbpfError>),
    /// The kernel refused a program.
    #[error("failed to load eBPF program {program}")]
    Program {
        /// The program's name.
        program: &'static str,
        /// What aya says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The kernel's verifier does not take a program. Its log, which may have thousands of lines, goes to
    /// molt's own log.
    #[error("kernel's verifier refused eBPF program {program}: {reason}")]
    Verifier {
        /// The program's name.
        program: &'static str,
        /// The line of the log that says why.
        reason: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// molt lives in a pid namespace of its own, and how the kernel keeps ids in it is not known.
    #[error("failed to find out how the kernel knows the processes of this pid namespace")]
    Namespace(#[source] btf::BtfError),
    /// The object has no program or map of this name.
    #[error("embedded eBPF object has no {0}")]
    Missing(&'static str),
    /// A map could not be read or written.
    #[error("failed to access eBPF map {map}")]
    Map {
        /// The map's name.
        map: &'static str,
        /// The kernel's answer.
        #[source]
        source: aya::maps::MapError,
    },
}

impl LoadError {
    /// That `program` was not loaded.
    pub(super) fn program(program: &'static str, refused: ProgramError) -> Self {
        let ProgramError::LoadError { io_error, verifier_log } = refused else {
            return Self::Program { program, source: Box::new(refused) };
        };
        let log = verifier_log.to_string();
        let Some(reason) = refusal::reason(&log) else {
            return Self::Program { program, source: Box::new(io_error) };
        };
        tracing::debug!("the verifier's log of program {program}:\n{log}");
        Self::Verifier { program, reason, source: io_error }
    }
}

/// The loaded kernel side. Dropping it detaches every program.
pub struct Kernel {
    pub(super) ebpf: Ebpf,
    processes: HashMap<MapData, u32, MapValue<ProcessConfig>>,
    counters: PerCpuArray<MapData, u64>,
    events: RingBuf<MapData>,
    /// The object's programs for links to many places, where they could be prepared.
    pub(super) library: Option<Arc<Library>>,
    /// What sees calls, and what is counted.
    pub(super) calls: Calls,
    /// What sees effects.
    pub(super) effects: Effects,
    /// What sees requests of memory.
    pub(super) allocations: Allocations,
    /// Probes on files, for every process.
    pub(super) hooks: Vec<OwnedFd>,
    /// Why the thread pointer cannot be read on this kernel, if it cannot.
    pub degraded: Option<btf::BtfError>,
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("degraded", &self.degraded).finish_non_exhaustive()
    }
}

/// Takes the map `name` out of the object as a `$kind`.
macro_rules! take_map {
    ($ebpf:expr, $name:literal, $kind:ident) => {
        $kind::try_from($ebpf.take_map($name).ok_or($crate::capture::ebpf::LoadError::Missing($name))?)
            .map_err(|source| $crate::capture::ebpf::LoadError::Map { map: $name, source })
    };
}
pub(super) use take_map;

impl Kernel {
    /// Loads the embedded object and tells it the kernel's layout. Nothing is attached yet. The programs that see calls
    /// are loaded in the background where there is room for what they tell.
    pub fn load(room: Room) -> Result<Self, LoadError> {
        let kernel = Self::load_object(object::bytes(), room)?;
        if room == Room::Calls
            && let Some(library) = &kernel.library
        {
            library.load_ahead();
        }
        Ok(kernel)
    }

    /// Loads an object that holds the kernel side.
    pub fn load_object(bytes: &[u8], room: Room) -> Result<Self, LoadError> {
        let found = object::wire_version(bytes);
        if found != Some(WIRE_VERSION) {
            return Err(LoadError::WireVersion { found });
        }
        let namespace = pid_namespace();
        let (layout, degraded) = match btf::kernel_layout(namespace) {
            Ok(layout) => (layout, None),
            Err(unknown) if namespace.is_some() => return Err(LoadError::Namespace(unknown)),
            Err(unknown) => (unknown_kernel(), Some(unknown)),
        };
        let level = if namespace.is_some() { namespace_level(bytes, layout)? } else { 0 };
        let mut ebpf = load_configured(bytes, room, level, layout)?;
        // Before any map is taken out of `ebpf`.
        let prepared = Prepared::new(bytes, &ebpf)
            .inspect_err(|failed| tracing::info!(%failed, "probes are placed one by one"));
        Ok(Self {
            library: prepared.ok().map(Library::new),
            calls: Calls::new(&mut ebpf)?,
            effects: Effects::new(&mut ebpf)?,
            allocations: Allocations::new(&mut ebpf)?,
            processes: take_map!(ebpf, "PROCESSES", HashMap)?,
            counters: take_map!(ebpf, "COUNTERS", PerCpuArray)?,
            events: take_map!(ebpf, "EVENTS", RingBuf)?,
            hooks: Vec::new(),
            ebpf,
            degraded,
        })
    }

    /// Traces process `pid` from here on, as `config` says.
    pub fn trace(&mut self, pid: u32, config: &ProcessConfig) -> Result<(), LoadError> {
        self.processes
            .insert(pid, MapValue(*config), 0)
            .map_err(|source| LoadError::Map { map: "PROCESSES", source })
    }

    /// Stops tracing process `pid`. Nothing happens if it was not traced.
    pub fn forget(&mut self, pid: u32) {
        // An entry that is already gone is what was asked for.
        let _ = self.processes.remove(&pid);
    }

    /// Becomes readable when there are records.
    pub fn events_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }

    /// Hands each waiting record's bytes to `take`, oldest first, at most `most` of them.
    pub fn drain(&mut self, most: usize, mut take: impl FnMut(&[u8])) -> usize {
        let mut taken = 0;
        while taken < most {
            let Some(record) = self.events.next() else { break };
            take(&record);
            taken += 1;
        }
        taken
    }

    /// Faults counted by the kernel side so far, over all CPUs; those that never happened are left out.
    pub fn faults(&self) -> Result<Vec<(Fault, u64)>, LoadError> {
        let mut counts = Vec::new();
        for fault in Fault::ALL {
            let per_cpu = self
                .counters
                .get(&(fault as u32), 0)
                .map_err(|source| LoadError::Map { map: "COUNTERS", source })?;
            let count: u64 = per_cpu.iter().sum();
            if count > 0 {
                counts.push((fault, count));
            }
        }
        Ok(counts)
    }
}

/// What the kernel side has room for. To make large tables takes the kernel 15 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Nothing that is kept: one program is run once.
    Nothing,
    /// Samples, and single hits of what else there is.
    Samples,
    /// Everything.
    Calls,
}

impl Room {
    /// Bytes of the ring buffer.
    const fn ring_bytes(self) -> u32 {
        match self {
            // A page, the least that the kernel makes.
            Self::Nothing => 4096,
            Self::Samples => RING_BYTES,
            // A program sends a hundred times what samples need when each of its calls is new, as at its start: that
            // of thousands of code objects, each copied.
            Self::Calls => 32 << 20,
        }
    }
}

/// The tables in which calls, effects and requests of memory are counted.
const TABLES: [&str; 8] =
    ["OPEN", "ACTIVE", "CALLS", "UNDETAILED", "SEEN", "EFFECTS", "MUTATIONS", "ALLOCATIONS"];

/// How many pid namespaces lie around molt's, which no file tells inside of one: a program is run that counts them.
fn namespace_level(bytes: &[u8], layout: KernelLayout) -> Result<u32, LoadError> {
    const NAME: &str = "namespace_level";
    let mut ebpf = load_configured(bytes, Room::Nothing, 0, layout)?;
    let program = ebpf.program_mut(NAME).ok_or(LoadError::Missing(NAME))?;
    let program: &mut RawTracePoint =
        program.try_into().map_err(|source| LoadError::program(NAME, source))?;
    program.load().map_err(|source| LoadError::program(NAME, source))?;
    let run = program.test_run(RawTracePointRunOptions::new());
    run.map(|run| run.return_value).map_err(|source| LoadError::program(NAME, source))
}

/// Loads the object for user space that lives in a pid namespace at this level. Programs that are loaded later find
/// the kernel's layout.
fn load_configured(bytes: &[u8], room: Room, level: u32, layout: KernelLayout) -> Result<Ebpf, LoadError> {
    let mut loader = EbpfLoader::new();
    loader.map_max_entries("EVENTS", room.ring_bytes()).override_global("NAMESPACE_LEVEL", &level, true);
    if room != Room::Calls {
        for table in TABLES {
            loader.map_max_entries(table, 1);
        }
    }
    let mut ebpf = loader.load(bytes).map_err(|source| LoadError::Object(Box::new(source)))?;
    configure(&mut ebpf, layout)?;
    Ok(ebpf)
}

/// Writes the kernel's layout where the programs read it. The map stays in `ebpf`, which the programs need
/// when they are loaded.
fn configure(ebpf: &mut Ebpf, layout: KernelLayout) -> Result<(), LoadError> {
    let refused = |source| LoadError::Map { map: "KERNEL", source };
    let map = ebpf.map_mut("KERNEL").ok_or(LoadError::Missing("KERNEL"))?;
    let mut kernel: Array<&mut MapData, MapValue<KernelLayout>> = map.try_into().map_err(refused)?;
    kernel.set(0, MapValue(layout), 0).map_err(refused)
}

/// What is told to the kernel side when the kernel's BTF is not to be had: threads are found by their ids
/// alone, and children cannot be followed.
fn unknown_kernel() -> KernelLayout {
    KernelLayout {
        task_pid: ABSENT,
        task_tgid: ABSENT,
        task_thread_pointer: ABSENT,
        namespace: 0,
        pids: PidLayout::default(),
    }
}
