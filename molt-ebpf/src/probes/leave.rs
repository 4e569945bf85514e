//! A frame ends.

use crate::calls::{self, Hit};
use crate::memory::UserMemory;
use crate::probes::tick::note_landing;
use crate::registers::{instruction, register, returned};
use crate::{fault, task, tell, thread};
use aya_ebpf::macros::{uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RetProbeContext};
use molt_common::call::{GENERATOR, NO_REGISTER, OpenCall, Seen, Site, UNREAD, outcome};
use molt_common::fault::Fault;
use molt_common::walk::call::{CallBlock, Layouts, ends, exception, leave, value_type};
use molt_common::walk::frame::innermost;

/// At the function that clears a frame (from 3.11): by return or by an exception, generators once at their end.
#[uprobe]
pub fn call_leave(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin() else { return 0 };
    if let Err(lost) = try_leave(&ctx, &hit) {
        fault::count(lost);
    }
    hit.end();
    0
}

#[inline(always)]
fn try_leave(ctx: &ProbeContext, hit: &Hit) -> Result<(), Fault> {
    let site = Site::of(task::cookie(ctx));
    let frame = register(ctx.regs, site.frame);
    // Frames that ran before the hooks were placed end here as well, and those of C code.
    let Some(open) = calls::executed(hit.frame(frame)) else { return Ok(()) };
    hit.accept();
    let layouts = Layouts { walk: &hit.config.layout, call: &hit.config.call };
    let tstate = || match site.further {
        NO_REGISTER => thread::state(hit.config),
        number => Ok(register(ctx.regs, number)),
    };
    let mut block = CallBlock::new();
    let value = leave(&hit.memory(), layouts, frame, tstate, &mut block, open).unwrap_or_else(|_| {
        fault::count(Fault::UnreadReturn);
        open.key.result = UNREAD;
        0
    });
    end(hit, frame, open, value)
}

/// At the return of `_PyEval_EvalFrameDefault` (up to 3.10), which generators pass at each yield.
#[uretprobe]
pub fn call_return(ctx: RetProbeContext) -> u32 {
    let Some(hit) = Hit::begin() else { return 0 };
    // The kernel has set it to where the function returns to (`uprobe_handle_trampoline`, `kernel/events/uprobes.c`).
    note_landing(instruction(ctx.regs));
    if let Err(lost) = try_return(&ctx, &hit) {
        fault::count(lost);
    }
    hit.end();
    0
}

#[inline(always)]
fn try_return(ctx: &RetProbeContext, hit: &Hit) -> Result<(), Fault> {
    let Layouts { walk, call } = Layouts { walk: &hit.config.layout, call: &hit.config.call };
    let tstate = thread::state(hit.config)?;
    // The frame that returns has been taken off already: what is innermost now has called it.
    let caller = innermost(&UserMemory, walk, tstate)?;
    let Some(frame) = calls::active(hit.frame(caller)) else { return Ok(()) };
    let Some(open) = calls::executed(hit.frame(frame)) else { return Ok(()) };
    hit.accept();
    if open.key.flags & GENERATOR != 0 && !ends(&UserMemory, call, frame)? {
        return Ok(());
    }
    let value = returned(ctx.regs);
    if value == 0 {
        open.key.outcome = outcome::RAISED;
        open.key.result = exception(&UserMemory, call, tstate).unwrap_or(UNREAD);
    } else {
        open.key.outcome = outcome::RETURNED;
        open.key.result = value_type(&hit.memory(), call, value);
    }
    end(hit, frame, open, value)
}

#[inline(always)]
fn end(hit: &Hit, frame: u64, open: &mut OpenCall, value: u64) -> Result<(), Fault> {
    let times = calls::end(open)?;
    if times != 0 {
        tell::tell_of(times == 1, |seen| {
            *seen = Seen::zeroed();
            seen.key = open.key;
            seen.returned = value;
        })?;
    }
    if open.key.flags & GENERATOR != 0 {
        calls::forget(hit.frame(frame));
    }
    Ok(())
}
