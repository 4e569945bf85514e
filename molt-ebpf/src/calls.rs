//! The door for counting calls: what a hit costs, and the tables that calls are counted in.

use crate::maps::{ACTIVE, CALLS, GATE, METER, OPEN, SEEN, UNDETAILED, process};
use crate::repeat::{Turn, repeat};
use crate::{atomic, emit, fault, snapshot, task};
use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use core::hint::black_box;
use molt_common::call::{
    CallKey, FrameKey, MAX_SLOTS, Meter, Seen, SiteKey, UNLIMITED, address, is_timed, outcome,
};
use molt_common::config::{PROCESS_CALLS, PROCESS_READY, ProcessConfig};
use molt_common::event::{KIND_CALL, KIND_SPENT};
use molt_common::fault::Fault;
use zerocopy::IntoBytes;

/// A hit of a probe by a process whose calls are counted.
pub struct Hit {
    /// How the process is read.
    pub config: &'static ProcessConfig,
    meter: *mut Meter,
    began: u64,
}

impl Hit {
    /// The hit that is being handled, unless the process is not traced or all hits that were granted are spent.
    #[inline(always)]
    pub fn begin() -> Option<Self> {
        let config = process(task::current_pid())?;
        if config.flags & PROCESS_CALLS == 0 {
            return None;
        }
        let meter = METER.get_ptr_mut(0)?;
        if !granted() {
            // SAFETY: as below.
            unsafe { (*meter).unused += 1 };
            return None;
        }
        if config.flags & PROCESS_READY == 0 {
            fault::count(Fault::UnreadCall);
            return None;
        }
        // SAFETY: the slot exists for the whole life of the map and belongs to this CPU. A program of another
        // task that comes between may lose one count, never memory.
        let hits = unsafe { &mut (*meter).hits };
        *hits += 1;
        let began = if is_timed(*hits) { task::now_ns() } else { 0 };
        Some(Self { config, meter, began })
    }

    /// The frame was where the site says, or is one whose beginning was seen.
    #[inline(always)]
    pub fn accept(&self) {
        // SAFETY: as in [`Hit::begin`].
        unsafe { (*self.meter).accepted += 1 };
    }

    /// The hit has been handled.
    #[inline(always)]
    pub fn end(self) {
        if self.began != 0 {
            // SAFETY: as in [`Hit::begin`].
            let meter = unsafe { &mut *self.meter };
            meter.timed += 1;
            meter.timed_ns += task::now_ns() - self.began;
        }
    }

    /// The key of a frame of this program.
    #[inline(always)]
    pub fn frame(&self, frame: u64) -> FrameKey {
        FrameKey {
            frame,
            program: self.config.program,
            tid: if frame == 0 { task::current_tid() } else { 0 },
        }
    }
}

/// Whether hits are counted now.
#[inline(always)]
pub fn counted() -> bool {
    // SAFETY: the entry exists for the whole life of the map.
    GATE.get(0).is_some_and(|gate| unsafe { (&raw const gate.left).read_volatile() } > 0)
}

/// Takes one of the hits that user space has granted.
#[inline(always)]
fn granted() -> bool {
    let Some(gate) = GATE.get_ptr_mut(0) else { return false };
    // SAFETY: the entry exists for the whole life of the map; what another CPU takes meanwhile is seen below.
    let before = unsafe { (&raw const (*gate).left).read_volatile() };
    if before <= 0 || before >= UNLIMITED {
        return before > 0;
    }
    // SAFETY: as above; nothing else of the kernel side changes it.
    let before = unsafe { atomic::take(gate.cast(), 1) };
    if before == 1
        && let Err(lost) = emit::record(&task::header(KIND_SPENT))
    {
        fault::count(lost);
    }
    before > 0
}

/// Notes that `frame` executes the call of `seen`, and tells user space of it if it is new.
#[inline(always)]
pub fn open(frame: FrameKey, seen: &mut Seen) -> Result<(), Fault> {
    announce(seen)?;
    if let Some(place) = OPEN.get_ptr_mut(frame) {
        // SAFETY: an element's memory outlives this program, as in `maps::process`, and only the thread that
        // executes the frame changes it.
        let place = unsafe { &mut *place };
        if place.outcome == outcome::OPEN {
            // What lay there before ended unseen, such as a generator that was dropped while it waited.
            count(place)?;
        }
        *place = seen.key;
        return Ok(());
    }
    OPEN.insert(frame, &seen.key, BPF_ANY.into()).map_err(|_| Fault::OpenCallsFull)
}

/// The call that `frame` executes, if its start was seen. It ends when its outcome is set.
///
/// Its place is kept for the next call: frames lie on a stack, and come again at the same addresses.
#[inline(always)]
pub fn executed(frame: FrameKey) -> Option<&'static mut CallKey> {
    let place = OPEN.get_ptr_mut(frame)?;
    // SAFETY: as in [`open`].
    let place = unsafe { &mut *place };
    if place.outcome == outcome::OPEN { Some(place) } else { None }
}

/// Gives up the place of a generator's frame, which lies on the heap and may never come again.
#[inline(always)]
pub fn forget(frame: FrameKey) {
    let _ = OPEN.remove(frame);
}

/// Up to 3.10: notes that `caller` has called `frame`.
#[inline(always)]
pub fn activate(caller: FrameKey, frame: u64) -> Result<(), Fault> {
    ACTIVE.insert(caller, frame, BPF_ANY.into()).map_err(|_| Fault::OpenCallsFull)
}

/// The frame that `caller` has called last.
#[inline(always)]
pub fn active(caller: FrameKey) -> Option<u64> {
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    unsafe { ACTIVE.get(caller) }.copied()
}

/// Counts a tuple. Whether it is a new one.
#[inline(always)]
pub fn count(key: &CallKey) -> Result<bool, Fault> {
    if let Some(count) = CALLS.get_ptr_mut(key) {
        // SAFETY: an element's memory outlives this program, and only `atomic` changes counts.
        unsafe { atomic::add(count, 1) };
        return Ok(false);
    }
    match CALLS.insert(key, 1, BPF_NOEXIST.into()) {
        Ok(()) => Ok(true),
        Err(_) => count_again(key),
    }
}

/// Another CPU was quicker, or the table is full: then the call counts without its types.
#[inline(always)]
fn count_again(key: &CallKey) -> Result<bool, Fault> {
    if let Some(count) = CALLS.get_ptr_mut(key) {
        // SAFETY: as in [`count`].
        unsafe { atomic::add(count, 1) };
        return Ok(false);
    }
    fault::count(Fault::CallsFull);
    if key.outcome > outcome::RAISED {
        return Err(Fault::CallSitesFull);
    }
    let site = SiteKey { program: key.program, offset: key.offset, caller: key.caller, callee: key.callee };
    if let Some(count) = UNDETAILED.get_ptr_mut(site) {
        // SAFETY: as in [`count`].
        unsafe { atomic::add(count, 1) };
        return Ok(false);
    }
    UNDETAILED.insert(site, 1, BPF_ANY.into()).map_err(|_| Fault::CallSitesFull)?;
    Ok(false)
}

/// Tells user space of a tuple: when it is met first, and then ever more rarely, so that a few of the objects that
/// come with it are seen. Objects that may be freed soon are copied.
#[inline(always)]
pub fn announce(seen: &mut Seen) -> Result<(), Fault> {
    let times = times_seen(hash(&seen.key));
    if !times.is_power_of_two() {
        return Ok(());
    }
    if times == 1 {
        copy(seen);
    }
    seen.header = task::header(KIND_CALL);
    emit::record(seen)
}

/// Copies the callee and the types of a tuple that were not met before.
#[inline(always)]
fn copy(seen: &Seen) {
    let key = &seen.key;
    if seen.callee_globals != 0 && times_seen(salted(key.callee, key.program)) == 1 {
        snapshot::send(key.program, address(key.callee), seen.callee_globals, |plans| &plans.code);
    }
    repeat(MAX_SLOTS as u32, copy_slot, &mut &seen.key);
    copy_type(key.program, key.result);
}

/// Copies the type of one parameter.
extern "C" fn copy_slot(index: u32, key: &mut &CallKey) -> Turn {
    // The verifier wants to see the bound of what is added to a pointer.
    let index = black_box(index as usize & (MAX_SLOTS - 1));
    if let Some(found) = key.args.get(index) {
        copy_type(key.program, *found);
    }
    Turn::Go
}

#[inline(always)]
fn copy_type(program: u32, found: u64) {
    // Types without an identity are never freed.
    if found != address(found) && times_seen(salted(found, program)) == 1 {
        snapshot::send(program, address(found), 0, |plans| &plans.heap_type);
    }
}

/// How often something was met, itself included, as far as that is remembered.
#[inline(always)]
fn times_seen(hash: u64) -> u32 {
    if let Some(times) = SEEN.get_ptr_mut(hash) {
        // SAFETY: an element's memory outlives this program, as in `maps::process`. A count that is lost to another
        // CPU makes something be told of once more or less.
        let times = unsafe { &mut *times };
        *times = times.wrapping_add(1);
        return *times;
    }
    // A table that is full for a moment makes it be told of again.
    let _ = SEEN.insert(hash, 1, BPF_ANY.into());
    1
}

/// A packed address of a program as a word.
#[inline(always)]
fn salted(packed: u64, program: u32) -> u64 {
    packed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(program)
}

/// Folds a tuple into a word.
#[inline(always)]
fn hash(key: &CallKey) -> u64 {
    let mut folded = 0u64;
    let (words, _) = key.as_bytes().as_chunks::<8>();
    for word in words {
        folded = (folded ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        folded ^= folded >> 29;
    }
    folded
}
