//! Calls as the kernel side counts them: how it reads one, and the keys of its maps.

mod layout;
mod meter;
mod open;
mod packed;

pub use layout::CallLayout;
pub use meter::{Gate, Meter, UNLIMITED, is_timed};
pub use open::{OpenCall, doubles, is_due};
pub use packed::{address, has_identity, packed, salted};

use crate::event::Header;
use core::hint::black_box;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, transmute};

/// Most parameters whose types are read. A function with more has its first ones read.
pub const MAX_SLOTS: usize = 8;

/// Most calls that have begun and not ended, over all threads, suspended generators included.
pub const MAX_OPEN_CALLS: u32 = 1 << 18;

/// Most different tuples of caller, place, callee and types. Calls beyond that are counted by call site.
pub const MAX_CALLS: u32 = 1 << 18;

/// Most call sites counted without types.
pub const MAX_CALL_SITES: u32 = 1 << 16;

/// Most tuples that user space is remembered to know.
pub const MAX_SEEN: u32 = 1 << 16;

/// How a probe is to read its registers, as the cookie of its link: a byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The register that holds the frame, by its number in instructions.
    pub frame: u8,
    /// The register that holds the thread state at an end; at the entry of `_PyEval_EvalFrameDefault` the one that is
    /// not 0 when an exception is thrown into the frame. [`NO_REGISTER`] where there is none.
    pub further: u8,
    /// The opcode that is executed here, and a second one that may stand in its code unit. Equal if there is
    /// one only.
    pub opcodes: [u8; 2],
    /// Bits of the opcode's argument that are all 0 when a function starts.
    pub resume_mask: u8,
}

/// Stands for a register that holds nothing of use.
pub const NO_REGISTER: u8 = 0xff;

impl Site {
    /// The site as a link's cookie.
    pub const fn cookie(self) -> u64 {
        let [first, second] = self.opcodes;
        u64::from_le_bytes([self.frame, self.further, first, second, self.resume_mask, 0, 0, 0])
    }

    /// The site of a cookie.
    #[inline(always)]
    pub const fn of(cookie: u64) -> Self {
        let [frame, further, first, second, resume_mask, ..] = cookie.to_le_bytes();
        Self { frame, further, opcodes: [first, second], resume_mask }
    }
}

/// What a [`CallKey`] counts.
pub mod outcome {
    /// A call whose end was not seen. Never counted in the kernel: an open call becomes one in the end.
    pub const OPEN: u8 = 0;
    /// A call that returned; `result` is the type of what it returned.
    pub const RETURNED: u8 = 1;
    /// A call that was left by an exception; `result` is its type.
    pub const RAISED: u8 = 2;
    /// A generator or coroutine that went on. Only program and callee are set.
    pub const RESUMED: u8 = 3;
    /// An exception that began in the callee's own code. Only program, callee and `result` are set.
    pub const RAISED_HERE: u8 = 4;
    /// An exception that came from a function called there. As [`RAISED_HERE`].
    pub const RAISED_THROUGH: u8 = 5;
}

/// Set in [`CallKey::flags`] when the callee is a generator, a coroutine or an asynchronous generator.
pub const GENERATOR: u8 = 1;
/// Set in [`CallKey::flags`] when the last parameter but [`KEYWORDS`] is `*args`.
pub const REST: u8 = 4;
/// Set in [`CallKey::flags`] when the last parameter is `**kwargs`.
pub const KEYWORDS: u8 = 8;

/// A slot that could not be read, or holds nothing.
pub const UNREAD: u64 = 1;

/// What is counted: the whole tuple, compared byte by byte. Key of the map `CALLS`.
///
/// Code objects and types stand as [`packed()`] addresses; 0 is none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct CallKey {
    /// [`crate::config::ProcessConfig::program`].
    pub program: u32,
    /// The caller's `lasti` as in [`crate::event::sample::Frame`].
    pub offset: i32,
    /// Code that calls; 0 where there is no Python frame further out.
    pub caller: u64,
    /// Code that is called.
    pub callee: u64,
    /// One of [`outcome`].
    pub outcome: u8,
    /// Slots of `args` that are set.
    pub slots: u8,
    /// [`GENERATOR`], [`REST`], [`KEYWORDS`].
    pub flags: u8,
    /// Parameters of the callee, as far as a byte counts; those beyond [`MAX_SLOTS`] are not in `args`.
    pub parameters: u8,
    /// `co_nlocalsplus` of the callee: where its value stack begins.
    pub locals: u32,
    /// Types of the parameters as bound when the function started, in the order of `localsplus`; [`UNREAD`].
    pub args: [u64; MAX_SLOTS],
    /// By `outcome`.
    pub result: u64,
}

const _: () = assert!(size_of::<CallKey>() == 104);

/// A frame of a program. Key of the maps `OPEN` (frame to the call that it executes) and `ACTIVE` (up to 3.10:
/// frame to the frame that it has called, by its address).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FrameKey {
    /// Address of the frame.
    pub frame: u64,
    /// [`crate::config::ProcessConfig::program`].
    pub program: u32,
    /// Zero; the thread id where `frame` is 0.
    pub tid: u32,
}

/// A call site with a callee, counted without types when `CALLS` is full. Key of the map `UNDETAILED`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct SiteKey {
    /// [`crate::config::ProcessConfig::program`].
    pub program: u32,
    /// As in [`CallKey`], like the next two.
    pub offset: i32,
    /// Code that calls.
    pub caller: u64,
    /// Code that is called.
    pub callee: u64,
}

/// A [`Seen`] on its way to user space, which may not know its tuple yet. Sent when that is met first, while its
/// objects are alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Told {
    /// Kind [`crate::event::KIND_CALL`].
    pub header: Header,
    /// The call.
    pub seen: Seen,
}

const _: () = assert!(size_of::<Told>() == 184);

/// A call, as far as it is known at a moment, with what user space needs to read its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Seen {
    /// The tuple, as far as it is known at that moment.
    pub key: CallKey,
    /// [`crate::walk::code::identity`] of the callee; 0 when it is not at hand.
    pub callee_identity: u64,
    /// Address of its globals.
    pub callee_globals: u64,
    /// As of the callee.
    pub caller_identity: u64,
    /// As of the callee.
    pub caller_globals: u64,
    /// Address of the frame further out, whether Python's or not; 0 where there is none.
    pub previous: u64,
    /// Address of the callee's slots, of which the parameters' were copied, where the call begins; else 0.
    pub slots: u64,
    /// What the call returned, where it ends.
    pub returned: u64,
}

const _: () = assert!(size_of::<Seen>() == 160);

impl Seen {
    /// All zeros, written word by word: a call of `memset` costs more than the words in the kernel.
    #[inline(always)]
    pub fn zeroed() -> Self {
        // A zero that the compiler does not know.
        let zero = black_box(0u64);
        transmute!([zero; size_of::<Self>() / 8])
    }
}
