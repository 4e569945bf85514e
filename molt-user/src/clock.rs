//! The clock that the kernel side's records carry, and that of molt's own work.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`, which `bpf_ktime_get_ns` reads as well.
pub fn monotonic_ns() -> u64 {
    nanos(ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds of `CLOCK_BOOTTIME`, from which `/proc/PID/stat` counts when a process started.
pub fn boot_ns() -> u64 {
    nanos(ClockId::CLOCK_BOOTTIME)
}

/// CPU time of the calling thread, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    nanos(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

fn nanos(clock: ClockId) -> u64 {
    // It fails for clocks that a kernel does not have; every Linux has these.
    clock_gettime(clock).map_or(0, |now| {
        let (seconds, nanos) = (now.tv_sec().cast_unsigned(), now.tv_nsec().cast_unsigned());
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
    })
}
