//! Instructions one by one, and what those load that come before a call.

use super::Opcodes;

/// An instruction of restored code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Offset in bytes of its own code unit, behind its prefixes.
    pub offset: u32,
    /// What the compiler wrote.
    pub opcode: u8,
    /// With the bits of its prefixes.
    pub argument: u32,
}

/// What an instruction pushes that goes by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// A global or builtin, by its index in `co_names`.
    Global(usize),
    /// An attribute, by its index in `co_names`.
    Attribute(usize),
}

impl Opcodes {
    /// The instructions of `code`, which is restored code.
    pub fn instructions<'c>(&'c self, code: &'c [u8]) -> impl Iterator<Item = Instruction> + 'c {
        let (units, _) = code.as_chunks::<2>();
        let (mut at, mut high) = (0, 0u32);
        std::iter::from_fn(move || {
            loop {
                let [opcode, argument] = *units.get(at)?;
                let offset = u32::try_from(2 * at).ok()?;
                let argument = high << 8 | u32::from(argument);
                at += 1 + usize::from(self.caches[usize::from(opcode)]);
                if opcode != self.extended_arg {
                    high = 0;
                    return Some(Instruction { offset, opcode, argument });
                }
                high = argument;
            }
        })
    }

    /// Whether an opcode calls what lies on the stack.
    pub fn is_call(&self, opcode: u8) -> bool {
        opcode == self.call || Some(opcode) == self.precall || self.other_calls.contains(&opcode)
    }

    /// Whether an opcode pushes what stands beside a callable that is no method.
    pub const fn is_beside_callable(&self, opcode: u8) -> bool {
        opcode == self.push_null
    }

    /// What the instruction pushes, if it goes by a name. In a function a `LOAD_NAME` may find a local one.
    pub fn load(&self, instruction: Instruction) -> Option<Load> {
        let argument = instruction.argument as usize;
        // The lowest bit tells whether something is pushed beside it.
        match instruction.opcode {
            opcode if opcode == self.load_name => Some(Load::Global(argument)),
            opcode if opcode == self.load_global => Some(Load::Global(argument >> 1)),
            opcode if Some(opcode) == self.load_method => Some(Load::Attribute(argument)),
            opcode if opcode == self.load_attr && self.load_method.is_some() => {
                Some(Load::Attribute(argument))
            }
            opcode if opcode == self.load_attr => Some(Load::Attribute(argument >> 1)),
            _ => None,
        }
    }
}
