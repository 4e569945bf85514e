//! A block of memory is asked for.

use crate::allocations::{count, is_of_resizing, resize};
use crate::effects::{Hit, Kind, settle};
use crate::maps::ALLOCATION_GATE;
use crate::memory::UserMemory;
use crate::registers::{RSP, instruction, is_equal, register};
use crate::{gate, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::allocation::{MAX_SIZE, NO_REGISTER, Site, kind};
use molt_common::fault::Fault;
use molt_common::walk::{Memory, checked};

/// Most bytes of a function before the probe: `endbr64`, and what is understood up to its first jump.
const MAX_PROLOGUE: u64 = 96;

/// At the functions of an interpreter's allocator, and where the pointers to them are compared with them.
#[uprobe]
pub fn allocate(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Allocation) else { return 0 };
    settle(try_allocate(&ctx, &hit));
    hit.end();
    0
}

#[inline(always)]
fn try_allocate(ctx: &ProbeContext, hit: &Hit) -> Result<(), Fault> {
    let site = Site::of(task::cookie(ctx));
    let [first, second] = site.registers;
    let factor = |number: u8| if number == NO_REGISTER { 1 } else { register(ctx.regs, number) };
    let (first, second) = (factor(first), factor(second));
    if first > MAX_SIZE || second > MAX_SIZE {
        return Err(Fault::UnreadAllocation);
    }
    let bytes = first.wrapping_mul(second).wrapping_mul(u64::from(site.factor));
    if bytes > MAX_SIZE {
        return Err(Fault::UnreadAllocation);
    }
    let stack = register(ctx.regs, RSP).wrapping_add(8 * u64::from(site.depth));
    let is_own = if site.flags & Site::COMPARED != 0 {
        // Where the pointer is another one the call is made, and comes to the allocator from whatever stands there.
        is_equal(ctx.regs)
    } else {
        !is_called_by_name(ctx, stack).unwrap_or(false)
    };
    if site.flags & Site::RESIZES != 0 {
        resize(stack, bytes);
    } else if is_of_resizing(stack, bytes) {
        return Ok(());
    }
    if is_own && gate::take(&ALLOCATION_GATE) { count(hit, kind::BLOCK, bytes) } else { Ok(()) }
}

/// Whether the function that the thread is in, with the address to return to at `stack`, was called by an instruction that
/// names it, which ends there: then it was seen where the pointer to it was compared, or the allocator itself has called
/// it.
#[inline(always)]
fn is_called_by_name(ctx: &ProbeContext, stack: u64) -> Result<bool, Fault> {
    let back = checked(UserMemory.read_u64(checked(stack)?)?)?;
    // The last 8 bytes before it: `call` with a distance has 5, of which the first is 0xe8.
    let before = UserMemory.read_u64(checked(back - 8)?)?;
    let target = back.wrapping_add_signed(i64::from((before >> 32) as u32 as i32));
    let is_here = instruction(ctx.regs).wrapping_sub(target) <= MAX_PROLOGUE;
    Ok((before >> 24) as u8 == 0xe8 && is_here)
}
