//! The door for counting calls: what a hit costs, and the tables that calls are counted in.

use crate::maps::{ACTIVE, CALLS, GATE, METER, OPEN, SEEN, UNDETAILED, process};
use crate::{atomic, emit, fault, task};
use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use molt_common::call::{CallKey, FrameKey, Meter, Seen, SiteKey, TIMED, UNLIMITED, outcome};
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
        if config.flags & PROCESS_CALLS == 0 || !granted() {
            return None;
        }
        if config.flags & PROCESS_READY == 0 {
            fault::count(Fault::NotReady);
            return None;
        }
        let meter = METER.get_ptr_mut(0)?;
        // SAFETY: the slot exists for the whole life of the map and belongs to this CPU. A program of another
        // task that comes between may lose one count, never memory.
        let hits = unsafe { &mut (*meter).hits };
        *hits += 1;
        let began = if *hits % TIMED == 0 { task::now_ns() } else { 0 };
        Some(Self { config, meter, began })
    }

    /// The frame was where the site says.
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
    if OPEN.insert(frame, &seen.key, BPF_NOEXIST.into()).is_ok() {
        return Ok(());
    }
    // A frame that lay there before ended unseen: a generator that was dropped while it waited.
    if let Some(key) = OPEN.get_ptr(frame) {
        // SAFETY: an element's memory outlives this program, as in `maps::process`.
        count(unsafe { &*key })?;
    }
    OPEN.insert(frame, &seen.key, BPF_ANY.into()).map_err(|_| Fault::OpenCallsFull)
}

/// The call that `frame` executes, which is over.
#[inline(always)]
pub fn close(frame: FrameKey) -> Option<CallKey> {
    let key = OPEN.get_ptr(frame)?;
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    let key = unsafe { *key };
    let _ = OPEN.remove(frame);
    Some(key)
}

/// The call that `frame` executes, which may go on.
#[inline(always)]
pub fn peek(frame: FrameKey) -> Option<&'static CallKey> {
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    unsafe { OPEN.get(frame) }
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

/// Tells user space of a tuple that it was not told of before.
#[inline(always)]
pub fn announce(seen: &mut Seen) -> Result<(), Fault> {
    let hash = hash(&seen.key);
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    if unsafe { SEEN.get(hash) }.is_some() {
        return Ok(());
    }
    seen.header = task::header(KIND_CALL);
    emit::record(seen)?;
    // A table that is full for a moment makes the tuple be told of again.
    let _ = SEEN.insert(hash, 1, BPF_ANY.into());
    Ok(())
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
