//! A thread does by a function what a system call is for, without making one: it reads a clock, or random numbers.

use crate::effects::{Hit, Kind, choose, settle};
use crate::task;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::fault::Fault;

/// At the entries of such functions of the C library. The cookie is the number of the system call that each stands
/// for.
#[uprobe]
pub fn shortcut(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Probe) else { return 0 };
    settle(try_shortcut(&ctx, &hit));
    hit.end();
    0
}

#[inline(always)]
fn try_shortcut(ctx: &ProbeContext, hit: &Hit) -> Result<(), Fault> {
    let number = task::cookie(ctx) as u32;
    let Some(sampled) = choose(number) else { return Ok(()) };
    let mut seen = hit.seen();
    seen.key.number = number;
    hit.count(&mut seen, sampled, || {})
}
