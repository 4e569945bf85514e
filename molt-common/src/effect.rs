//! What programs do to the world, as the kernel side counts it: audit events and system calls.

use crate::event::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of an event's name, its final NUL included; a longer one is cut. CPython's own have 40 at most.
pub const NAME_BYTES: usize = 64;

/// Most different pairs of code and event.
pub const MAX_EFFECTS: u32 = 1 << 16;

/// Most numbers of system calls that can be of interest.
pub const MAX_SYSCALLS: u32 = 512;

/// So often a system call is looked at one by one on a CPU in each [`BURST_NS`]; further ones of the same are sampled.
pub const BURST: u64 = 32;
/// How long such a stretch is, in nanoseconds.
pub const BURST_NS: u64 = 10_000_000;
/// Of those that are sampled one in so many is looked at, and counts for all of them.
pub const SAMPLED: u64 = 64;

/// A CPU's stretch of one system call. Value of the map `BURSTS`, by the call's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Burst {
    /// When it began, in nanoseconds of `CLOCK_MONOTONIC`.
    pub began_ns: u64,
    /// How often the call was made in it.
    pub count: u64,
}

/// Stands in [`EffectKey::number`] for an audit event, which has a name.
pub const AUDIT: u32 = u32::MAX;

/// Set in [`EffectKey::flags`] when a file was opened for writing.
pub const WRITES: u32 = 1;
/// Set in [`EffectKey::flags`] when a thread was made, not a process.
pub const THREAD: u32 = 2;

/// How a system call is looked at. Value of the map `SYSCALLS`, by its number.
pub mod syscall {
    /// Not at all.
    pub const IGNORED: u8 = 0;
    /// It has no flags.
    pub const PLAIN: u8 = 1;
    /// Flags of `open` are its second argument.
    pub const OPEN: u8 = 2;
    /// Flags of `open` are its third argument.
    pub const OPENAT: u8 = 3;
    /// Flags of `clone` are its first argument.
    pub const CLONE: u8 = 4;
    /// Its first argument points to `struct clone_args`, whose flags come first.
    pub const CLONE3: u8 = 5;
    /// Memory is mapped: `mmap`.
    pub const MAP: u8 = 6;
    /// A mapping is made larger or smaller: `mremap`.
    pub const REMAP: u8 = 7;
    /// The end of the data is moved: `brk`.
    pub const BREAK: u8 = 8;
}

/// What is counted: one event by one piece of code. Key of the map `EFFECTS`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct EffectKey {
    /// [`crate::config::ProcessConfig::program`].
    pub program: u32,
    /// The system call's number; [`AUDIT`].
    pub number: u32,
    /// [`WRITES`], [`THREAD`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// The code on top of the thread's stack, [`crate::call::packed`]; 0 where no Python code runs.
    pub code: u64,
    /// The audit event's name, filled up with NULs; empty for a system call.
    pub name: [u8; NAME_BYTES],
}

const _: () = assert!(size_of::<EffectKey>() == 24 + NAME_BYTES);

/// How often something was seen. Value of the map `EFFECTS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EffectCount {
    /// Looked at.
    pub seen: u64,
    /// Of those, each of which stood for [`SAMPLED`].
    pub sampled: u64,
}

impl EffectCount {
    /// How often it happened: exactly where nothing was sampled, else about.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.seen.saturating_add(self.sampled.saturating_mul(SAMPLED - 1))
    }
}

/// Where the arguments of an audit event stand among the words that are sent before its [`EffectSeen`]: an address at
/// which nothing lies. Their number comes first, [`VARIADIC`] added where they are those of a C function.
pub const ARGUMENTS_AT: u64 = 0x100;
/// Most arguments that are sent.
pub const MAX_ARGUMENTS: usize = 3;
/// Words that are sent: the number, the arguments, the format.
pub const ARGUMENT_WORDS: usize = MAX_ARGUMENTS + 2;
/// Added to the number of arguments of a C function: they are what the format tells that follows them.
pub const VARIADIC: u64 = 1 << 32;
/// Bytes that are copied of each argument: a path of some 140 characters.
pub const ARGUMENT_BYTES: u64 = 192;

/// An effect that was met for the first time. Sent while its code is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EffectSeen {
    /// Kind [`crate::event::KIND_EFFECT`].
    pub header: Header,
    /// What was met.
    pub key: EffectKey,
    /// [`crate::walk::code::identity`] of the code; 0 where it could not be read.
    pub identity: u64,
    /// Address of the globals that it runs in.
    pub globals: u64,
}

const _: () = assert!(size_of::<EffectSeen>() == 40 + size_of::<EffectKey>());

/// Flags of `open` by which a file is written (`include/uapi/asm-generic/fcntl.h`): `O_WRONLY`, `O_RDWR`, `O_CREAT`,
/// `O_TRUNC`, `O_APPEND`.
const WRITING: u64 = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000;
/// `CLONE_THREAD` (`include/uapi/linux/sched.h`).
const CLONE_THREAD: u64 = 0x0001_0000;

/// What the flags of `open` say in [`EffectKey::flags`].
#[inline(always)]
pub const fn of_open(flags: u64) -> u32 {
    if flags & WRITING == 0 { 0 } else { WRITES }
}

/// What the flags of `clone` say in [`EffectKey::flags`].
#[inline(always)]
pub const fn of_clone(flags: u64) -> u32 {
    if flags & CLONE_THREAD == 0 { 0 } else { THREAD }
}
