//! The door for counting effects: what a hit costs, and the table that they are counted in.

use crate::maps::{BURSTS, EFFECTS, GATE, METER, process};
use crate::memory::UserMemory;
use crate::{atomic, emit, fault, gate, task, tell, thread};
use aya_ebpf::bindings::BPF_NOEXIST;
use core::hint::black_box;
use molt_common::call::{Meter, UNLIMITED, is_timed};
use molt_common::config::{PROCESS_EFFECTS, PROCESS_READY, ProcessConfig};
use molt_common::effect::{BURST, BURST_NS, Burst, EffectCount, EffectKey, EffectSeen, SAMPLED};
use molt_common::event::KIND_EFFECT;
use molt_common::fault::Fault;
use molt_common::walk::call::CallBlock;
use molt_common::walk::top::{Top, top};
use zerocopy::transmute;

/// What hits are counted as in the meter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A uprobe.
    Probe,
    /// A uprobe that may be hit often.
    Frequent,
    /// A uprobe where memory is asked for.
    Allocation,
    /// A tracepoint.
    Syscall,
}

/// A hit of a probe by a process whose effects are counted.
pub struct Hit {
    /// How the process is read.
    pub config: &'static ProcessConfig,
    meter: *mut Meter,
    kind: Kind,
    began: u64,
}

impl Hit {
    /// The hit that is being handled, unless the process is not traced.
    #[inline(always)]
    pub fn begin(kind: Kind) -> Option<Self> {
        let config = process(task::current_pid())?;
        const WANTED: u32 = PROCESS_EFFECTS | PROCESS_READY;
        if config.flags & WANTED != WANTED {
            return None;
        }
        let meter = METER.get_ptr_mut(0)?;
        // SAFETY: the slot exists for the whole life of the map and belongs to this CPU. A program of another task
        // that comes between may lose one count, never memory.
        let counts = unsafe { &mut *meter };
        let hits = match kind {
            Kind::Probe | Kind::Frequent => &mut counts.effects,
            Kind::Allocation => &mut counts.allocations,
            Kind::Syscall => &mut counts.syscalls,
        };
        *hits += 1;
        let began = if is_timed(*hits) { task::now_ns() } else { 0 };
        if kind == Kind::Frequent {
            counts.frequent += 1;
        }
        Some(Self { config, meter, kind, began })
    }

    /// The hit has been handled.
    #[inline(always)]
    pub fn end(self) {
        if self.began == 0 {
            return;
        }
        // SAFETY: as in [`Hit::begin`].
        let meter = unsafe { &mut *self.meter };
        let (timed, ns) = match self.kind {
            Kind::Probe | Kind::Frequent => (&mut meter.effects_timed, &mut meter.effects_ns),
            Kind::Allocation => (&mut meter.allocations_timed, &mut meter.allocations_ns),
            Kind::Syscall => (&mut meter.syscalls_timed, &mut meter.syscalls_ns),
        };
        *timed += 1;
        *ns += task::now_ns() - self.began;
    }

    /// All zeros but for the program, written word by word: a call of `memset` costs more.
    #[inline(always)]
    pub fn seen(&self) -> EffectSeen {
        let zero = black_box(0u64);
        let mut seen: EffectSeen = transmute!([zero; size_of::<EffectSeen>() / 8]);
        seen.key.program = self.config.program;
        seen
    }

    /// The code on top of the current thread's stack, if it runs any.
    #[inline(always)]
    pub fn top(&self) -> Result<Option<Top>, Fault> {
        let tstate = thread::state(self.config)?;
        top(&UserMemory, &self.config.layout, tstate, &mut CallBlock::new())
    }

    /// Counts an effect for the code on top of the current thread's stack. User space is told of one that is new,
    /// after what `more` tells.
    #[inline(always)]
    pub fn count(&self, seen: &mut EffectSeen, sampled: bool, more: impl FnOnce()) -> Result<(), Fault> {
        let found = self.top().map_err(|_| Fault::UnreadEffect)?;
        // What C code does before the first frame and after the last one is nobody's.
        let Some(found) = found else { return Ok(()) };
        (seen.key.code, seen.identity, seen.globals) = (found.code, found.identity, found.globals);
        if add(&seen.key, sampled)? {
            seen.header = task::header(KIND_EFFECT);
            tell::code(seen.key.program, seen.key.code, seen.globals);
            more();
            return emit::record(seen);
        }
        Ok(())
    }
}

/// Adds one, which may stand for many. Whether it is the first one.
#[inline(always)]
fn add(key: &EffectKey, sampled: bool) -> Result<bool, Fault> {
    let one = EffectCount { seen: 1, sampled: u64::from(sampled) };
    if EFFECTS.get_ptr_mut(key).is_none() && EFFECTS.insert(key, one, BPF_NOEXIST.into()).is_ok() {
        return Ok(true);
    }
    // Another CPU was quicker, or the table is full.
    let count = EFFECTS.get_ptr_mut(key).ok_or(Fault::EffectsFull)?;
    // SAFETY: an element's memory outlives this program, and only `atomic` changes counts.
    let count = unsafe { &mut *count };
    // SAFETY: as above.
    unsafe { atomic::add(&raw mut count.seen, one.seen) };
    // SAFETY: as above.
    unsafe { atomic::add(&raw mut count.sampled, one.sampled) };
    Ok(false)
}

/// How system call `number` is to be looked at: `Some(false)` for itself, `Some(true)` for all of [`SAMPLED`], `None` not
/// at all. One that is rare is looked at even while another one is made without end. Where calls may be counted without
/// end, so may these.
#[inline(always)]
pub fn choose(number: u32) -> Option<bool> {
    if gate::left(&GATE) >= UNLIMITED {
        return Some(false);
    }
    let burst = BURSTS.get_ptr_mut(number)?;
    // SAFETY: the slot exists for the whole life of the map and belongs to this CPU. A program of another task that
    // comes between may make one burst longer or shorter.
    let burst = unsafe { &mut *burst };
    let now = task::now_ns();
    if now.wrapping_sub(burst.began_ns) >= BURST_NS {
        *burst = Burst { began_ns: now, count: 0 };
    }
    burst.count += 1;
    if burst.count <= BURST {
        return Some(false);
    }
    task::random().is_multiple_of(SAMPLED as u32).then_some(true)
}

/// Counts a fault, if there is one.
#[inline(always)]
pub fn settle(done: Result<(), Fault>) {
    if let Err(lost) = done {
        fault::count(lost);
    }
}
