//! An object's address and a part of its identity in one word.

/// An object's address with 20 bits of its identity: objects are aligned to 8 bytes, and user space has no more than
/// 47 bits of addresses. Without an identity (0) it is that of an object that is never freed.
#[inline(always)]
pub const fn packed(address: u64, identity: u64) -> u64 {
    let folded = identity ^ (identity >> 20) ^ (identity >> 40);
    (address >> 3) & ADDRESS | (folded << ADDRESS_BITS)
}

/// A packed address of a program as one word: key of the maps `SEEN` and `KINDS`.
#[inline(always)]
pub const fn salted(packed: u64, program: u32) -> u64 {
    packed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ program as u64
}

/// The address in a packed one.
#[inline(always)]
pub const fn address(packed: u64) -> u64 {
    (packed & ADDRESS) << 3
}

/// Whether a packed address has an identity.
#[inline(always)]
pub const fn has_identity(packed: u64) -> bool {
    packed >> ADDRESS_BITS != 0
}

const ADDRESS_BITS: u32 = 44;
const ADDRESS: u64 = (1 << ADDRESS_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::{address, has_identity, packed};

    /// Nothing of an address is lost, whatever identity goes with it.
    #[test]
    fn packing_keeps_the_address() {
        let highest = (1 << 47) - 8;
        for at in [8, 0x7f12_3456_7890, highest] {
            for identity in [0, 1, 0xdead_beef_0bad_cafe, u64::MAX] {
                assert_eq!(address(packed(at, identity)), at);
            }
            assert!(!has_identity(packed(at, 0)));
            assert!(has_identity(packed(at, 1)));
        }
        assert_ne!(packed(highest, 1), packed(highest, 1 << 21));
    }
}
