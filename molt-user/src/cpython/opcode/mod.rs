//! Code units as they are in memory, rewritten to what `co_code` gives.
//!
//! From 3.11 on the interpreter specialises instructions in place, keeps state in the units behind them, and
//! from 3.12 on writes instrumentation over them. The order of the steps is that of `_PyCode_GetCode` and
//! `_Py_GetBaseCodeUnit` (`Objects/codeobject.c`, `Python/instrumentation.c`).

mod instructions;
mod starts;
mod v3_11;
mod v3_12;
mod v3_13;
mod v3_14;
mod v3_15;

#[cfg(test)]
mod tests;

pub use instructions::{Instruction, Load};
pub use starts::Starts;

use super::{Known, Unknown};

/// The opcodes of one minor version.
#[derive(Debug)]
pub struct Opcodes {
    /// `INSTRUMENTED_LINE`: the opcode is in the line table of `_co_monitoring`.
    line: Option<u8>,
    /// `INSTRUMENTED_INSTRUCTION`: the opcode is in its table of instructions.
    instruction: Option<u8>,
    /// `ENTER_EXECUTOR`: opcode and argument are in the executor that the argument names.
    executor: Option<u8>,
    extended_arg: u8,
    /// `PRECALL`, which stands before each `CALL` in 3.11.
    precall: Option<u8>,
    call: u8,
    /// From a specialised or instrumented opcode to the one that the compiler wrote.
    base: [u8; 256],
    /// Cache units behind an instruction, by the opcode that the compiler wrote.
    caches: [u8; 256],
    /// `RETURN_VALUE` and what it is instrumented to, the same where it is not.
    return_value: [u8; 2],
    /// `RETURN_CONST` likewise; 0 where there is none.
    return_const: [u8; 2],
    /// `RAISE_VARARGS`.
    raise: u8,
    /// `STORE_GLOBAL`, never specialised.
    store_global: u8,
    /// `DELETE_GLOBAL`, never specialised.
    delete_global: u8,
    /// `PUSH_NULL`.
    push_null: u8,
    /// `LOAD_NAME`.
    load_name: u8,
    /// `LOAD_GLOBAL`.
    load_global: u8,
    /// `LOAD_ATTR`.
    load_attr: u8,
    /// `LOAD_METHOD`, in 3.11; later `LOAD_ATTR` has a bit for it.
    load_method: Option<u8>,
    /// `CALL_KW`, where there is none `CALL`, and `CALL_FUNCTION_EX`.
    other_calls: [u8; 2],
    /// `RESUME`, and what it is specialised and instrumented to, with their names.
    resume: &'static [(u8, &'static str)],
    /// Numbers that no opcode has; ascending.
    undefined: &'static [u8],
}

/// What instrumentation has moved out of the code units.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// Entries of the line table, whose first byte is the opcode, and the bytes of one entry.
    pub lines: Option<(Vec<u8>, usize)>,
    /// One opcode for each code unit.
    pub instructions: Option<Vec<u8>>,
}

impl Moved {
    fn line(&self, unit: usize) -> Known<u8> {
        let (entries, bytes) = self.lines.as_ref().ok_or(Unknown::Malformed)?;
        let at = unit.checked_mul(*bytes).ok_or(Unknown::Malformed)?;
        entries.get(at).copied().ok_or(Unknown::Malformed)
    }

    fn instruction(&self, unit: usize) -> Known<u8> {
        self.instructions.as_ref().and_then(|opcodes| opcodes.get(unit)).copied().ok_or(Unknown::Malformed)
    }
}

impl Opcodes {
    /// The opcodes of 3.`minor`; `None` up to 3.10, whose code is never rewritten.
    pub fn of(minor: u8) -> Option<&'static Opcodes> {
        match minor {
            11 => Some(&v3_11::OPCODES),
            12 => Some(&v3_12::OPCODES),
            13 => Some(&v3_13::OPCODES),
            14 => Some(&v3_14::OPCODES),
            15 => Some(&v3_15::OPCODES),
            _ => None,
        }
    }

    /// `RESUME`, which stands at every start of a function and behind every place where a generator or
    /// coroutine goes on, and the opcodes that are written over it; each with its name.
    pub const fn resume_family(&self) -> &'static [(u8, &'static str)] {
        self.resume
    }

    /// `RETURN_VALUE`, and what instrumentation writes over it.
    pub const fn return_value(&self) -> [u8; 2] {
        self.return_value
    }

    /// `RETURN_CONST` (3.12, 3.13), and what instrumentation writes over it; 0 where there is none.
    pub const fn return_const(&self) -> [u8; 2] {
        self.return_const
    }

    /// `RAISE_VARARGS`.
    pub const fn raise(&self) -> u8 {
        self.raise
    }

    /// `STORE_GLOBAL` and `DELETE_GLOBAL`, whose arguments are indices of names.
    pub const fn stores_of_globals(&self) -> [u8; 2] {
        [self.store_global, self.delete_global]
    }

    /// `EXTENDED_ARG`.
    pub const fn extended_arg(&self) -> u8 {
        self.extended_arg
    }

    /// The numbers that no opcode has, in ascending order.
    pub const fn undefined(&self) -> &'static [u8] {
        self.undefined
    }

    /// Rewrites `code`, pairs of opcode and argument, to what `co_code` gives. `executor` finds the opcode
    /// and the argument that an executor replaced.
    pub fn restore(
        &self,
        code: &mut [u8],
        moved: &Moved,
        mut executor: impl FnMut(u8) -> Known<(u8, u8)>,
    ) -> Known<()> {
        let (units, _) = code.as_chunks_mut::<2>();
        let mut caches = 0;
        for (at, unit) in units.iter_mut().enumerate() {
            if caches > 0 {
                caches -= 1;
                *unit = [0, 0];
                continue;
            }
            let [mut op, mut arg] = *unit;
            if Some(op) == self.line {
                op = moved.line(at)?;
            }
            if Some(op) == self.instruction {
                op = moved.instruction(at)?;
            }
            if Some(op) == self.executor {
                (op, arg) = executor(arg)?;
            }
            op = self.base[usize::from(op)];
            *unit = [op, arg];
            caches = self.caches[usize::from(op)];
        }
        Ok(())
    }
}
