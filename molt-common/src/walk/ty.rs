//! A type object's identity: what tells it from another one at the same address.

use super::code::fold;
use super::{Block, Memory, checked};
use crate::fault::Fault;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `Py_TPFLAGS_HEAPTYPE` (`Include/object.h`): made at run time, so that it can be freed.
pub const HEAP_TYPE: u64 = 1 << 9;
/// Bits of `tp_flags` that stay for a type's life: the heap bit and the `Py_TPFLAGS_*_SUBCLASS` bits, 24 to 31.
/// The rest tell of caches, of abstract methods, or of what was registered with `collections.abc`.
const STABLE_FLAGS: u64 = HEAP_TYPE | 0xff << 24;
/// Words of the name that count. Most names have one or two; in two generated names that differ later, mostly
/// an address differs too.
const NAME_WORDS: u64 = 4;

/// Offsets in bytes of what makes a type's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TypeLayout {
    /// The first of the fields below, within the type.
    pub head: u32,
    /// Bytes from there on that hold them; [`crate::limits::BLOCK_BYTES`] at most.
    pub head_bytes: u32,
    /// `tp_name`, within the head, like the next four.
    pub name: u32,
    /// `tp_basicsize`.
    pub basicsize: u32,
    /// `tp_flags`.
    pub flags: u32,
    /// `tp_base`.
    pub base: u32,
    /// `tp_dict`.
    pub dict: u32,
    /// `ht_qualname`, within the type.
    pub qualname: u32,
}

const _: () = assert!(size_of::<TypeLayout>() == 4 * 8);

impl TypeLayout {
    /// Whether every field of the head is aligned and inside it.
    pub fn is_sound(&self) -> bool {
        self.head_bytes as usize <= crate::limits::BLOCK_BYTES
            && [self.name, self.basicsize, self.flags, self.base, self.dict]
                .iter()
                .all(|at| crate::layout::fits(*at, 8, self.head_bytes))
    }
}

/// The fields of a type that tell it from another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// `tp_name`'s address.
    pub name: u64,
    /// `tp_basicsize`.
    pub basicsize: u64,
    /// `tp_flags`, of which the stable bits count.
    pub flags: u64,
    /// `tp_base`'s address.
    pub base: u64,
    /// `tp_dict`'s address; 0 for a static type, which has it elsewhere in some versions.
    pub dict: u64,
    /// `ht_qualname`'s address; 0 for a static type.
    pub qualname: u64,
    /// The name's first words, folded; 0 for a static type.
    pub text: u64,
}

/// Folds the fields into the identity. Never 0.
#[inline(always)]
pub fn identity(fields: &Fields) -> u64 {
    let size = fields.basicsize << 32 ^ fields.flags & STABLE_FLAGS;
    let mut folded = 0;
    for part in [fields.name, size, fields.base, fields.dict, fields.qualname, fields.text] {
        folded = fold(folded, part);
    }
    if folded == 0 { 1 } else { folded }
}

/// The identity in 16 bits, as it travels with a type's address. 0 stands for 0 only: an identity that could
/// not be read.
#[inline(always)]
pub fn fold16(identity: u64) -> u16 {
    let half = identity ^ identity >> 32;
    let folded = (half ^ half >> 16) as u16;
    if folded == 0 && identity != 0 { 1 } else { folded }
}

/// Reads the identity of the type at `addr`, using `block` as scratch. One read for a static type, which is
/// never freed; three to six for a heap type: a class that follows another one at its address has often the
/// same name, or a name of the same length at the same address, so that the qualified name's address and the
/// name's text count as well.
///
/// Whether there is a type at `addr` is not checked.
#[inline(always)]
pub fn read_identity<M: Memory>(
    memory: &M,
    layout: &TypeLayout,
    addr: u64,
    block: &mut Block,
) -> Result<u64, Fault> {
    block.fill(memory, checked(addr)?.wrapping_add(u64::from(layout.head)), layout.head_bytes)?;
    let mut fields = Fields {
        name: block.u64(layout.name),
        basicsize: block.u64(layout.basicsize),
        flags: block.u64(layout.flags),
        base: block.u64(layout.base),
        dict: 0,
        qualname: 0,
        text: 0,
    };
    if fields.flags & HEAP_TYPE != 0 {
        fields.dict = block.u64(layout.dict);
        fields.qualname = memory.read_u64(addr.wrapping_add(u64::from(layout.qualname)))?;
        fields.text = read_text(memory, fields.name)?;
    }
    Ok(identity(&fields))
}

/// Folds the text at `addr` up to its NUL, [`NAME_WORDS`] words of it at most. Words are read one by one: the
/// text of a str is aligned to 8 bytes, so that none of them reaches past the page that it begins in.
#[inline(always)]
fn read_text<M: Memory>(memory: &M, addr: u64) -> Result<u64, Fault> {
    let mut folded = 0;
    for at in 0..NAME_WORDS {
        let word = memory.read_u64(checked(addr)?.wrapping_add(8 * at))?;
        let text = before_nul(word);
        folded = fold(folded, text);
        if text != word || word >> 56 == 0 {
            break;
        }
    }
    Ok(folded)
}

/// The bytes of `word`, the lowest first, up to the first that is 0; the rest is zero.
#[inline(always)]
fn before_nul(word: u64) -> u64 {
    // The lowest bit set here is the top bit of the first byte that is 0; above it there may be false ones.
    let zeros = word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080;
    if zeros == 0 {
        return word;
    }
    let first = (zeros & zeros.wrapping_neg()) >> 7;
    word & first.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{Fields, HEAP_TYPE, before_nul, fold16, identity, read_text};
    use crate::fault::Fault;
    use crate::walk::Memory;

    const BASE: Fields =
        Fields { name: 8, basicsize: 16, flags: HEAP_TYPE, base: 24, dict: 56, qualname: 32, text: 40 };

    /// A freed class is mostly replaced by one that differs in one field only.
    #[test]
    fn each_field_changes_the_identity() {
        let others = [
            Fields { name: 16, ..BASE },
            Fields { basicsize: 24, ..BASE },
            Fields { flags: 0, ..BASE },
            Fields { flags: HEAP_TYPE | 1 << 29, ..BASE },
            Fields { base: 32, ..BASE },
            Fields { dict: 64, ..BASE },
            Fields { qualname: 48, ..BASE },
            Fields { text: 41, ..BASE },
        ];
        for other in others {
            assert_ne!(identity(&BASE), identity(&other), "{other:?}");
            assert_ne!(fold16(identity(&BASE)), fold16(identity(&other)), "{other:?}");
        }
    }

    /// Ready, abstract, version tag valid, a sequence: none of them makes another type.
    #[test]
    fn bits_that_change_do_not_count() {
        for bit in [2, 3, 5, 6, 11, 12, 13, 19, 20] {
            assert_eq!(
                identity(&Fields { flags: HEAP_TYPE | 1 << bit, ..BASE }),
                identity(&BASE),
                "bit {bit}"
            );
        }
    }

    /// 0 is left for what could not be read.
    #[test]
    fn folds_to_zero_only_from_zero() {
        assert_eq!(fold16(0), 0);
        assert_eq!(fold16(0x1_0000_0001), 1, "its halves cancel out");
        assert_ne!(identity(&Fields::default()), 0);
    }

    /// One page of text at address 0x1000; nothing else can be read.
    struct Page(Vec<u8>);

    impl Memory for Page {
        fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            let at = addr.checked_sub(0x1000).ok_or(Fault::ReadFault)? as usize;
            into.copy_from_slice(self.0.get(at..at + into.len()).ok_or(Fault::ReadFault)?);
            Ok(())
        }
    }

    fn text(bytes: &[u8]) -> Result<u64, Fault> {
        read_text(&Page(bytes.to_vec()), 0x1000)
    }

    /// What stands behind a name is another object, which changes.
    #[test]
    fn counts_the_name_up_to_its_end() {
        assert_eq!(text(b"Shape\0xy"), text(b"Shape\0zz"));
        assert_ne!(text(b"Shape1\0\0"), text(b"Shape2\0\0"));
        assert_ne!(text(b"Abcdefgh1\0\0\0\0\0\0\0"), text(b"Abcdefgh2\0\0\0\0\0\0\0"));
        assert_eq!(text(b"Abcdefg\0"), text(b"Abcdefg\0"), "the next word is not read");
        assert!(text(b"Abcdefgh").is_err(), "the name goes on where nothing can be read");
        assert_eq!(text(&[b'x'; 32]), text(&[b'x'; 40]), "the rest of a long name does not count");
    }

    /// The trick's false positives are above the first zero.
    #[test]
    fn cuts_a_word_at_its_first_zero() {
        for (word, want) in [
            (*b"abcdefgh", *b"abcdefgh"),
            (*b"abc\0\x01fgh", *b"abc\0\0\0\0\0"),
            (*b"\0\x01\x01fgh..", [0; 8]),
            (*b"abcdefg\0", *b"abcdefg\0"),
            ([0x80; 8], [0x80; 8]),
        ] {
            assert_eq!(before_nul(u64::from_le_bytes(word)).to_le_bytes(), want);
        }
    }
}
