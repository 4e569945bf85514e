//! The argument text of a USDT note, such as `8@%rax 8@%rdx -4@%eax` or `-4@12(%rsp)`.
//!
//! Each argument is `SIZE@OPERAND`: the size in bytes, negative for a signed value, and an operand in the
//! assembler's AT&T syntax (`sys/sdt.h`).

use std::fmt;

/// Most arguments of one probe, as `sys/sdt.h` has it.
const MAX_ARGUMENTS: usize = 12;

/// A register of x86-64 by its number in instructions, 0 (`rax`) to 15 (`r15`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register(pub u8);

/// The letters that name registers 0 to 7, which have no numbers in their names.
const LETTERS: [&str; 8] = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match LETTERS.get(usize::from(self.0)) {
            Some(letters) => write!(f, "r{letters}"),
            None => write!(f, "r{}", self.0),
        }
    }
}

/// Where an argument is when the probe is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a register.
    Register(Register),
    /// In memory, at the register's value plus the displacement in bytes.
    Memory {
        /// The register with the address.
        base: Register,
        /// What is added to it.
        displacement: i64,
    },
    /// Always this value.
    Constant(i64),
}

/// One argument of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its size in bytes: 1, 2, 4 or 8.
    pub bytes: u8,
    /// Whether it is a signed number.
    pub signed: bool,
    /// Where it is; none if the operand has a form that compilers do not use for CPython's probes (an index
    /// register, a symbol).
    pub place: Option<Place>,
}

/// Parses the whole text. None if an argument has no size: then it is not known which one is which.
pub fn parse_arguments(text: &str) -> Option<Vec<Argument>> {
    text.split_ascii_whitespace().take(MAX_ARGUMENTS).map(parse_argument).collect()
}

fn parse_argument(text: &str) -> Option<Argument> {
    let (size, operand) = text.split_once('@')?;
    let size: i8 = size.parse().ok()?;
    let bytes = size.unsigned_abs();
    matches!(bytes, 1 | 2 | 4 | 8).then(|| Argument { bytes, signed: size < 0, place: parse_place(operand) })
}

fn parse_place(operand: &str) -> Option<Place> {
    if let Some(constant) = operand.strip_prefix('$') {
        return parse_number(constant).map(Place::Constant);
    }
    if let Some(name) = operand.strip_prefix('%') {
        return parse_register(name).map(Place::Register);
    }
    let (displacement, base) = operand.strip_suffix(')')?.split_once("(%")?;
    let displacement = if displacement.is_empty() { 0 } else { parse_number(displacement)? };
    parse_register(base).map(|base| Place::Memory { base, displacement })
}

fn parse_number(text: &str) -> Option<i64> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    match digits.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok().map(|value| if negative { -value } else { value }),
        None => text.parse().ok(),
    }
}

/// All widths of a register have one number: the size in front of the `@` says how much of it counts.
fn parse_register(name: &str) -> Option<Register> {
    if let Some(numbered) = name.strip_prefix('r').map(|rest| rest.trim_end_matches(['b', 'w', 'd']))
        && let Ok(number @ 8..=15) = numbered.parse()
    {
        return Some(Register(number));
    }
    let wide = name.strip_prefix(['r', 'e']).unwrap_or(name);
    let number = LETTERS.iter().position(|&letters| match wide.strip_suffix('l') {
        // `al` is the low byte of `ax`, `sil` that of `si`.
        Some(low) => letters == low || letters.strip_suffix('x') == Some(low),
        None => letters == wide,
    })?;
    u8::try_from(number).ok().map(Register)
}

#[cfg(test)]
mod tests {
    use super::{Argument, Place, Register, parse_arguments};

    fn places(text: &str) -> Vec<Option<Place>> {
        parse_arguments(text).unwrap().iter().map(|argument| argument.place).collect()
    }

    /// The text of a real `function__entry` note of Debian's 3.11.
    #[test]
    fn parses_sizes_signs_and_registers() {
        let arguments = parse_arguments("8@%rbp 8@%r12 -4@%eax").unwrap();
        let in_register = |bytes, signed, number| Argument {
            bytes,
            signed,
            place: Some(Place::Register(Register(number))),
        };
        assert_eq!(arguments, [in_register(8, false, 5), in_register(8, false, 12), in_register(4, true, 0)]);
    }

    /// Every width of a register is the same register.
    #[test]
    fn knows_registers_by_all_their_names() {
        for (names, number) in
            [("%rax %eax %ax %al", 0), ("%rsi %esi %si %sil", 6), ("%r9 %r9d %r9w %r9b", 9)]
        {
            let text = names.replace('%', "4@%");
            assert!(
                places(&text).iter().all(|place| *place == Some(Place::Register(Register(number)))),
                "{names}"
            );
        }
    }

    /// Memory with and without displacement, and constants.
    #[test]
    fn parses_memory_and_constants() {
        let memory = |number, displacement| Some(Place::Memory { base: Register(number), displacement });
        assert_eq!(
            places("8@-24(%rbp) 8@(%rsp) -4@0x10(%r8) -4@$-1 8@$0x10"),
            [
                memory(5, -24),
                memory(4, 0),
                memory(8, 16),
                Some(Place::Constant(-1)),
                Some(Place::Constant(16))
            ]
        );
    }

    /// What has an unknown operand keeps its size; what has no size spoils the whole text.
    #[test]
    fn marks_what_it_does_not_know() {
        assert_eq!(places("8@(%rax,%rbx,8) 8@counter(%rip) 8@%xmm0 8@%r16 8@%rl"), [None; 5]);
        assert_eq!(parse_arguments("3@%rax"), None);
        assert_eq!(parse_arguments("%rax"), None);
        assert_eq!(parse_arguments(""), Some(vec![]));
    }
}
