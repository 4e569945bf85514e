//! On each tick of a CPU's clock: the Python stack of the thread that runs there.

use crate::emit::Take;
use crate::maps::{MAX_FRESH, Scratch, meter_sample, process, scratch};
use crate::memory::{StackMemory, UserMemory};
use crate::met::Met;
use crate::registers::is_user;
use crate::repeat::{Turn, repeat};
use crate::{emit, fault, task, tell, thread};
use aya_ebpf::macros::perf_event;
use aya_ebpf::programs::PerfEventContext;
use molt_common::call::packed;
use molt_common::config::{PROCESS_READY, ProcessConfig};
use molt_common::event::KIND_SAMPLE;
use molt_common::event::sample::{
    COPIED, FRESH, NO_PYTHON, NOT_READY, STACK_CUT, STACK_TORN, STACK_VALUES, Sample,
};
use molt_common::fault::Fault;
use molt_common::layout::WalkLayout;
use molt_common::walk::frame::innermost;
use molt_common::walk::stack::{Cursor, MAX_STEPS};
use molt_common::walk::values::stack_values;

#[perf_event]
pub fn sample(ctx: PerfEventContext) -> u32 {
    let Some(config) = process(task::current_pid()) else { return 0 };
    if let Err(lost) = try_sample(&ctx, config) {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_sample(ctx: &PerfEventContext, config: &ProcessConfig) -> Result<(), Fault> {
    let scratch = scratch()?;
    scratch.sample.header = task::header(KIND_SAMPLE);
    scratch.sample.frames = 0;
    scratch.sample.fault = 0;
    scratch.sample.values = [0; STACK_VALUES];
    scratch.buffers.clear();
    let mut take = Take::Later;
    if config.flags & PROCESS_READY == 0 {
        scratch.sample.header.flags = NOT_READY;
        fault::count(Fault::NotReady);
    } else if let Err(fault) = walk(config, scratch, &mut take) {
        torn(&mut scratch.sample, fault);
    }
    let sent = emit::sample(scratch, scratch.sample.frames, take);
    meter_sample(scratch.sample.header.time_ns, is_user(ctx.ctx.cast()));
    sent
}

/// Writes the current thread's frames to `scratch`, as far as they can be read. Code that is new is to be taken at
/// once.
#[inline(always)]
fn walk(config: &ProcessConfig, scratch: &mut Scratch, take: &mut Take) -> Result<(), Fault> {
    let tstate = thread::state(config)?;
    let first = if tstate == 0 { 0 } else { innermost(&UserMemory, &config.layout, tstate)? };
    if first == 0 {
        scratch.sample.header.flags = NO_PYTHON;
        return Ok(());
    }
    scratch.cursor = Cursor::new(first);
    scratch.unmet = 0;
    scratch.program = config.program;
    let memory = StackMemory { program: config.program, pid: scratch.sample.header.pid };
    let mut walk = Walk { memory, layout: &config.layout, scratch, met: Met::get()? };
    repeat(MAX_STEPS / STEPS, steps, &mut walk);
    let Scratch { sample, frames, cursor, unmet, .. } = &mut *walk.scratch;
    sample.frames = cursor.count;
    // What cannot be read stays 0: it is one more fact about the sample, and no part of the stack.
    if sample.frames != 0 {
        let (layout, call) = (&config.layout, &config.call);
        let _ = stack_values(&UserMemory, layout, call, first, frames[0].code, &mut sample.values);
    }
    if sample.fault == 0 && cursor.next != 0 {
        sample.header.flags = STACK_CUT;
    }
    if *unmet > 0 {
        *take = Take::Now;
        sample.header.flags |= FRESH;
        repeat(MAX_FRESH as u32, copy, &mut walk);
    }
    Ok(())
}

/// A walk on its way out, as the loop hands it from turn to turn.
struct Walk<'a> {
    memory: StackMemory,
    layout: &'a WalkLayout,
    scratch: &'a mut Scratch,
    met: Met,
}

/// Steps of the walk in one turn of the loop: to begin a turn takes 10 ns, and two more steps take the verifier 10 ms.
const STEPS: u32 = 2;

/// Some steps of the walk; [`Turn::Stop`] at its end.
extern "C" fn steps(_index: u32, walk: &mut Walk) -> Turn {
    let goes_on = (0..STEPS).all(|_| step(walk));
    if goes_on { Turn::Go } else { Turn::Stop }
}

/// One step of the walk. Whether there is more to read.
#[inline(always)]
fn step(walk: &mut Walk) -> bool {
    let Scratch { sample, frames, buffers, cursor, unmet, fresh, .. } = &mut *walk.scratch;
    let goes_on = match cursor.advance(&walk.memory, walk.layout, buffers, frames) {
        Ok(goes_on) => goes_on,
        Err(fault) => {
            torn(sample, fault);
            false
        }
    };
    let at = cursor.count.wrapping_sub(1);
    if let Some(frame) = frames.get(at as usize)
        // To look into one table is enough: each misses the cache.
        && !cursor.is_known
        && walk.met.note(sample.header.pid, frame)
    {
        if let Some(place) = fresh.get_mut(*unmet as usize) {
            *place = at;
        }
        *unmet += 1;
    }
    goes_on
}

/// Copies the code of one of the frames that are new: that of a class's body is gone in less than a millisecond, which
/// is less than user space takes to come where other work keeps the processors.
extern "C" fn copy(index: u32, walk: &mut Walk) -> Turn {
    let Scratch { sample, frames, unmet, fresh, program, .. } = &mut *walk.scratch;
    let Some(at) = fresh.get(index as usize).filter(|_| index < *unmet) else { return Turn::Stop };
    let Some(frame) = frames.get(*at as usize) else { return Turn::Stop };
    if tell::code_of_sample(*program, packed(frame.code, 0), frame.globals) {
        sample.header.flags |= COPIED;
    }
    Turn::Go
}

/// Notes what kept the rest of a stack from being read.
#[inline(always)]
fn torn(sample: &mut Sample, fault: Fault) {
    sample.header.flags |= STACK_TORN;
    sample.fault = fault as u32;
    fault::count(fault);
}
