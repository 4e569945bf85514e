//! A function starts, or a generator or a coroutine goes on.

use crate::calls::{self, Hit};
use crate::desk::Desk;
use crate::fault;
use crate::registers::register;
use crate::{task, tell};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::call::{NO_REGISTER, Site, outcome};
use molt_common::fault::Fault;
use molt_common::layout::ABSENT;
use molt_common::walk::call::{Entry, Layouts, enter};

/// At the handlers of the `RESUME` family, up to 3.10 at the entry of `_PyEval_EvalFrameDefault`.
#[uprobe]
pub fn call_enter(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin() else { return 0 };
    match Desk::take() {
        Some(desk) => {
            if let Err(lost) = try_enter(&ctx, &hit, desk) {
                fault::count(lost);
            }
            desk.leave();
        }
        None => fault::count(Fault::UnreadCall),
    }
    hit.end();
    0
}

#[inline(always)]
fn try_enter(ctx: &ProbeContext, hit: &Hit, desk: &mut Desk) -> Result<(), Fault> {
    let site = Site::of(task::cookie(ctx));
    let frame = register(ctx.regs, site.frame);
    let layouts = Layouts { walk: &hit.config.layout, call: &hit.config.call };
    let known = |frame| calls::executed(hit.frame(frame)).map(|open| open.key.callee);
    let entry =
        enter(&hit.memory(), layouts, site, frame, known, &mut desk.start).map_err(|_| Fault::UnreadCall)?;
    let seen = &mut desk.start.seen;
    if entry == Entry::Passing {
        return Ok(());
    }
    hit.accept();
    seen.key.program = hit.config.program;
    if layouts.walk.code_adaptive == ABSENT {
        calls::activate(hit.frame(seen.previous), frame)?;
    }
    if site.further != NO_REGISTER && register(ctx.regs, site.further) as u32 != 0 {
        // An exception is thrown into it: it neither starts nor goes on.
        return Ok(());
    }
    seen.key.outcome = if entry == Entry::Start { outcome::OPEN } else { outcome::RESUMED };
    note(desk.number(), frame);
    Ok(())
}

/// Notes what was read at a desk. The verifier looks at it once, whatever led here, since others may call it.
#[inline(never)]
#[unsafe(export_name = "call_note")]
pub extern "C" fn note(desk: u64, frame: u64) -> u64 {
    // SAFETY: `try_enter` does not touch the desk after it has called this.
    let Some(Desk { start, first, .. }) = (unsafe { Desk::again(desk) }) else { return 0 };
    let seen = &mut start.seen;
    let noted = if seen.key.outcome == outcome::OPEN {
        calls::open(calls::frame_key(seen.key.program, frame), seen, first)
    } else {
        match calls::count(&seen.key, 1) {
            Ok(1) => tell::tell(seen, true),
            counted => counted.map(|_| ()),
        }
    };
    if let Err(lost) = noted {
        fault::count(lost);
    }
    0
}
