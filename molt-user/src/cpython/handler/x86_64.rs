//! Machine code of x86-64: what an opcode's handler looks like, and which instructions the kernel emulates.

mod promoted;

pub(in crate::cpython) use promoted::{comparison_around, entered, promoted_call, takes_address};

use super::{Entry, FrameClear, MAX_INSTRUCTION_BYTES, Shape, Text};
use crate::discover::args::Register;
use crate::discover::elf::Relocations;
use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register as Name,
};

/// Most instructions from a handler's first to the store of the instruction pointer. Compilers put up to 3
/// before it.
const MAX_TO_STORE: usize = 8;
/// Most instructions from that store to the probe. Compilers put up to 6 between.
const MAX_TO_SITE: usize = 8;
/// Most instructions from a handler's first to its first call. The longest way known has some 30.
const MAX_TO_CALL: usize = 64;

/// Most instructions from a function's first to its first conditional jump. Compilers put up to 8 before it.
const MAX_TO_JUMP: usize = 12;

/// The first two integer arguments (System V ABI).
const ARGUMENTS: [Register; 2] = [Register(7), Register(6)];
const STACK_POINTER: Register = Register(4);

/// Finds, from a handler's first instruction on, `mov %R,frame_instr(%F)` and the first instruction behind it
/// that the kernel emulates. Any other would be single-stepped, at some thirty times the cost.
pub(in crate::cpython) fn find_entry(
    text: &Text<'_>,
    handler: u64,
    frame_instr: u32,
) -> Result<Entry, Shape> {
    let mut reader = Reader { text, next: handler };
    let (frame, instruction) = reader.find_store(frame_instr)?;
    let mut info = InstructionInfoFactory::new();
    for _ in 0..MAX_TO_SITE {
        let next = reader.decode()?;
        if is_emulated(&next) {
            return Ok(Entry { site: next.ip(), frame, instruction });
        }
        if next.flow_control() != FlowControl::Next
            || written(&mut info, &next).any(|register| register == frame)
        {
            break;
        }
    }
    Err(Shape::NoEmulated)
}

/// Where a thread goes on after a probe on the instruction at `site`.
pub(in crate::cpython) fn landings(text: &Text<'_>, site: u64) -> Result<Vec<u64>, Shape> {
    let instruction = Reader { text, next: site }.decode()?;
    let target = instruction.near_branch_target();
    Ok([instruction.next_ip(), target].into_iter().filter(|landing| *landing != 0).collect())
}

/// Follows the `RETURN_VALUE` handler, where `frame` holds the frame, to its first direct call: that of the
/// function that clears the frame (`_PyEvalFrameClearAndPop`, 3.12's `Python/ceval.c`; in 3.11 the function
/// that calls `_PyFrame_Clear` is inlined). Conditional branches are not taken: they lead to what is rare.
pub(in crate::cpython) fn find_frame_clear(
    text: &Text<'_>,
    relocations: &Relocations,
    handler: u64,
    frame: Register,
) -> Result<FrameClear, Shape> {
    let mut reader = Reader { text, next: handler };
    let mut info = InstructionInfoFactory::new();
    let mut holders = vec![frame];
    for _ in 0..MAX_TO_CALL {
        let next = reader.decode()?;
        match next.flow_control() {
            FlowControl::Call if next.code() == Code::Call_rel32_64 => {
                let mut given = ARGUMENTS.into_iter().filter(|argument| holders.contains(argument));
                let (Some(frame), None) = (given.next(), given.next()) else {
                    return Err(Shape::NoFrameArgument);
                };
                let function = through_stub(text, relocations, next.near_branch_target())?;
                return Ok(FrameClear { function, frame });
            }
            FlowControl::UnconditionalBranch => reader.next = next.near_branch_target(),
            FlowControl::Next | FlowControl::ConditionalBranch => {
                let is_copy = next.mnemonic() == Mnemonic::Mov
                    && next.op1_kind() == OpKind::Register
                    && number(next.op1_register()).is_some_and(|from| holders.contains(&from));
                let written: Vec<_> = written(&mut info, &next).collect();
                holders.retain(|holder| !written.contains(holder));
                if is_copy && next.op0_kind() == OpKind::Register {
                    holders.extend(number(next.op0_register()));
                }
            }
            _ => break,
        }
    }
    Err(Shape::NoCall)
}

/// Where a function is probed: its first instruction but `endbr64`, which the kernel does not emulate.
pub(in crate::cpython) fn function_entry(text: &Text<'_>, function: u64) -> Result<u64, Shape> {
    let mut reader = Reader { text, next: function };
    if reader.decode()?.code() != Code::Endbr64 {
        return Ok(function);
    }
    let site = reader.next;
    reader.decode().map(|_| site)
}

/// Where a function is probed whose arguments are wanted: at the first conditional jump if nothing before it changes an
/// argument or writes to memory but its own stack, else where [`function_entry`] says. To emulate a jump takes the kernel
/// less than a push, which writes to the program's stack.
pub(in crate::cpython) fn arguments_site(text: &Text<'_>, function: u64) -> Result<u64, Shape> {
    let entry = function_entry(text, function)?;
    let mut reader = Reader { text, next: entry };
    let mut info = InstructionInfoFactory::new();
    for _ in 0..MAX_TO_JUMP {
        let Ok(next) = reader.decode() else { break };
        match next.flow_control() {
            FlowControl::ConditionalBranch if is_emulated(&next) => return Ok(next.ip()),
            FlowControl::Next if !writes_memory(&mut info, &next) => {
                if written(&mut info, &next).any(|register| ARGUMENTS.contains(&register)) {
                    break;
                }
            }
            _ => break,
        }
    }
    Ok(entry)
}

/// The argument of `_PyEval_EvalFrameDefault` that is the frame: the first one, and from 3.9 on the second,
/// behind the thread state (`Include/internal/pycore_ceval.h`).
pub(in crate::cpython) fn eval_frame_argument(minor: u8) -> Option<Register> {
    ARGUMENTS.get(usize::from(minor >= 9)).copied()
}

/// The register of `_PyEval_EvalFrameDefault`'s `throwflag`, its argument behind the frame.
pub(in crate::cpython) fn throw_argument(minor: u8) -> Option<Register> {
    // rdx is the third.
    ARGUMENTS.get(1).copied().filter(|_| minor == 8).or(Some(Register(2)))
}

/// The function that a stub of the procedure linkage table jumps to; any other function is itself.
fn through_stub(text: &Text<'_>, relocations: &Relocations, function: u64) -> Result<u64, Shape> {
    let mut reader = Reader { text, next: function_entry(text, function)? };
    let first = reader.decode()?;
    if first.code() != Code::Jmp_rm64 || !first.is_ip_rel_memory_operand() {
        return Ok(function);
    }
    let target = relocations.at(first.ip_rel_memory_address());
    target
        .filter(|&target| text.contains(target))
        .ok_or(Shape::NoCode { address: first.ip_rel_memory_address() })
}

/// Decodes one instruction after the other.
struct Reader<'text, 'elf> {
    text: &'text Text<'elf>,
    next: u64,
}

impl Reader<'_, '_> {
    fn decode(&mut self) -> Result<Instruction, Shape> {
        let mut buffer = [0; MAX_INSTRUCTION_BYTES];
        let bytes = self.text.read(self.next, &mut buffer)?;
        let instruction = Decoder::with_ip(64, bytes, self.next, DecoderOptions::NONE).decode();
        if instruction.is_invalid() {
            return Err(Shape::NoCode { address: self.next });
        }
        self.next = instruction.next_ip();
        Ok(instruction)
    }

    /// Goes behind the store of the instruction pointer; the frame's register and the one stored.
    fn find_store(&mut self, frame_instr: u32) -> Result<(Register, Register), Shape> {
        for _ in 0..MAX_TO_STORE {
            let next = self.decode()?;
            match next.flow_control() {
                FlowControl::Next => {
                    if let Some(found) = store_into_frame(&next, frame_instr) {
                        return Ok(found);
                    }
                }
                FlowControl::UnconditionalBranch => self.next = next.near_branch_target(),
                _ => break,
            }
        }
        Err(Shape::NoStore)
    }
}

/// `mov %R,frame_instr(%F)`, as `(F, R)`. A store relative to the stack pointer is a local variable.
fn store_into_frame(instruction: &Instruction, frame_instr: u32) -> Option<(Register, Register)> {
    let is_store = instruction.code() == Code::Mov_rm64_r64
        && instruction.op0_kind() == OpKind::Memory
        && instruction.memory_index() == Name::None
        && instruction.segment_prefix() == Name::None
        && instruction.memory_displacement64() == u64::from(frame_instr);
    let frame = number(instruction.memory_base()).filter(|&base| is_store && base != STACK_POINTER)?;
    Some((frame, number(instruction.op1_register())?))
}

/// Whether the kernel emulates an instruction under a uprobe (`branch_setup_xol_ops` and
/// `push_setup_xol_ops` in `arch/x86/kernel/uprobes.c`, Linux 6.12). A prefix can change that, so that only
/// the lengths without one count.
fn is_emulated(instruction: &Instruction) -> bool {
    match instruction.code() {
        Code::Jmp_rel8_64 => instruction.len() == 2,
        Code::Jmp_rel32_64 | Code::Call_rel32_64 => instruction.len() == 5,
        // `push %r8` and up have a prefix that the kernel knows.
        Code::Push_r64 => instruction.len() <= 2,
        code if code.is_jcc_short() => instruction.len() == 2,
        code if code.is_jcc_near() => instruction.len() == 6,
        _ => false,
    }
}

/// The general registers that an instruction may change, in any of their parts.
fn written(info: &mut InstructionInfoFactory, instruction: &Instruction) -> impl Iterator<Item = Register> {
    let used = info.info(instruction).used_registers();
    let written = used.iter().filter(|used| !matches!(used.access(), OpAccess::Read | OpAccess::CondRead));
    written.filter_map(|used| number(used.register()))
}

/// Whether an instruction may change memory that is not below the stack pointer.
fn writes_memory(info: &mut InstructionInfoFactory, instruction: &Instruction) -> bool {
    instruction.mnemonic() != Mnemonic::Push
        && info.info(instruction).used_memory().iter().any(|used| used.access() != OpAccess::Read)
}

/// A general register's number, whatever part of it is named.
fn number(name: Name) -> Option<Register> {
    let full = name.full_register();
    full.is_gpr64().then(|| u8::try_from(full.number()).ok().map(Register))?
}

#[cfg(test)]
mod tests;
