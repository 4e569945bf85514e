//! An attribute of a module is set or deleted.

use crate::effects::{Hit, Kind, settle};
use crate::memory::UserMemory;
use crate::registers::register;
use crate::{emit, mutations, task, tell};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::call::CallLayout;
use molt_common::event::KIND_MUTATION;
use molt_common::fault::Fault;
use molt_common::mutation::{Assigning, MutationKey, MutationSeen, setter};
use molt_common::walk::top::Top;
use molt_common::walk::{Memory, checked};

/// Registers of the first three arguments.
const RDI: u8 = 7;
const RSI: u8 = 6;
const RDX: u8 = 2;
/// Words of a name that tell it from others.
const NAME_WORDS: u32 = 4;

/// At the entries of `PyObject_SetAttr(object, name, value)` and `_PyObject_GenericSetAttrWithDict`, which begins with
/// the same arguments (`Objects/object.c`). Compilers inline either into some of its callers, so that an assignment
/// passes the first, the second, or both; the latter counts once. Without a value the attribute is deleted.
#[uprobe]
pub fn assign(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Frequent) else { return 0 };
    settle(try_assign(&ctx, &hit));
    hit.end();
    0
}

#[inline(always)]
fn try_assign(ctx: &ProbeContext, hit: &Hit) -> Result<(), Fault> {
    let object = register(ctx.regs, RDI);
    if !is_module(&hit.config.call, object).unwrap_or(false) {
        return Ok(());
    }
    let this = Assigning { module: object, value: register(ctx.regs, RDX) };
    if task::cookie(ctx) == setter::OUTER {
        mutations::begin(this)?;
    } else if mutations::goes_on(this) {
        return Ok(());
    }
    let name = register(ctx.regs, RSI);
    let top = hit.top().map_err(|_| Fault::UnreadMutation)?;
    let top = top.unwrap_or(Top { code: 0, identity: 0, globals: 0 });
    let seen = MutationSeen {
        header: task::header(KIND_MUTATION),
        key: MutationKey {
            program: hit.config.program,
            deletes: u32::from(this.value == 0),
            module: object,
            name: fold_name(&hit.config.call, name)?,
            code: top.code,
        },
        name,
        identity: top.identity,
        globals: top.globals,
    };
    if mutations::add(&seen.key)? {
        if seen.key.code != 0 {
            tell::code(seen.key.program, seen.key.code, seen.globals);
        }
        tell::module(seen.key.program, object, name);
        return emit::record(&seen);
    }
    Ok(())
}

/// Whether the object at `addr` is a module: its type is that of modules, or derived from it directly.
#[inline(always)]
fn is_module(layout: &CallLayout, addr: u64) -> Result<bool, Fault> {
    let kind = UserMemory.read_u64(checked(addr)? + u64::from(layout.object_type))?;
    if kind == layout.module_type {
        return Ok(true);
    }
    let base = UserMemory.read_u64(checked(kind)? + u64::from(layout.type_base))?;
    Ok(base != 0 && base == layout.module_type)
}

/// The hash of the str at `addr`, which stands behind its length (`Include/cpython/unicodeobject.h`, 3.8 to 3.15); of
/// one that was not hashed yet the beginning of its text.
#[inline(always)]
fn fold_name(layout: &CallLayout, addr: u64) -> Result<u64, Fault> {
    let addr = checked(addr).map_err(|_| Fault::UnreadMutation)?;
    let word = |at: u32| UserMemory.read_u64(addr + u64::from(at)).map_err(|_| Fault::UnreadMutation);
    let (length, hash) = (word(layout.var_size)?, word(layout.var_size + 8)?);
    if hash != u64::MAX {
        return Ok(hash);
    }
    let mut folded = length;
    for at in 0..NAME_WORDS {
        if u64::from(8 * at) < length {
            folded = (folded ^ word(layout.ascii_bytes + 8 * at)?).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            folded ^= folded >> 29;
        }
    }
    Ok(folded)
}
