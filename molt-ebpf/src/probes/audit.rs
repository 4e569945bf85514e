//! An audit event is raised.

use crate::arguments::{argument, text};
use crate::effects::{Hit, Kind, settle};
use crate::memory::UserMemory;
use crate::probes::import::blank;
use crate::registers::{RSP, register};
use crate::{emit, importing, task, tell};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::effect::{AUDIT, MAX_ARGUMENTS, VARIADIC, of_open};
use molt_common::event::KIND_IMPORT;
use molt_common::fault::Fault;
use molt_common::layout::ABSENT;
use molt_common::operand::{Operand, operands};
use molt_common::walk::{Memory, checked};

/// Registers by number.
const RCX: u8 = 1;
const RDX: u8 = 2;
const RSI: u8 = 6;
const R8: u8 = 8;
const R9: u8 = 9;

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
    hit.count(&mut seen, false, || {
        // What cannot be read is not there: the event counts all the same.
        let _ = if arguments.bytes == 8 {
            tell_tuple(ctx, hit, arguments)
        } else {
            tell_variadic(ctx, arguments)
        };
    })
}

/// Sends the first of the arguments that are in a tuple.
#[inline(always)]
fn tell_tuple(ctx: &ProbeContext, hit: &Hit, tuple: Operand) -> Result<(), Fault> {
    let call = &hit.config.call;
    let tuple = checked(argument(ctx.regs, tuple)?)?;
    if call.tuple_items == ABSENT {
        return Err(Fault::BadPointer);
    }
    let count = UserMemory.read_u64(tuple + u64::from(call.var_size))?;
    let items = tuple + u64::from(call.tuple_items);
    tell::arguments(|words| {
        words[0][1] = count;
        for index in 0..MAX_ARGUMENTS {
            // What lies behind the last one is not looked at.
            words[1 + index][1] = UserMemory.read_u64(items + 8 * index as u64).unwrap_or(0);
        }
        words[1 + MAX_ARGUMENTS][1] = 0;
    });
    Ok(())
}

/// Sends the first arguments behind a function's format.
#[inline(always)]
fn tell_variadic(ctx: &ProbeContext, third: Operand) -> Result<(), Fault> {
    let inner = third.register == R8;
    tell::arguments(|words| {
        words[0][1] = VARIADIC;
        words[1][1] = register(ctx.regs, if inner { RDX } else { RCX });
        words[2][1] = register(ctx.regs, if inner { RCX } else { R8 });
        words[3][1] = register(ctx.regs, if inner { R8 } else { R9 });
        words[4][1] = register(ctx.regs, if inner { RSI } else { RDX });
    });
    Ok(())
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
    importing::begin(register(ctx.regs, RSP));
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
