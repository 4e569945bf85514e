//! On each tick of a CPU's clock: the Python stack of the thread that runs there.

use crate::emit::Take;
use crate::maps::{Scratch, meter_sample, process, scratch};
use crate::memory::{StackMemory, UserMemory};
use crate::met::Met;
use crate::registers::is_user;
use crate::repeat::{Turn, repeat};
use crate::{emit, fault, task, thread};
use aya_ebpf::macros::perf_event;
use aya_ebpf::programs::PerfEventContext;
use molt_common::config::{PROCESS_READY, ProcessConfig};
use molt_common::event::KIND_SAMPLE;
use molt_common::event::sample::{NO_PYTHON, NOT_READY, STACK_CUT, STACK_TORN, Sample};
use molt_common::fault::Fault;
use molt_common::layout::WalkLayout;
use molt_common::walk::frame::innermost;
use molt_common::walk::stack::{Cursor, MAX_STEPS};

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
    let memory = StackMemory { program: config.program, pid: scratch.sample.header.pid };
    let mut walk = Walk { memory, layout: &config.layout, scratch, met: Met::get()? };
    repeat(MAX_STEPS / STEPS, steps, &mut walk);
    let Scratch { sample, cursor, unmet, .. } = walk.scratch;
    sample.frames = cursor.count;
    if *unmet > 0 {
        *take = Take::Now;
    }
    if sample.fault == 0 && cursor.next != 0 {
        sample.header.flags = STACK_CUT;
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

/// Steps of the walk in one turn of the loop: to begin a turn takes 10 ns.
const STEPS: u32 = 4;

/// Some steps of the walk; [`Turn::Stop`] at its end.
extern "C" fn steps(_index: u32, walk: &mut Walk) -> Turn {
    let goes_on = (0..STEPS).all(|_| step(walk));
    if goes_on { Turn::Go } else { Turn::Stop }
}

/// One step of the walk. Whether there is more to read.
#[inline(always)]
fn step(walk: &mut Walk) -> bool {
    let Scratch { sample, frames, buffers, cursor, unmet } = &mut *walk.scratch;
    let goes_on = match cursor.advance(&walk.memory, walk.layout, buffers, frames) {
        Ok(goes_on) => goes_on,
        Err(fault) => {
            torn(sample, fault);
            false
        }
    };
    if let Some(frame) = frames.get((cursor.count as usize).wrapping_sub(1)) {
        *unmet += u64::from(walk.met.note(sample.header.pid, frame));
    }
    goes_on
}

/// Notes what kept the rest of a stack from being read.
#[inline(always)]
fn torn(sample: &mut Sample, fault: Fault) {
    sample.header.flags |= STACK_TORN;
    sample.fault = fault as u32;
    fault::count(fault);
}
