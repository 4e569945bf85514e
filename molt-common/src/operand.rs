//! Where a probe finds an argument, in 32 bits: two of them make a link's cookie.

/// An argument in a register, in memory or constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// One of the `IN_*` constants, or [`CONSTANT`]; 0 for no argument.
    pub place: u8,
    /// The register's number in instructions.
    pub register: u8,
    /// Bytes: 1, 2, 4 or 8.
    pub bytes: u8,
    /// Whether it is a signed number.
    pub signed: bool,
    /// What is added to the register, or the constant itself: 20 bits of it.
    pub number: i32,
}

/// There is no argument.
pub const NOWHERE: u8 = 0;
/// It is the register.
pub const IN_REGISTER: u8 = 1;
/// It is in memory at the register plus `number`.
pub const IN_MEMORY: u8 = 2;
/// It is `number`.
pub const CONSTANT: u8 = 3;

/// Bits of [`Operand::number`].
const NUMBER_BITS: u32 = 20;

impl Operand {
    /// No argument.
    pub const NONE: Self = Self { place: NOWHERE, register: 0, bytes: 8, signed: false, number: 0 };

    /// The whole register, or its lower half.
    #[must_use]
    pub const fn register(register: u8, bytes: u8) -> Self {
        Self { place: IN_REGISTER, register, bytes, signed: false, number: 0 }
    }

    /// As 32 bits; `None` if its number has more than 20.
    #[must_use]
    pub const fn encode(self) -> Option<u32> {
        let spare = 32 - NUMBER_BITS;
        let number = self.number.cast_unsigned() << spare;
        if number.cast_signed() >> spare != self.number {
            return None;
        }
        let bytes = self.bytes.trailing_zeros() & 3;
        let signed = if self.signed { 1 } else { 0 };
        Some(number | (self.place as u32 & 3) | (self.register as u32 & 15) << 2 | bytes << 6 | signed << 8)
    }

    /// From 32 bits.
    #[inline(always)]
    #[must_use]
    pub const fn decode(bits: u32) -> Self {
        Self {
            place: (bits & 3) as u8,
            register: (bits >> 2 & 15) as u8,
            bytes: 1 << (bits >> 6 & 3),
            signed: bits >> 8 & 1 != 0,
            number: bits.cast_signed() >> (32 - NUMBER_BITS),
        }
    }

    /// The argument as a number: as much of `value` as belongs to it.
    #[inline(always)]
    #[must_use]
    pub const fn cut(self, value: u64) -> u64 {
        match (self.bytes, self.signed) {
            (1, false) => value as u8 as u64,
            (1, true) => (value as i8 as i64).cast_unsigned(),
            (2, false) => value as u16 as u64,
            (2, true) => (value as i16 as i64).cast_unsigned(),
            (4, false) => value as u32 as u64,
            (4, true) => (value as i32 as i64).cast_unsigned(),
            _ => value,
        }
    }
}

/// Two operands as a link's cookie; `None` if one does not fit.
#[must_use]
pub const fn cookie(first: Operand, second: Operand) -> Option<u64> {
    match (first.encode(), second.encode()) {
        (Some(first), Some(second)) => Some(first as u64 | (second as u64) << 32),
        _ => None,
    }
}

/// The two operands of a cookie.
#[inline(always)]
#[must_use]
pub const fn operands(cookie: u64) -> (Operand, Operand) {
    (Operand::decode(cookie as u32), Operand::decode((cookie >> 32) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes into a cookie comes out of it, whatever the number's sign.
    #[test]
    fn operands_survive_their_cookie() {
        for number in [0, 112, -24, (1 << 19) - 1, -(1 << 19)] {
            for (place, register, bytes, signed) in
                [(IN_MEMORY, 4, 8, false), (CONSTANT, 0, 4, true), (IN_REGISTER, 15, 1, true)]
            {
                let first = Operand { place, register, bytes, signed, number };
                let second = Operand::register(7, 4);
                assert_eq!(operands(cookie(first, second).unwrap()), (first, second));
            }
        }
        let far = Operand { place: IN_MEMORY, number: 1 << 19, ..Operand::NONE };
        assert_eq!(cookie(far, Operand::NONE), None);
    }

    /// A register holds more than the argument.
    #[test]
    fn an_argument_is_cut_to_its_size() {
        let int = Operand { signed: true, ..Operand::register(0, 4) };
        assert_eq!(int.cut(0x1234_5678_ffff_ffff), u64::MAX);
        assert_eq!(Operand::register(0, 4).cut(0x1234_5678_ffff_ffff), 0xffff_ffff);
        assert_eq!(Operand::register(0, 8).cut(0x1234_5678_ffff_ffff), 0x1234_5678_ffff_ffff);
    }
}
