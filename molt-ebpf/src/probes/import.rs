//! A module is looked for, and has run or not.

use crate::arguments::{argument, text};
use crate::effects::{Hit, Kind, settle};
use crate::registers::{RSP, register, returned};
use crate::{emit, importing, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use core::hint::black_box;
use molt_common::event::happening::{Import, Returned};
use molt_common::event::{KIND_IMPORT_DONE, KIND_IMPORT_RETURN, KIND_IMPORT_START};
use molt_common::fault::Fault;
use molt_common::operand::{NOWHERE, operands};
use zerocopy::transmute;

/// At the places of the probe `import__find__load__start`, which gets the module's name.
#[uprobe]
pub fn import_start(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Probe) else { return 0 };
    settle(try_import(&ctx, KIND_IMPORT_START));
    hit.end();
    0
}

/// At the places of `import__find__load__done`, which also gets whether there is a module.
#[uprobe]
pub fn import_done(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Probe) else { return 0 };
    settle(try_import(&ctx, KIND_IMPORT_DONE));
    hit.end();
    0
}

/// At the return of `PyImport_ImportModuleLevelObject`, where the probes above are missing: it gives the module, or
/// null. Most calls import nothing anew, and end no import that was told of.
#[uprobe]
pub fn import_return(ctx: ProbeContext) -> u32 {
    let Some(hit) = Hit::begin(Kind::Frequent) else { return 0 };
    let imports = importing::end(register(ctx.regs, RSP));
    if imports > 0 {
        let found = u64::from(returned(ctx.regs) != 0);
        settle(emit::later(&Returned { header: task::header(KIND_IMPORT_RETURN), imports, found }));
    }
    hit.end();
    0
}

#[inline(always)]
fn try_import(ctx: &ProbeContext, kind: u16) -> Result<(), Fault> {
    let (name, found) = operands(task::cookie(ctx));
    let mut import = blank();
    let name = argument(ctx.regs, name).map_err(|_| Fault::UnreadHappening)?;
    text(name, &mut import.name).map_err(|_| Fault::UnreadHappening)?;
    if found.place != NOWHERE {
        import.found = argument(ctx.regs, found).map_err(|_| Fault::UnreadHappening)?;
    }
    import.header = task::header(kind);
    emit::later(&import)
}

/// All zeros, written word by word: a call of `memset` costs more.
#[inline(always)]
pub fn blank() -> Import {
    let zero = black_box(0u64);
    transmute!([zero; size_of::<Import>() / 8])
}
