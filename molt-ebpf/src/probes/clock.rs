//! A thread reads a clock, which takes no system call.

use crate::effects::{Hit, Kind, choose, settle};
use crate::task;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::fault::Fault;

/// At the entry of the C library's `clock_gettime`, whose link's cookie is the number of the system call that it
/// stands for.
#[uprobe]
pub fn clock(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Probe) else { return 0 };
    settle(try_clock(&ctx, &hit));
    hit.end();
    0
}

#[inline(always)]
fn try_clock(ctx: &ProbeContext, hit: &Hit) -> Result<(), Fault> {
    let Some(sampled) = choose() else { return Ok(()) };
    let mut seen = hit.seen();
    seen.key.number = task::cookie(ctx) as u32;
    hit.count(&mut seen, sampled)
}
