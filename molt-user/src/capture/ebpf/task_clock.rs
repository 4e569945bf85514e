//! The CPU time of a process and its descendants, to the nanosecond.
//!
//! The process's own clock (`CLOCK_PROCESS_CPUTIME_ID`) will not do: for a thread that runs on another processor it
//! stands still between ticks, up to 4 ms (`thread_group_cputime`, `kernel/sched/cputime.c`, Linux 6.18), which is as
//! long as a window. The event `task-clock` is read on the processor where the thread runs.

use nix::errno::Errno;
use nix::libc;
use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// `struct perf_event_attr` in its first version (`include/uapi/linux/perf_event.h`).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
}

/// `PERF_TYPE_SOFTWARE`, `PERF_COUNT_SW_TASK_CLOCK`, and the bit `inherit`.
const SOFTWARE: u32 = 1;
const TASK_CLOCK: u64 = 1;
const INHERIT: u64 = 1 << 1;

/// `PERF_FLAG_FD_CLOEXEC`.
const CLOEXEC: libc::c_ulong = 1 << 3;

/// Counts CPU time from its making on.
#[derive(Debug, Default)]
pub struct TaskClock {
    events: Vec<File>,
}

impl TaskClock {
    /// That of these threads, and of all threads and processes that descend from them from now on.
    pub fn of(threads: impl IntoIterator<Item = u32>) -> nix::Result<Self> {
        let mut events = Vec::new();
        for thread in threads {
            match open(thread) {
                Ok(event) => events.push(File::from(event)),
                // It has ended meanwhile.
                Err(Errno::ESRCH) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(Self { events })
    }

    /// In nanoseconds. An event that cannot be read counts nothing.
    pub fn read_ns(&self) -> u64 {
        let read = |mut event: &File| {
            let mut bytes = [0; 8];
            event.read_exact(&mut bytes).map_or(0, |()| u64::from_ne_bytes(bytes))
        };
        self.events.iter().map(read).sum()
    }
}

fn open(thread: u32) -> nix::Result<OwnedFd> {
    let attributes = Attributes {
        kind: SOFTWARE,
        size: u32::try_from(size_of::<Attributes>()).unwrap_or(0),
        config: TASK_CLOCK,
        flags: INHERIT,
        ..Attributes::default()
    };
    let thread = libc::pid_t::try_from(thread).map_err(|_too_large| Errno::ESRCH)?;
    let any_cpu: libc::c_int = -1;
    let no_group: libc::c_int = -1;
    // SAFETY: the kernel reads `size` bytes of the attributes, which are alive and have no padding.
    let number = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attributes, thread, any_cpu, no_group, CLOEXEC)
    };
    let number = RawFd::try_from(Errno::result(number)?).map_err(|_too_large| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::TaskClock;
    use std::time::{Duration, Instant};

    /// A thread that spins uses as much as passes, and its own threads count with it. Not where events are refused,
    /// as in a container.
    #[test]
    fn counts_threads_that_are_made_later() {
        let own = u32::try_from(nix::unistd::gettid().as_raw()).unwrap();
        let Ok(clock) = TaskClock::of([own]) else { return };
        let spin = || {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(20) {}
        };
        let before = clock.read_ns();
        spin();
        let alone = clock.read_ns() - before;
        assert!(alone > 1_000_000, "{alone} ns");
        std::thread::spawn(spin).join().unwrap();
        assert!(clock.read_ns() - before > alone + 1_000_000);
    }

    /// A thread that is not there is left out.
    #[test]
    fn nothing_is_the_time_of_no_thread() {
        assert_eq!(TaskClock::of([u32::MAX]).unwrap().read_ns(), 0);
    }
}
