//! The object that holds the kernel side's programs, embedded in the binary.

use object::{Object, ObjectSection};

/// Memory aligned to 8 bytes, which ELF parsing in place needs.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

/// The object for this architecture, made by `cargo xtask ebpf`.
#[cfg(target_arch = "x86_64")]
static OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!("../../../../molt-ebpf/prebuilt/molt-x86_64.bpf.o"));

/// Section in which the object carries the version of its records (`molt-ebpf/src/main.rs`).
const VERSION_SECTION: &str = ".rodata.molt";

/// The object's bytes.
pub fn bytes() -> &'static [u8] {
    &OBJECT.0
}

/// Version of the records that the object writes; `None` when it names none.
pub fn wire_version(object: &[u8]) -> Option<u32> {
    let file = object::File::parse(object).ok()?;
    let data = file.section_by_name(VERSION_SECTION)?.data().ok()?;
    Some(u32::from_le_bytes(*data.first_chunk()?))
}

#[cfg(test)]
mod tests {
    /// An object built from other sources than this binary would send records that it misreads.
    #[test]
    fn the_embedded_object_writes_the_records_that_this_binary_reads() {
        assert_eq!(super::wire_version(super::bytes()), Some(molt_common::WIRE_VERSION));
    }

    /// Foreign bytes have no version, which the loader refuses.
    #[test]
    fn foreign_bytes_have_no_version() {
        assert_eq!(super::wire_version(b"not an object"), None);
    }
}
