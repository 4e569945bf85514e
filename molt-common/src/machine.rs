//! What both sides know of the processor: x86-64. What they know of its registers and its code is
//! `registers.rs` in `molt-ebpf`, and `cpython/handler` in `molt-user`.

/// The smallest page, in bytes: what lies on one page can be read if any of it can, and mappings begin on a multiple
/// of it. Larger pages (arm64) are made of whole ones of these.
pub const PAGE_BYTES: u64 = 4096;

/// The first address behind user space, with addresses of 48 bits.
pub const USER_TOP: u64 = 1 << 47;

/// Offset of `struct pthread.specific_1stblock` from the thread pointer in glibc 2.36 and 2.41 (`nptl/descr.h`): 16
/// bytes a key, the value in the second 8.
pub const GLIBC_FIRST_BLOCK: u64 = 0x310;
