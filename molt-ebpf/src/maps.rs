//! The door for maps: what each holds, who writes it.

use crate::desk::{self, Desk};
use crate::{lasting, met};
use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::btf_maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::macros::btf_map;
use molt_common::allocation::{Allocated, AllocationKey, MAX_ALLOCATIONS, Resized};
use molt_common::call::{
    CallKey, FrameKey, Gate, MAX_CALL_SITES, MAX_CALLS, MAX_OPEN_CALLS, MAX_SEEN, Meter, OpenCall, SiteKey,
    Told,
};
use molt_common::config::{KernelLayout, ProcessConfig};
use molt_common::container::MAX_ELEMENTS;
use molt_common::effect::{Burst, EffectCount, EffectKey, MAX_EFFECTS, MAX_SYSCALLS};
use molt_common::event::sample::{Frame, Sample};
use molt_common::fault::{COUNTER_SLOTS, Fault};
use molt_common::limits::{MAX_FRAMES, MAX_PROCESSES, RING_BYTES};
use molt_common::mutation::{Assigning, MAX_MUTATIONS, MutationKey};
use molt_common::plan::{MAX_PIECE, MAX_STEPS, Piece, Plans};
use molt_common::walk::Buffers;
use molt_common::walk::stack::Cursor;

/// Process id to how it is read. Written by user space, and by `fork` and `exit` for children.
#[btf_map]
pub static PROCESSES: HashMap<u32, ProcessConfig, { MAX_PROCESSES as usize }> = HashMap::new();

/// One entry, written by user space before any program is attached.
#[btf_map]
pub static KERNEL: Array<KernelLayout, 1> = Array::new();

/// Faults by number. Each CPU counts for itself; user space adds them up.
#[btf_map]
pub static COUNTERS: PerCpuArray<u64, { COUNTER_SLOTS as usize }> = PerCpuArray::new();

/// Records on their way to user space.
#[btf_map]
pub static EVENTS: RingBuf<(), { RING_BYTES as usize }> = RingBuf::new();

/// Tables that grow with what they hold, so that an idle one costs nothing.
const GROWS: usize = BPF_F_NO_PREALLOC as usize;

/// Calls that have begun and not ended, by their frames.
#[btf_map]
pub static OPEN: HashMap<FrameKey, OpenCall, { MAX_OPEN_CALLS as usize }, GROWS> = HashMap::new();

/// Up to 3.10: a frame to the one that it has called. [`FrameKey::frame`] is 0 for a thread's first frame.
#[btf_map]
pub static ACTIVE: HashMap<FrameKey, u64, { MAX_OPEN_CALLS as usize }, GROWS> = HashMap::new();

/// How often each tuple was seen.
#[btf_map]
pub static CALLS: HashMap<CallKey, u64, { MAX_CALLS as usize }, GROWS> = HashMap::new();

/// How often call sites were seen whose tuples found no room.
#[btf_map]
pub static UNDETAILED: HashMap<SiteKey, u64, { MAX_CALL_SITES as usize }, GROWS> = HashMap::new();

/// How often tuples, codes and types were met, by their hash. What is forgotten is told of again, which does no harm.
#[btf_map]
pub static SEEN: LruHashMap<u64, u32, { MAX_SEEN as usize }> = LruHashMap::new();

/// How often each piece of code was seen to cause each event.
#[btf_map]
pub static EFFECTS: HashMap<EffectKey, EffectCount, { MAX_EFFECTS as usize }, GROWS> = HashMap::new();

/// How often each piece of code was seen to assign to each attribute of a module.
#[btf_map]
pub static MUTATIONS: HashMap<MutationKey, u64, { MAX_MUTATIONS as usize }, GROWS> = HashMap::new();

/// How much each piece of code has allocated.
#[btf_map]
pub static ALLOCATIONS: HashMap<AllocationKey, Allocated, { MAX_ALLOCATIONS as usize }, GROWS> =
    HashMap::new();

/// What each CPU has resized last.
#[btf_map]
pub static RESIZED: PerCpuArray<Resized, 1> = PerCpuArray::new();

/// One entry, written by user space when it grants hits of allocations.
#[btf_map]
pub static ALLOCATION_GATE: Array<Gate, 1> = Array::new();

/// Threads that trace states are kept of. Those of the least active ones are forgotten.
const MAX_THREADS: usize = 1 << 13;

/// Where each program's data ends.
#[btf_map]
pub static BREAKS: LruHashMap<u32, u64, MAX_THREADS> = LruHashMap::new();

/// What each thread has begun to assign.
#[btf_map]
pub static ASSIGNING: LruHashMap<u32, Assigning, MAX_THREADS> = LruHashMap::new();

/// What each thread imports, see `importing`.
#[btf_map]
pub static IMPORTING: LruHashMap<u64, u64, MAX_THREADS> = LruHashMap::new();

/// How system calls are looked at, by number: one of [`molt_common::effect::syscall`]. Written by user space.
#[btf_map]
pub static SYSCALLS: Array<u8, { MAX_SYSCALLS as usize }> = Array::new();

/// What tells each CPU when to sample each system call.
#[btf_map]
pub static BURSTS: PerCpuArray<Burst, { MAX_SYSCALLS as usize }> = PerCpuArray::new();

/// What probes and samples did. Each CPU counts for itself.
#[btf_map]
pub static METER: PerCpuArray<Meter, 1> = PerCpuArray::new();

/// One entry, written by user space when it grants hits.
#[btf_map]
pub static GATE: Array<Gate, 1> = Array::new();

/// How objects of each program are copied. Written by user space.
#[btf_map]
pub static PLANS: HashMap<u32, Plans, { MAX_PROCESSES as usize }, GROWS> = HashMap::new();

/// What the instances of types are, by [`molt_common::call::salted`] addresses. Written by user space.
#[btf_map]
pub static KINDS: HashMap<u64, u32, { MAX_SEEN as usize }, GROWS> = HashMap::new();

/// Pairs of an address and the word there.
pub type Words = [[u64; 2]; 2 * MAX_ELEMENTS as usize];

/// A piece of memory on its way to user space.
#[repr(C)]
pub struct Pieces {
    pub piece: Piece,
    pub bytes: [u8; MAX_PIECE],
    /// What goes before the words.
    pub words_head: Piece,
    /// Pairs of an address and the word there.
    pub words: Words,
    /// The call that is told of.
    pub told: Told,
    /// The places of the plan that is being followed.
    pub places: [u64; 1 + MAX_STEPS],
    /// Where the rest of the stretch that is being copied begins, and its bytes.
    pub at: u64,
    pub left: u64,
    /// Where the elements of the container that is being copied lie.
    pub table: Table,
    /// Words gathered so far.
    pub gathered: u64,
    /// Not 0 while a task uses it.
    pub busy: u32,
    /// What headers of pieces are marked with.
    pub flags: u16,
}

/// Where a container's elements lie.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Table {
    /// The first place.
    pub base: u64,
    /// Places, some of which may be empty.
    pub count: u64,
    /// Bytes from one to the next.
    pub stride: u64,
    /// Offset of the key in a place.
    pub key: u64,
    /// Offset of the element, or of the value, in a place.
    pub value: u64,
    /// Where the values lie, if apart; else 0.
    pub values: u64,
}

/// One for each CPU. A task that is interrupted while it uses it keeps it.
#[btf_map]
pub static PIECES: PerCpuArray<Pieces, 1> = PerCpuArray::new();

/// This CPU's memory for pieces.
#[inline(always)]
pub fn pieces() -> Result<&'static mut Pieces, Fault> {
    let pieces = PIECES.get_ptr_mut(0).ok_or(Fault::MapMissing)?;
    // SAFETY: the entry exists for the whole life of the map; what another task does with it while this one is
    // interrupted is kept out by `busy`.
    Ok(unsafe { &mut *pieces })
}

/// What is too large for a program's stack of 512 bytes.
#[repr(C)]
pub struct Scratch {
    pub sample: Sample,
    pub frames: [Frame; MAX_FRAMES],
    pub buffers: Buffers,
    /// On the stack the verifier would follow the count of frames, and look at the walk's step once for each; and
    /// so with what follows.
    pub cursor: Cursor,
    /// Pieces of code in the stack that user space has not been told of.
    pub unmet: u32,
    /// The frames of the innermost of them.
    pub fresh: [u32; MAX_FRESH],
    /// The program that they are code of.
    pub program: u32,
}

/// Most frames of one sample whose code is copied: the body of a class in that of a module, and what made them.
pub const MAX_FRESH: usize = 8;

/// One for each CPU. Only the sampling program uses it, and that cannot interrupt itself.
#[btf_map]
pub static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

/// See [`crate::lasting`].
#[btf_map]
pub static LASTING: Array<[u64; lasting::WORDS], 1> = Array::new();

/// Where the thread that runs on each CPU goes on after the return of a function that was seen last.
#[btf_map]
pub static LANDING: PerCpuArray<u64, 1> = PerCpuArray::new();

/// See [`crate::desk`].
#[btf_map]
pub static DESKS: PerCpuArray<Desk, { desk::DESKS as usize }> = PerCpuArray::new();

/// See [`crate::met::Met`].
#[btf_map]
pub static MET: Array<[u64; met::SETS], 1> = Array::new();

/// A sample has been taken since `began_ns`, the time of its record.
#[inline(always)]
pub fn meter_sample(began_ns: u64, user: bool) {
    if let Some(meter) = METER.get_ptr_mut(0) {
        // SAFETY: the slot exists for the whole life of the map and belongs to this CPU, and only the sampling
        // program, which cannot interrupt itself, changes these.
        let meter = unsafe { &mut *meter };
        meter.samples += 1;
        meter.samples_user += u64::from(user);
        meter.samples_ns += crate::task::now_ns() - began_ns;
    }
}

/// A tick has met a traced process.
#[inline(always)]
pub fn meter_tick() {
    if let Some(meter) = METER.get_ptr_mut(0) {
        // SAFETY: as in [`meter_sample`], for the program of ticks.
        unsafe { (*meter).ticks += 1 };
    }
}

/// The configuration of process `pid`, if it is traced.
#[inline(always)]
pub fn process(pid: u32) -> Option<&'static ProcessConfig> {
    // SAFETY: an entry is replaced as a whole and its memory is reclaimed only after a grace period that
    // outlasts this program (`kernel/bpf/hashtab.c`); a torn value makes a wrong read of user memory, which
    // is checked.
    unsafe { PROCESSES.get(pid) }
}

/// Clears `flags` in the configuration of process `pid`.
#[inline(always)]
pub fn clear_flags(pid: u32, flags: u32) {
    if let Some(config) = PROCESSES.get_ptr_mut(pid) {
        // SAFETY: the entry's memory outlives this program, as in [`process`]; a write that is lost to a
        // concurrent one of user space leaves one of two whole values.
        unsafe { (*config).flags &= !flags };
    }
}

/// This CPU's scratch memory.
#[inline(always)]
pub fn scratch() -> Result<&'static mut Scratch, Fault> {
    let scratch = SCRATCH.get_ptr_mut(0).ok_or(Fault::MapMissing)?;
    // SAFETY: the entry exists for the whole life of the map, and only one sampling program runs on a CPU at
    // a time, so this is the only reference.
    Ok(unsafe { &mut *scratch })
}
