//! The door for counting calls: what a hit costs, and the tables that calls are counted in.

use crate::maps::{ACTIVE, CALLS, GATE, METER, OPEN, UNDETAILED, process};
use crate::{atomic, emit, fault, task, tell};
use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use molt_common::call::{CallKey, FrameKey, Meter, OpenCall, Seen, SiteKey, UNLIMITED, is_timed, outcome};
use molt_common::config::{PROCESS_CALLS, PROCESS_READY, ProcessConfig};
use molt_common::event::KIND_SPENT;
use molt_common::fault::Fault;
use molt_common::walk::call::CallBlock;
use zerocopy::transmute_mut;

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
    left() > 0
}

/// Whether hits are granted without end.
#[inline(always)]
pub fn is_unlimited() -> bool {
    left() >= UNLIMITED
}

/// The hits that are left.
#[inline(always)]
fn left() -> i64 {
    let Some(gate) = GATE.get(0) else { return 0 };
    // SAFETY: the entry exists for the whole life of the map; what another CPU takes meanwhile is seen when one is
    // taken.
    unsafe { (&raw const gate.left).read_volatile() }
}

/// Takes one of the hits that user space has granted.
#[inline(always)]
fn granted() -> bool {
    let before = left();
    if before <= 0 || before >= UNLIMITED {
        return before > 0;
    }
    let Some(gate) = GATE.get_ptr_mut(0) else { return false };
    // SAFETY: as in [`left`]; nothing else of the kernel side changes it.
    let before = unsafe { atomic::take(gate.cast(), 1) };
    if before == 1
        && let Err(lost) = emit::record(&task::header(KIND_SPENT))
    {
        fault::count(lost);
    }
    before > 0
}

/// Notes that `frame` executes the call of `seen`, and tells user space of it if it is new. `block` is overwritten.
#[inline(always)]
pub fn open(frame: FrameKey, seen: &Seen, block: &mut CallBlock) -> Result<(), Fault> {
    tell::announce(seen)?;
    if let Some(place) = OPEN.get_ptr_mut(frame) {
        // SAFETY: an element's memory outlives this program, as in `maps::process`, and only the thread that
        // executes the frame changes it.
        let place = unsafe { &mut *place };
        if place.key.outcome == outcome::OPEN {
            // What lay there before ended unseen, such as a generator that was dropped while it waited.
            count(&place.key)?;
        }
        if place.key.callee != seen.key.callee {
            place.returns_at = 0;
        }
        place.key = seen.key;
        return Ok(());
    }
    let first: &mut OpenCall = transmute_mut!(block.words_mut());
    *first = OpenCall { key: seen.key, returns_at: 0, reserved: [0; 2] };
    #[expect(clippy::needless_borrows_for_generic_args, reason = "a copy has no room on the stack")]
    OPEN.insert(frame, &*first, BPF_ANY.into()).map_err(|_| Fault::OpenCallsFull)
}

/// The call that `frame` executes, if its start was seen. It ends when its outcome is set.
///
/// Its place is kept for the next call: frames lie on a stack, and come again at the same addresses.
#[inline(always)]
pub fn executed(frame: FrameKey) -> Option<&'static mut OpenCall> {
    let place = OPEN.get_ptr_mut(frame)?;
    // SAFETY: as in [`open`].
    let place = unsafe { &mut *place };
    if place.key.outcome == outcome::OPEN { Some(place) } else { None }
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

/// Counts a tuple. How often it was counted by now; 0 when it is not counted by itself.
#[inline(always)]
pub fn count(key: &CallKey) -> Result<u64, Fault> {
    if let Some(count) = CALLS.get_ptr_mut(key) {
        // SAFETY: an element's memory outlives this program, and only `atomic` changes counts.
        return Ok(unsafe { atomic::add(count, 1) } + 1);
    }
    match CALLS.insert(key, 1, BPF_NOEXIST.into()) {
        Ok(()) => Ok(1),
        Err(_) => count_again(key),
    }
}

/// Another CPU was quicker, or the table is full: then the call counts without its types.
#[inline(always)]
fn count_again(key: &CallKey) -> Result<u64, Fault> {
    if let Some(count) = CALLS.get_ptr_mut(key) {
        // SAFETY: as in [`count`].
        return Ok(unsafe { atomic::add(count, 1) } + 1);
    }
    fault::count(Fault::CallsFull);
    if key.outcome > outcome::RAISED {
        return Err(Fault::CallSitesFull);
    }
    let site = SiteKey { program: key.program, offset: key.offset, caller: key.caller, callee: key.callee };
    if let Some(count) = UNDETAILED.get_ptr_mut(site) {
        // SAFETY: as in [`count`].
        unsafe { atomic::add(count, 1) };
        return Ok(0);
    }
    UNDETAILED.insert(site, 1, BPF_ANY.into()).map_err(|_| Fault::CallSitesFull)?;
    Ok(0)
}
