//! Calls through a pointer, as compilers write them that have a profile: the pointer is compared with the function that
//! it mostly leads to, and that function's code is in place behind the comparison. Only where they differ the call is
//! made, and what that way does to the registers tells where the arguments are at the comparison.

use super::{MAX_TO_CALL, MAX_TO_JUMP, Reader, Text, is_emulated, number, written};
use crate::cpython::handler::{Argument, Passed, Shape};
use crate::discover::args::Register;
use iced_x86::{Code, ConditionCode, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind};

/// The second and the third integer argument (System V ABI).
const ARGUMENTS: [usize; 2] = [6, 2];
/// General registers.
const REGISTERS: usize = 16;
/// Most instructions from a function's first to the one that is probed.
const MAX_TO_PROBE: usize = 16;
/// More bytes of its stack than the allocator takes.
const MAX_FRAME: u32 = 1024;

/// Whether the bytes before `at` make what follows the immediate operand of a comparison of 64 bits in a register; where
/// that begins, if so: `cmp $imm32,%rax`, `cmp $imm32,%reg`.
pub(in crate::cpython) fn comparison_around(bytes: &[u8], at: usize) -> Option<usize> {
    let two = at.checked_sub(2)?;
    if bytes.get(two..at) == Some(&[0x48, 0x3d]) {
        return Some(two);
    }
    let three = at.checked_sub(3)?;
    match bytes.get(three..at) {
        Some([0x48 | 0x49, 0x81, 0xf8..=0xff]) => Some(three),
        _ => None,
    }
}

/// The address that is taken by an instruction of which the four bytes from `at` on are the distance:
/// `lea distance(%rip),%reg`. `base`: the address of the first of the bytes.
pub(in crate::cpython) fn takes_address(bytes: &[u8], at: usize, base: u64) -> Option<u64> {
    let [0x48 | 0x4c, 0x8d, operands] = bytes.get(at.checked_sub(3)?..at)? else { return None };
    let distance = i32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    let next = base.wrapping_add(at as u64 + 4);
    (operands & 0xc7 == 0x05).then(|| next.wrapping_add_signed(distance.into()))
}

/// Reads the call that is made where the comparison at `comparison` finds the pointer to be another one than `function`.
/// The probe goes on the jump behind the comparison. `None` where the way of the function that was expected leads into it
/// by a jump: it is seen there, and cannot be told from one that the pointer has led to.
pub(in crate::cpython) fn promoted_call(
    text: &Text<'_>,
    comparison: u64,
    function: u64,
) -> Result<Option<Passed>, Shape> {
    let mut reader = Reader { text, next: comparison };
    let compare = reader.decode()?;
    let is_compare = matches!(compare.code(), Code::Cmp_RAX_imm32 | Code::Cmp_rm64_imm32)
        && compare.op0_kind() == OpKind::Register
        && compare.immediate(1) == function;
    let pointer = number(compare.op0_register()).filter(|_| is_compare).ok_or(Shape::NoCall)?;
    let jump = reader.decode()?;
    if !is_emulated(&jump) {
        return Err(Shape::NoEmulated);
    }
    let (taken, further) = (jump.near_branch_target(), jump.next_ip());
    let (expected, other) = match jump.condition_code() {
        ConditionCode::ne => (further, taken),
        ConditionCode::e => (taken, further),
        _ => return Err(Shape::NoCall),
    };
    if goes_to(text, expected, function) {
        return Ok(None);
    }
    reader.next = other;
    let mut values = Values::unchanged();
    for _ in 0..MAX_TO_CALL {
        let next = reader.decode()?;
        match next.flow_control() {
            FlowControl::IndirectCall | FlowControl::IndirectBranch => {
                let target = number(next.op0_register()).filter(|_| next.op0_kind() == OpKind::Register);
                let is_pointer = target.and_then(|target| values.of(target)) == Some(Argument::In(pointer));
                let arguments = ARGUMENTS.map(|register| values.0.get(register).copied().flatten());
                let passed = Passed { site: jump.ip(), depth: 0, arguments };
                return is_pointer.then_some(Some(passed)).ok_or(Shape::NoCall);
            }
            FlowControl::UnconditionalBranch => reader.next = next.near_branch_target(),
            FlowControl::Next => values.follow(&next),
            _ => break,
        }
    }
    Err(Shape::NoCall)
}

/// Whether the code at `from` goes to `function` without a branch or a call.
fn goes_to(text: &Text<'_>, from: u64, function: u64) -> bool {
    let mut reader = Reader { text, next: from };
    for _ in 0..MAX_TO_JUMP {
        if reader.next == function {
            return true;
        }
        let Ok(next) = reader.decode() else { break };
        match next.flow_control() {
            FlowControl::Next => {}
            FlowControl::UnconditionalBranch => reader.next = next.near_branch_target(),
            _ => break,
        }
    }
    false
}

/// Where a function is probed whose arguments and caller are wanted: at the first instruction that the kernel emulates
/// before one of them changes, a jump before a push; else at its first one.
pub(in crate::cpython) fn entered(text: &Text<'_>, function: u64) -> Result<Passed, Shape> {
    let arguments = [Some(Argument::In(Register(6))), Some(Argument::In(Register(2)))];
    let mut reader = Reader { text, next: super::function_entry(text, function)? };
    let mut best = Passed { site: reader.next, depth: 0, arguments };
    let mut pushes = false;
    let mut info = InstructionInfoFactory::new();
    let mut depth: u32 = 0;
    for _ in 0..MAX_TO_PROBE {
        let Ok(next) = reader.decode() else { break };
        match next.flow_control() {
            FlowControl::ConditionalBranch if is_emulated(&next) => {
                return Ok(Passed { site: next.ip(), depth, arguments });
            }
            FlowControl::Next => {}
            _ => break,
        }
        if next.code() == Code::Push_r64 && !std::mem::replace(&mut pushes, true) && is_emulated(&next) {
            best = Passed { site: next.ip(), depth, arguments };
        }
        match (next.mnemonic(), next.stack_pointer_increment()) {
            (Mnemonic::Push, grown) => depth += grown.unsigned_abs(),
            (Mnemonic::Sub, _) if number(next.op0_register()) == Some(super::STACK_POINTER) => {
                let grown = next.try_immediate(1).ok().and_then(|grown| u32::try_from(grown).ok());
                let Some(grown) = grown.filter(|grown| *grown < MAX_FRAME) else { break };
                depth += grown;
            }
            _ if written(&mut info, &next).any(|register| register == super::STACK_POINTER) => break,
            _ => {}
        }
        let changed = written(&mut info, &next).any(|register| [6, 2].contains(&register.0));
        if changed || super::writes_memory(&mut info, &next) {
            break;
        }
    }
    Ok(best)
}

/// What registers hold, in terms of what they held at the beginning.
struct Values([Option<Argument>; REGISTERS]);

impl Values {
    fn unchanged() -> Self {
        Self(std::array::from_fn(|number| {
            u8::try_from(number).ok().map(|number| Argument::In(Register(number)))
        }))
    }

    fn of(&self, register: Register) -> Option<Argument> {
        self.0.get(usize::from(register.0)).copied().flatten()
    }

    /// After `next`.
    fn follow(&mut self, next: &Instruction) {
        let value = match next.code() {
            // A size of which the low half is enough is copied by it.
            Code::Mov_r64_rm64 | Code::Mov_rm64_r64 | Code::Mov_r32_rm32 | Code::Mov_rm32_r32
                if next.op1_kind() == OpKind::Register =>
            {
                number(next.op1_register()).and_then(|from| self.of(from))
            }
            Code::Mov_r32_imm32 | Code::Mov_r64_imm64 | Code::Mov_rm64_imm32 => {
                Some(Argument::Is(next.immediate(1)))
            }
            Code::Xor_r32_rm32 | Code::Xor_rm32_r32
                if next.op1_kind() == OpKind::Register && next.op0_register() == next.op1_register() =>
            {
                Some(Argument::Is(0))
            }
            _ => None,
        };
        let mut info = InstructionInfoFactory::new();
        for register in written(&mut info, next) {
            if let Some(held) = self.0.get_mut(usize::from(register.0)) {
                *held = value;
            }
        }
    }
}

#[cfg(test)]
mod tests;
