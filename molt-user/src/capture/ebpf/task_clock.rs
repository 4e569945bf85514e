//! The CPU time of a process and its descendants, to the nanosecond.
//!
//! The process's own clock (`CLOCK_PROCESS_CPUTIME_ID`) will not do: for a thread that runs on another processor it
//! stands still between ticks, up to 4 ms (`thread_group_cputime`, `kernel/sched/cputime.c`, Linux 6.18), which is as
//! long as a window. The event `task-clock` is read on the processor where the thread runs.

use super::perf_event::{Clock, open};
use nix::errno::Errno;
use std::fs::File;
use std::io::Read;

/// Counts CPU time from its making on.
#[derive(Debug, Default)]
pub struct TaskClock {
    events: Vec<File>,
}

impl TaskClock {
    /// Adds that of these threads, and of all threads and processes that descend from them from now on.
    pub fn add(&mut self, threads: impl IntoIterator<Item = u32>) -> nix::Result<()> {
        for thread in threads {
            match open(Clock::Of { thread }) {
                Ok(event) => self.events.push(event),
                // It has ended meanwhile.
                Err(Errno::ESRCH) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::TaskClock;
    use std::time::{Duration, Instant};

    /// A thread that spins uses as much as passes, and its own threads count with it. Not where events are refused,
    /// as in a container.
    #[test]
    fn counts_threads_that_are_made_later() {
        let own = u32::try_from(nix::unistd::gettid().as_raw()).unwrap();
        let mut clock = TaskClock::default();
        if clock.add([own]).is_err() {
            return;
        }
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
        let mut clock = TaskClock::default();
        clock.add([u32::MAX]).unwrap();
        assert_eq!(clock.read_ns(), 0);
    }
}
