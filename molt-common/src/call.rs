//! Calls as the kernel side counts them: how it reads one, and the keys of its maps.

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

/// What reading a call needs beyond [`crate::layout::WalkLayout`]; offsets in bytes, [`crate::layout::ABSENT`]
/// for what a version does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallLayout {
    /// Address of `PyCell_Type` in the process; 0 when it is not known.
    pub cell_type: u64,
    /// Where the interpreter's own data lies, and its length: types in it are never freed.
    pub static_low: u64,
    /// Its length in bytes.
    pub static_bytes: u64,
    /// Bits of a slot of `localsplus` that belong to the address, as [`crate::layout::WalkLayout::code_mask`].
    pub slot_mask: u64,
    /// `localsplus`.
    pub frame_slots: u32,
    /// `PyFrameObject.f_stacktop` (3.8, 3.9; a pointer, null once the frame has ended).
    pub frame_stacktop: u32,
    /// `PyFrameObject.f_state` (3.10; an `i8`, above 0 once the frame has ended).
    pub frame_state: u32,
    /// `PyFrameObject.f_frame` (from 3.11): the frame behind a frame object.
    pub frameobj_frame: u32,
    /// Bytes of a code object's head that are read at once.
    pub code_bytes: u32,
    /// `co_nlocalsplus`, up to 3.10 `co_nlocals`: an `i32`.
    pub code_slots: u32,
    /// `co_cell2arg` (up to 3.10): null, or the argument of each cell variable, an `i64` each, -1 for none.
    pub code_cell2arg: u32,
    /// `co_cellvars` (up to 3.10), a tuple.
    pub code_cellvars: u32,
    /// `co_consts`, a tuple.
    pub code_consts: u32,
    /// `PyTupleObject.ob_item`.
    pub tuple_items: u32,
    /// `PyVarObject.ob_size`.
    pub var_size: u32,
    /// `PyBytesObject.ob_sval`.
    pub bytes_data: u32,
    /// `PyCellObject.ob_ref`.
    pub cell_ref: u32,
    /// `PyObject.ob_type`.
    pub object_type: u32,
    /// `PyHeapTypeObject.ht_qualname`.
    pub type_qualname: u32,
    /// `sizeof(PyASCIIObject)`: where the text of most names begins.
    pub ascii_bytes: u32,
    /// `PyThreadState.curexc_type`, a type (up to 3.11).
    pub tstate_exception_type: u32,
    /// `PyThreadState.curexc_traceback` (up to 3.11).
    pub tstate_traceback: u32,
    /// `PyThreadState.current_exception`, an exception (from 3.12).
    pub tstate_exception: u32,
    /// `PyBaseExceptionObject.traceback`.
    pub exception_traceback: u32,
    /// `RETURN_VALUE` and what it is instrumented to.
    pub return_value: [u8; 2],
    /// `RETURN_CONST` (3.12, 3.13) and what it is instrumented to; 0 where there is none.
    pub return_const: [u8; 2],
    /// `EXTENDED_ARG`.
    pub extended_arg: u8,
    /// `RAISE_VARARGS`.
    pub raise: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

const _: () = assert!(size_of::<CallLayout>() == 32 + 20 * 4 + 8);

/// How a probe is to read its registers, as the cookie of its link: a byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The register that holds the frame, by its number in instructions.
    pub frame: u8,
    /// The register that holds the thread state; [`NO_REGISTER`] where none does.
    pub tstate: u8,
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
        u64::from_le_bytes([self.frame, self.tstate, first, second, self.resume_mask, 0, 0, 0])
    }

    /// The site of a cookie.
    #[inline(always)]
    pub const fn of(cookie: u64) -> Self {
        let [frame, tstate, first, second, resume_mask, ..] = cookie.to_le_bytes();
        Self { frame, tstate, opcodes: [first, second], resume_mask }
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
/// Set in [`CallKey::flags`] when the callee has more parameters than [`MAX_SLOTS`].
pub const SLOTS_CUT: u8 = 2;
/// Set in [`CallKey::flags`] when the last slot but [`KEYWORDS`] is `*args`.
pub const REST: u8 = 4;
/// Set in [`CallKey::flags`] when the last slot is `**kwargs`.
pub const KEYWORDS: u8 = 8;

/// A slot that could not be read, or holds nothing.
pub const UNREAD: u64 = 1;

/// What is counted: the whole tuple, compared byte by byte. Key of the map `CALLS`.
///
/// Code objects and types stand as [`packed`] addresses; 0 is none.
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
    /// [`GENERATOR`], [`SLOTS_CUT`], [`REST`], [`KEYWORDS`].
    pub flags: u8,
    /// Zero.
    pub reserved: u8,
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

/// A tuple that user space may not know yet. Sent when it is met first, while its objects are alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Seen {
    /// Kind [`crate::event::KIND_CALL`].
    pub header: Header,
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

const _: () = assert!(size_of::<Seen>() == 184);

impl Seen {
    /// All zeros, written word by word: a call of `memset` costs more than the words in the kernel.
    #[inline(always)]
    pub fn zeroed() -> Self {
        // A zero that the compiler does not know.
        let zero = black_box(0u64);
        transmute!([zero; size_of::<Self>() / 8])
    }
}

/// What probes and samples did on one processor. Value of the map `METER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Meter {
    /// Hits of any probe by a traced process.
    pub hits: u64,
    /// Hits whose frame was where the site says, or one whose beginning was seen.
    pub accepted: u64,
    /// Hits whose time was taken, see [`is_timed`].
    pub timed: u64,
    /// Their time in the programs, in nanoseconds.
    pub timed_ns: u64,
    /// Hits that came after the last one that was granted, or before the first: they cost a trap and count nothing.
    pub unused: u64,
    /// Hits of probes that see effects, imports and collections of garbage.
    pub effects: u64,
    /// Those whose time was taken, see [`is_timed`].
    pub effects_timed: u64,
    /// Their time in the programs, in nanoseconds.
    pub effects_ns: u64,
    /// System calls of traced processes.
    pub syscalls: u64,
    /// Those whose time was taken.
    pub syscalls_timed: u64,
    /// Their time in the program, in nanoseconds.
    pub syscalls_ns: u64,
    /// Samples of traced processes.
    pub samples: u64,
    /// Their time in the program, in nanoseconds.
    pub samples_ns: u64,
}

impl Meter {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            accepted: self.accepted + other.accepted,
            timed: self.timed + other.timed,
            timed_ns: self.timed_ns + other.timed_ns,
            unused: self.unused + other.unused,
            effects: self.effects + other.effects,
            effects_timed: self.effects_timed + other.effects_timed,
            effects_ns: self.effects_ns + other.effects_ns,
            syscalls: self.syscalls + other.syscalls,
            syscalls_timed: self.syscalls_timed + other.syscalls_timed,
            syscalls_ns: self.syscalls_ns + other.syscalls_ns,
            samples: self.samples + other.samples,
            samples_ns: self.samples_ns + other.samples_ns,
        }
    }

    /// What has come since `before`, an earlier state of the same meter.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(before.hits),
            accepted: self.accepted.saturating_sub(before.accepted),
            timed: self.timed.saturating_sub(before.timed),
            timed_ns: self.timed_ns.saturating_sub(before.timed_ns),
            unused: self.unused.saturating_sub(before.unused),
            effects: self.effects.saturating_sub(before.effects),
            effects_timed: self.effects_timed.saturating_sub(before.effects_timed),
            effects_ns: self.effects_ns.saturating_sub(before.effects_ns),
            syscalls: self.syscalls.saturating_sub(before.syscalls),
            syscalls_timed: self.syscalls_timed.saturating_sub(before.syscalls_timed),
            syscalls_ns: self.syscalls_ns.saturating_sub(before.syscalls_ns),
            samples: self.samples.saturating_sub(before.samples),
            samples_ns: self.samples_ns.saturating_sub(before.samples_ns),
        }
    }
}

/// Whether the time of hit number `hit` is taken: one in 64, in steps that fit no pattern of hits. Each 64th would be
/// a beginning for ever, or an end.
#[inline(always)]
pub const fn is_timed(hit: u64) -> bool {
    hit.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58 == 0
}

/// Whether calls are counted, and how many hits may still be spent. Value of the map `GATE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Gate {
    /// Hits left; nothing is counted from 0 down, and nothing taken from [`UNLIMITED`] up.
    pub left: i64,
}

/// So many hits that none of them needs to be taken from the gate.
pub const UNLIMITED: i64 = i64::MAX / 2;

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
