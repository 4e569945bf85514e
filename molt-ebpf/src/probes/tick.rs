//! A quick tick of a CPU's clock while a window is open: whether the program runs there, or a probe.

use crate::maps::{ALLOCATION_GATE, GATE, LANDING, meter_tick, process};
use crate::registers::{instruction, is_of_probes, is_user};
use crate::{emit, fault, gate, task};
use aya_ebpf::bindings::bpf_perf_event_data;
use aya_ebpf::macros::perf_event;
use aya_ebpf::programs::PerfEventContext;
use molt_common::config::PROCESS_CALLS;
use molt_common::event::tick::{ALLOCATION_TICK_NS, AMONG_ALLOCATIONS, Tick};
use molt_common::event::{Header, KIND_TICK};
use molt_common::fault::Fault;

#[perf_event]
pub fn tick(ctx: PerfEventContext) -> u32 {
    let Some(config) = process(task::current_pid()) else { return 0 };
    meter_tick();
    if config.flags & PROCESS_CALLS == 0 || !is_user(ctx.ctx.cast()) {
        return 0;
    }
    let (gate, flags) =
        if is_of_allocations(&ctx) { (&ALLOCATION_GATE, AMONG_ALLOCATIONS) } else { (&GATE, 0) };
    if gate::left(gate) <= 0 {
        return 0;
    }
    if lands(instruction(ctx.ctx.cast())) {
        return 0;
    }
    if let Err(lost) = try_tick(&ctx, flags) {
        fault::count(lost);
    }
    0
}

/// Whether the clock that ticks is the one for allocations.
#[inline(always)]
fn is_of_allocations(ctx: &PerfEventContext) -> bool {
    let data: *const bpf_perf_event_data = ctx.ctx.cast();
    // SAFETY: the context of the program lives as long as it runs, and the kernel lets it be read.
    let data = unsafe { &*data };
    // SAFETY: as above.
    let period = unsafe { (&raw const data.sample_period).read_volatile() };
    period == ALLOCATION_TICK_NS
}

/// Notes where the thread goes on after a return: a tick that waits for that meets the instruction there, or one of the
/// kernel's own on the way, and belongs to the probe. Those behind other probes are known to user space.
#[inline(always)]
pub fn note_landing(address: u64) {
    if let Some(landing) = LANDING.get_ptr_mut(0) {
        // SAFETY: the slot exists for the whole life of the map and belongs to this CPU. What another task makes of it
        // when it comes between counts a tick too much or too little.
        unsafe { landing.write_volatile(address) };
    }
}

#[inline(always)]
fn lands(address: u64) -> bool {
    // SAFETY: as in [`note_landing`].
    let is_landing = |landing: *mut u64| unsafe { landing.read_volatile() } == address;
    is_of_probes(address) || LANDING.get_ptr_mut(0).is_some_and(is_landing)
}

#[inline(always)]
fn try_tick(ctx: &PerfEventContext, flags: u16) -> Result<(), Fault> {
    let header = Header { flags, ..task::header(KIND_TICK) };
    emit::later(&Tick { header, instruction: instruction(ctx.ctx.cast()) })
}
