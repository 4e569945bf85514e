//! An exception enters a frame: it begins there, or has come from a function called there.

use crate::calls::{self, Hit};
use crate::memory::UserMemory;
use crate::registers::first_argument;
use crate::{fault, tell, thread};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::call::Seen;
use molt_common::fault::Fault;
use molt_common::walk::call::{CallBlock, Layouts, raise};

/// At the entry of `PyTraceBack_Here`, which gets the frame object.
#[uprobe]
pub fn call_raise(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin() else { return 0 };
    if let Err(lost) = try_raise(&ctx, &hit) {
        fault::count(lost);
    }
    hit.end();
    0
}

#[inline(always)]
fn try_raise(ctx: &ProbeContext, hit: &Hit) -> Result<(), Fault> {
    let layouts = Layouts { walk: &hit.config.layout, call: &hit.config.call };
    let tstate = thread::state(hit.config)?;
    let mut seen = Seen::zeroed();
    let mut block = CallBlock::new();
    raise(&UserMemory, layouts, first_argument(ctx.regs), tstate, &mut block, &mut seen)
        .map_err(|_| Fault::UnreadException)?;
    seen.key.program = hit.config.program;
    if calls::count(&seen.key, 1)? == 1 { tell::tell(&seen, true) } else { Ok(()) }
}
