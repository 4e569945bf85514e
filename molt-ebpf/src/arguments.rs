//! The door for the arguments of probes.

use crate::memory::UserMemory;
use crate::registers::register;
use aya_ebpf::bindings::pt_regs;
use aya_ebpf::helpers::generated::bpf_probe_read_user_str;
use molt_common::fault::Fault;
use molt_common::operand::{CONSTANT, IN_MEMORY, IN_REGISTER, Operand};
use molt_common::walk::{Memory, checked};

/// The argument that is where `operand` says.
#[inline(always)]
pub fn argument(regs: *const pt_regs, operand: Operand) -> Result<u64, Fault> {
    let value = match operand.place {
        IN_REGISTER => register(regs, operand.register),
        IN_MEMORY => {
            let at = register(regs, operand.register).wrapping_add(i64::from(operand.number).cast_unsigned());
            UserMemory.read_u64(checked(at)?)?
        }
        CONSTANT => i64::from(operand.number).cast_unsigned(),
        _ => return Err(Fault::BadPointer),
    };
    Ok(operand.cut(value))
}

/// The text at `addr` up to its NUL, as far as it has room in `into`, which holds zeros.
#[inline(always)]
pub fn text<const BYTES: usize>(addr: u64, into: &mut [u8; BYTES]) -> Result<(), Fault> {
    let addr = checked(addr)?;
    // SAFETY: `into` is writable for so many bytes, and the helper checks the source address itself.
    let status = unsafe { bpf_probe_read_user_str(into.as_mut_ptr().cast(), BYTES as u32, addr as *const _) };
    if status > 0 { Ok(()) } else { Err(Fault::ReadFault) }
}
