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
fn try_enter(ctx: &ProbeContext, hit: &Hit, Desk { start, first, .. }: &mut Desk) -> Result<(), Fault> {
    let site = Site::of(task::cookie(ctx));
    let frame = register(ctx.regs, site.frame);
    let layouts = Layouts { walk: &hit.config.layout, call: &hit.config.call };
    let known = |frame| calls::executed(hit.frame(frame)).map(|open| open.key.callee);
    let entry = enter(&hit.memory(), layouts, site, frame, known, start).map_err(|_| Fault::UnreadCall)?;
    let seen = &mut start.seen;
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
    if entry == Entry::Start {
        return calls::open(hit.frame(frame), seen, first);
    }
    seen.key.outcome = outcome::RESUMED;
    if calls::count(&seen.key, 1)? == 1 { tell::tell(seen, true) } else { Ok(()) }
}
