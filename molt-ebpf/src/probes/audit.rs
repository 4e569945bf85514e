//! An audit event is raised.

use crate::arguments::{argument, text};
use crate::effects::{Hit, Kind, settle};
use crate::memory::UserMemory;
use crate::probes::import::blank;
use crate::registers::register;
use crate::{emit, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::effect::{AUDIT, of_open};
use molt_common::event::KIND_IMPORT;
use molt_common::fault::Fault;
use molt_common::layout::ABSENT;
use molt_common::operand::{Operand, operands};
use molt_common::walk::{Memory, checked};

/// Registers by number.
const RCX: u8 = 1;
const RDX: u8 = 2;
const R8: u8 = 8;

/// The event of an import.
const IMPORT: &[u8; 8] = b"import\0\0";
/// The event that opens files.
const OPEN: &[u8; 8] = b"open\0\0\0\0";

/// At the places of the probe `audit`, which gets the event's name and the tuple of its arguments; or at functions
/// that raise events, where the second operand is the third argument of the event itself, an `int` for `open`.
#[uprobe]
pub fn audit(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Probe) else { return 0 };
    settle(try_audit(&ctx, &hit));
    hit.end();
    0
}

#[inline(always)]
fn try_audit(ctx: &ProbeContext, hit: &Hit) -> Result<(), Fault> {
    let (name, arguments) = operands(task::cookie(ctx));
    let mut seen = hit.seen();
    seen.key.number = AUDIT;
    let name = argument(ctx.regs, name).map_err(|_| Fault::UnreadEffect)?;
    text(name, &mut seen.key.name).map_err(|_| Fault::UnreadEffect)?;
    if seen.key.name.first_chunk() == Some(OPEN)
        && let Ok(flags) = open_flags(ctx, hit, arguments)
    {
        seen.key.flags = of_open(flags);
    }
    if seen.key.name.first_chunk() == Some(IMPORT) && arguments.bytes != 8 {
        settle(imported(ctx, hit, arguments));
    }
    hit.count(&mut seen, false)
}

/// Tells of an import at a function that raises events: the event's first argument is the module's name, a str.
#[inline(always)]
fn imported(ctx: &ProbeContext, hit: &Hit, third: Operand) -> Result<(), Fault> {
    let mut import = blank();
    // Two before the third one in the order of arguments: `rdx`, `rcx`, `r8`, `r9`.
    let name = register(ctx.regs, if third.register == R8 { RDX } else { RCX });
    // As long as it is ASCII, like the names of nearly all modules.
    let ascii = u64::from(hit.config.call.ascii_bytes);
    text(name.wrapping_add(ascii), &mut import.name).map_err(|_| Fault::UnreadHappening)?;
    import.header = task::header(KIND_IMPORT);
    emit::later(&import)
}

/// The flags with which a file is opened: the third argument of the event.
#[inline(always)]
fn open_flags(ctx: &ProbeContext, hit: &Hit, arguments: Operand) -> Result<u64, Fault> {
    let value = argument(ctx.regs, arguments)?;
    if arguments.bytes != 8 {
        return Ok(value);
    }
    let call = &hit.config.call;
    if call.tuple_items == ABSENT {
        return Err(Fault::BadPointer);
    }
    let int = UserMemory.read_u64(checked(value)? + u64::from(call.tuple_items) + 16)?;
    // The first digit of an int, which has 30 bits, follows the word that tells its size
    // (`Include/cpython/longintrepr.h`, 3.8 to 3.15).
    let digit = UserMemory.read_u32(checked(int)? + u64::from(call.var_size) + 8)?;
    Ok(u64::from(digit))
}
