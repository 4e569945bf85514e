//! A quick tick of a CPU's clock while a window is open: whether the program runs there, or a probe.

use crate::maps::{meter_tick, process};
use crate::registers::{instruction, is_user};
use crate::{calls, emit, fault, task};
use aya_ebpf::macros::perf_event;
use aya_ebpf::programs::PerfEventContext;
use molt_common::config::PROCESS_CALLS;
use molt_common::event::KIND_TICK;
use molt_common::event::tick::Tick;
use molt_common::fault::Fault;

#[perf_event]
pub fn tick(ctx: PerfEventContext) -> u32 {
    let Some(config) = process(task::current_pid()) else { return 0 };
    meter_tick();
    if config.flags & PROCESS_CALLS == 0 || !is_user(ctx.ctx.cast()) || !calls::counted() {
        return 0;
    }
    if let Err(lost) = try_tick(&ctx) {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_tick(ctx: &PerfEventContext) -> Result<(), Fault> {
    emit::later(&Tick { header: task::header(KIND_TICK), instruction: instruction(ctx.ctx.cast()) })
}
