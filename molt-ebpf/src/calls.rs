//! The door for counting calls: what a hit costs, and the tables that calls are counted in.

use crate::maps::{ACTIVE, CALLS, GATE, METER, OPEN, UNDETAILED, process};
use crate::memory::CallMemory;
use crate::{atomic, fault, gate, task, tell};
use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use core::mem;
use molt_common::call::{
    CallKey, FrameKey, Meter, OpenCall, Seen, SiteKey, doubles, is_due, is_timed, outcome,
};
use molt_common::config::{PROCESS_CALLS, PROCESS_READY, ProcessConfig};
use molt_common::fault::Fault;

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
        if !gate::take(&GATE) {
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

    /// The memory of the process.
    #[inline(always)]
    pub fn memory(&self) -> CallMemory {
        CallMemory { program: self.config.program }
    }

    /// The key of a frame of this program.
    #[inline(always)]
    pub fn frame(&self, frame: u64) -> FrameKey {
        frame_key(self.config.program, frame)
    }
}

/// The key of a frame of a program.
#[inline(always)]
pub fn frame_key(program: u32, frame: u64) -> FrameKey {
    FrameKey { frame, program, tid: if frame == 0 { task::current_tid() } else { 0 } }
}

/// Notes that `frame` executes the call of `seen`, and tells user space of it if it is new. `first` is overwritten.
#[inline(always)]
pub fn open(frame: FrameKey, seen: &Seen, first: &mut OpenCall) -> Result<(), Fault> {
    let Some(place) = OPEN.get_ptr_mut(frame) else {
        tell::announce(seen, 1)?;
        *first = OpenCall::default();
        first.begin(&seen.key);
        #[expect(clippy::needless_borrows_for_generic_args, reason = "a copy has no room on the stack")]
        return OPEN.insert(frame, &*first, BPF_ANY.into()).map_err(|_| Fault::OpenCallsFull);
    };
    // SAFETY: an element's memory outlives this program, as in `maps::process`, and only the thread that executes the
    // frame changes it.
    let place = unsafe { &mut *place };
    if place.is_open() {
        // What lay there before ended unseen, such as a generator that was dropped while it waited.
        count(&place.key, 1)?;
        place.key.outcome = outcome::RETURNED;
    }
    if place.is_like(&seen.key) {
        place.key.outcome = outcome::OPEN;
        place.key.result = 0;
        place.begun = place.begun.wrapping_add(1);
        place.unsaid += 1;
        return if is_due(place.begun) { tell::announce(seen, mem::take(&mut place.unsaid)) } else { Ok(()) };
    }
    settle(place)?;
    tell::announce(seen, 1)?;
    place.begin(&seen.key);
    Ok(())
}

/// Notes that the call at `place` has ended, as its outcome and result say. How often the tuple was counted by now, if
/// user space is to be told of it, else 0.
#[inline(always)]
pub fn end(place: &mut OpenCall) -> Result<u64, Fault> {
    if place.ends_alike() {
        place.ended = place.ended.wrapping_add(1);
        place.uncounted += 1;
        if !is_due(place.ended) {
            return Ok(0);
        }
    } else {
        let CallKey { outcome, result, .. } = place.key;
        settle(place)?;
        (place.key.outcome, place.key.result) = (outcome, result);
        (place.outcome, place.result) = (outcome, result);
        (place.ended, place.uncounted) = (1, 1);
    }
    let more = u64::from(mem::take(&mut place.uncounted));
    let times = count(&place.key, more)?;
    Ok(if times != 0 && doubles(times, more) { times } else { 0 })
}

/// Counts the calls that are counted at `place` only. Its outcome and result are overwritten.
#[inline(always)]
fn settle(place: &mut OpenCall) -> Result<(), Fault> {
    let more = mem::take(&mut place.uncounted);
    if more != 0 {
        (place.key.outcome, place.key.result) = (place.outcome, place.result);
        count(&place.key, u64::from(more))?;
    }
    Ok(())
}

/// The call that `frame` executes, if its start was seen. It ends when its outcome is set.
///
/// Its place is kept for the next call: frames lie on a stack, and come again at the same addresses.
#[inline(always)]
pub fn executed(frame: FrameKey) -> Option<&'static mut OpenCall> {
    let place = OPEN.get_ptr_mut(frame)?;
    // SAFETY: as in [`open`].
    let place = unsafe { &mut *place };
    if place.is_open() { Some(place) } else { None }
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

/// Counts a tuple `more` times. How often it was counted by now; 0 when it is not counted by itself.
#[inline(never)]
pub fn count(key: &CallKey, more: u64) -> Result<u64, Fault> {
    if let Some(count) = CALLS.get_ptr_mut(key) {
        // SAFETY: an element's memory outlives this program, and only `atomic` changes counts.
        return Ok(unsafe { atomic::add(count, more) } + more);
    }
    match CALLS.insert(key, more, BPF_NOEXIST.into()) {
        Ok(()) => Ok(more),
        Err(_) => count_again(key, more),
    }
}

/// Another CPU was quicker, or the table is full: then the call counts without its types.
#[inline(always)]
fn count_again(key: &CallKey, more: u64) -> Result<u64, Fault> {
    if let Some(count) = CALLS.get_ptr_mut(key) {
        // SAFETY: as in [`count`].
        return Ok(unsafe { atomic::add(count, more) } + more);
    }
    fault::add(Fault::CallsFull, more);
    if key.outcome > outcome::RAISED {
        return Err(Fault::CallSitesFull);
    }
    let site = SiteKey { program: key.program, offset: key.offset, caller: key.caller, callee: key.callee };
    if let Some(count) = UNDETAILED.get_ptr_mut(site) {
        // SAFETY: as in [`count`].
        unsafe { atomic::add(count, more) };
        return Ok(0);
    }
    UNDETAILED.insert(site, more, BPF_ANY.into()).map_err(|_| Fault::CallSitesFull)?;
    Ok(0)
}
