//! What the probes did, and what they may still do.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

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
    /// Those of them that come with every assignment to an attribute or every import, and can be many.
    pub frequent: u64,
    /// Of the effects, those whose time was taken, see [`is_timed`].
    pub effects_timed: u64,
    /// Their time in the programs, in nanoseconds.
    pub effects_ns: u64,
    /// Hits of probes that see allocations, of which those count that are granted.
    pub allocations: u64,
    /// Those of them whose time was taken, see [`is_timed`].
    pub allocations_timed: u64,
    /// Their time in the programs, in nanoseconds.
    pub allocations_ns: u64,
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
    /// Those that met the process in user mode.
    pub samples_user: u64,
    /// Ticks that met a traced process.
    pub ticks: u64,
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
            frequent: self.frequent + other.frequent,
            effects_timed: self.effects_timed + other.effects_timed,
            effects_ns: self.effects_ns + other.effects_ns,
            allocations: self.allocations + other.allocations,
            allocations_timed: self.allocations_timed + other.allocations_timed,
            allocations_ns: self.allocations_ns + other.allocations_ns,
            syscalls: self.syscalls + other.syscalls,
            syscalls_timed: self.syscalls_timed + other.syscalls_timed,
            syscalls_ns: self.syscalls_ns + other.syscalls_ns,
            samples: self.samples + other.samples,
            samples_ns: self.samples_ns + other.samples_ns,
            samples_user: self.samples_user + other.samples_user,
            ticks: self.ticks + other.ticks,
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
            frequent: self.frequent.saturating_sub(before.frequent),
            effects_timed: self.effects_timed.saturating_sub(before.effects_timed),
            effects_ns: self.effects_ns.saturating_sub(before.effects_ns),
            allocations: self.allocations.saturating_sub(before.allocations),
            allocations_timed: self.allocations_timed.saturating_sub(before.allocations_timed),
            allocations_ns: self.allocations_ns.saturating_sub(before.allocations_ns),
            syscalls: self.syscalls.saturating_sub(before.syscalls),
            syscalls_timed: self.syscalls_timed.saturating_sub(before.syscalls_timed),
            syscalls_ns: self.syscalls_ns.saturating_sub(before.syscalls_ns),
            samples: self.samples.saturating_sub(before.samples),
            samples_ns: self.samples_ns.saturating_sub(before.samples_ns),
            samples_user: self.samples_user.saturating_sub(before.samples_user),
            ticks: self.ticks.saturating_sub(before.ticks),
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
