//! Where in an interpreter's file probes see every call: its hook sites.
//!
//! From 3.11 on each start of a Python function, and each place where a generator or a coroutine goes on,
//! executes an opcode of the `RESUME` family; each end of a frame calls the function that clears it. Up to
//! 3.10 every call enters `_PyEval_EvalFrameDefault`, which the file exports. `docs/calls.md` tells the rest.

mod describe;

use super::dispatch::DispatchTable;
pub use super::handler::Shape;
use super::handler::{
    Text, arguments_site, eval_frame_argument, find_entry, find_frame_clear, function_entry, landings,
    throw_argument,
};
use super::layout::Layout;
use super::opcode::Opcodes;
use super::version::Version;
use crate::discover::args::Register;
use crate::discover::elf::{Elf, ElfError, Relocations};
use std::collections::BTreeSet;
use thiserror::Error;

/// How calls are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// At the handlers of the `RESUME` family, through the dispatch table (3.11 on).
    Dispatch,
    /// At the entry of `_PyEval_EvalFrameDefault` (up to 3.10).
    EvalFrame,
}

/// A place that a thread passes when a function starts, or when a generator or a coroutine goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntrySite {
    /// The opcode that is executed here, and its name. A hit counts only if it is in the code unit that the
    /// frame's instruction pointer leads to, since handlers share their ends. None with [`Kind::EvalFrame`].
    pub opcode: Option<(u8, &'static str)>,
    /// Where in the file the probe goes.
    pub file_offset: u64,
    /// The same place as an address before the load bias.
    pub address: u64,
    /// Holds the frame.
    pub frame_register: Register,
    /// With [`Kind::EvalFrame`], holds an `int` that is not 0 when an exception is thrown into the frame.
    pub throw_register: Option<Register>,
    /// The register that was stored into the frame as the instruction pointer. None with [`Kind::EvalFrame`].
    pub next_instr_register: Option<Register>,
}

/// A place that a thread passes when a frame ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitSite {
    /// Where in the file the probe goes.
    pub file_offset: u64,
    /// The same place as an address before the load bias.
    pub address: u64,
    /// Holds the frame, which is yet to be cleared. None with [`Kind::EvalFrame`]: the probe is one on the
    /// function's return, where the frame is the one that the thread entered last and the result is the
    /// function's own. The kernel keeps track of 64 nested returns of a thread and misses those of deeper
    /// calls (`MAX_URETPROBE_DEPTH`, `include/linux/uprobes.h`, Linux 6.18).
    pub frame_argument: Option<Register>,
}

/// Where an interpreter's calls, returns and exceptions are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookSites {
    /// How calls are seen.
    pub kind: Kind,
    /// Bits of the argument of the opcode at an entry site that are all 0 when a function starts, and not when
    /// it goes on. `RESUME_OPARG_LOCATION_MASK` (`Include/internal/pycore_opcode_utils.h`); in 3.15 it has a
    /// bit more, for the making of a generator expression, which is no start either. 0 with
    /// [`Kind::EvalFrame`].
    pub resume_mask: u8,
    /// All places where calls are seen; at least one.
    pub entry: Vec<EntrySite>,
    /// Where returns are seen, or why they are not.
    pub exit: Result<ExitSite, Shape>,
    /// Where in the file the entry of `PyTraceBack_Here` is, which each frame that an exception leaves or is
    /// handled in passes once; its first argument is the frame object.
    pub trace_back_here: Option<u64>,
}

impl HookSites {
    /// Where threads go on after a probe at an entry or an exit, as addresses before the load bias.
    pub fn landings(&self, elf: &Elf) -> BTreeSet<u64> {
        let text = Text::of(elf);
        let exit = self.exit.as_ref().ok().map(|exit| exit.address);
        let sites = self.entry.iter().map(|site| site.address).chain(exit);
        // Each site was decoded when it was found.
        sites.filter_map(|site| landings(&text, site).ok()).flatten().collect()
    }
}

/// Why a file's calls cannot be hooked.
#[derive(Debug, Error)]
pub enum NoSites {
    /// No opcodes are known for this version.
    #[error("opcodes of Python {version} are not known")]
    Version {
        /// The interpreter's version.
        version: Version,
    },
    /// The interpreter is free-threaded: references have other tags, and types other places.
    #[error("calls of free-threaded builds are not hooked")]
    FreeThreaded,
    /// There is no table, as in interpreters built without computed gotos.
    #[error("no dispatch table found: the interpreter is built without computed gotos, or in an unknown way")]
    NoTable,
    /// More than one place looks like the table.
    #[error("{count} places look like the dispatch table")]
    ManyTables {
        /// How many.
        count: usize,
    },
    /// The file has more data than is looked through.
    #[error("file has more than {most} bytes of data")]
    TooMuchData {
        /// The bound.
        most: u64,
    },
    /// A handler's code has another shape than those of the builds known.
    #[error("handler of {name} is not understood: {shape}")]
    Handler {
        /// The opcode's name.
        name: &'static str,
        /// What is not understood.
        shape: Shape,
    },
    /// The handlers hold the frame in different registers. One dispatch leads to all of them, so that some
    /// were not understood.
    #[error("handlers of the RESUME family hold the frame in different registers")]
    Contradiction,
    /// The file does not export `_PyEval_EvalFrameDefault`, or its code is not understood.
    #[error("no code found at _PyEval_EvalFrameDefault")]
    NoEvalFrame,
    /// Reading the file failed.
    #[error(transparent)]
    File(#[from] ElfError),
}

/// Finds the hook sites of an interpreter in its file, without symbols but exported ones. Every site lies in
/// executable text, at an instruction to which decoding from a handler's or a function's start has led.
pub fn find_sites(elf: &Elf, version: Version, layout: &Layout) -> Result<HookSites, NoSites> {
    let text = Text::of(elf);
    let exported = |name: &[u8]| {
        let symbol = elf.find_symbol(name)?;
        function_entry(&text, symbol.address).ok()
    };
    let trace_back_here = exported(b"PyTraceBack_Here").and_then(|address| elf.file_offset(address));
    if version.major() == 3 && version.minor() <= 10 {
        let entry = exported(b"_PyEval_EvalFrameDefault").ok_or(NoSites::NoEvalFrame)?;
        let (entry, exit) = eval_frame_sites(elf, entry, version.minor()).ok_or(NoSites::NoEvalFrame)?;
        return Ok(HookSites {
            kind: Kind::EvalFrame,
            resume_mask: 0,
            entry: vec![entry],
            exit: Ok(exit),
            trace_back_here,
        });
    }
    let opcodes = Opcodes::of(version.minor()).filter(|_| version.major() == 3);
    let opcodes = opcodes.ok_or(NoSites::Version { version })?;
    let relocations = elf.read_relocations()?;
    let table = DispatchTable::find(elf, &text, &relocations, opcodes)?;
    let mut entry = Vec::new();
    for &(opcode, name) in opcodes.resume_family() {
        let site = entry_site(elf, &text, table.handler(opcode), layout.frame_instr)
            .map_err(|shape| NoSites::Handler { name, shape })?;
        entry.push(EntrySite { opcode: Some((opcode, name)), ..site });
    }
    let frame = entry.first().map(|site| site.frame_register);
    let Some(frame) = frame.filter(|&frame| entry.iter().all(|site| site.frame_register == frame)) else {
        return Err(NoSites::Contradiction);
    };
    let exit = exit_site(elf, &text, &relocations, table.handler(opcodes.return_value()[0]), frame);
    let resume_mask = if version.minor() >= 15 { 7 } else { 3 };
    Ok(HookSites { kind: Kind::Dispatch, resume_mask, entry, exit, trace_back_here })
}

fn eval_frame_sites(elf: &Elf, address: u64, minor: u8) -> Option<(EntrySite, ExitSite)> {
    let file_offset = elf.file_offset(address)?;
    let frame_register = eval_frame_argument(minor)?;
    let throw_register = throw_argument(minor);
    let entry = EntrySite {
        opcode: None,
        file_offset,
        address,
        frame_register,
        throw_register,
        next_instr_register: None,
    };
    Some((entry, ExitSite { file_offset, address, frame_argument: None }))
}

fn entry_site(elf: &Elf, text: &Text<'_>, handler: u64, frame_instr: u32) -> Result<EntrySite, Shape> {
    let found = find_entry(text, handler, frame_instr)?;
    Ok(EntrySite {
        opcode: None,
        file_offset: elf.file_offset(found.site).ok_or(Shape::NoCode { address: found.site })?,
        address: found.site,
        frame_register: found.frame,
        throw_register: None,
        next_instr_register: Some(found.instruction),
    })
}

fn exit_site(
    elf: &Elf,
    text: &Text<'_>,
    relocations: &Relocations,
    handler: u64,
    frame: Register,
) -> Result<ExitSite, Shape> {
    let found = find_frame_clear(text, relocations, handler, frame)?;
    let address = arguments_site(text, found.function)?;
    let file_offset = elf.file_offset(address).ok_or(Shape::NoCode { address })?;
    Ok(ExitSite { file_offset, address, frame_argument: Some(found.frame) })
}
