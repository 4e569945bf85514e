//! The clock that the kernel side's records carry.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`, which `bpf_ktime_get_ns` reads as well.
pub fn monotonic_ns() -> u64 {
    // It fails for clocks that a kernel does not have; every Linux has this one.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| {
        let (seconds, nanos) = (now.tv_sec().cast_unsigned(), now.tv_nsec().cast_unsigned());
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
    })
}
