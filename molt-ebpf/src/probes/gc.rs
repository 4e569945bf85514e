//! Garbage is collected.

use crate::arguments::argument;
use crate::effects::{Hit, Kind, settle};
use crate::{emit, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::event::happening::Collection;
use molt_common::event::{KIND_GC_DONE, KIND_GC_START};
use molt_common::fault::Fault;
use molt_common::operand::operands;

/// At the places of the probe `gc__start`, which gets the generation.
#[uprobe]
pub fn gc_start(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Probe) else { return 0 };
    settle(try_collect(&ctx, KIND_GC_START));
    hit.end();
    0
}

/// At the places of `gc__done`, which gets the number of objects freed.
#[uprobe]
pub fn gc_done(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Probe) else { return 0 };
    settle(try_collect(&ctx, KIND_GC_DONE));
    hit.end();
    0
}

#[inline(always)]
fn try_collect(ctx: &ProbeContext, kind: u16) -> Result<(), Fault> {
    let (number, _) = operands(task::cookie(ctx));
    let number = argument(ctx.regs, number).map_err(|_| Fault::UnreadHappening)?;
    emit::later(&Collection { header: task::header(kind), number: number.cast_signed() })
}
