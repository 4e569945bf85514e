//! The CPU time of processes, and which of their threads run.

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use procfs::process::Process;
use std::fs;

/// The CPU time of a process in nanoseconds, ended threads included; `None` if there is no such process. Everyone may
/// read it. For a thread that runs on another processor it stands still between ticks of the scheduler, 1 to 10 ms
/// (`thread_group_cputime`, `kernel/sched/cputime.c`, Linux 6.18).
pub(super) fn process_ns(pid: u32) -> Option<u64> {
    read(clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).ok()?)
}

/// The CPU time of the thread that asks, in nanoseconds.
pub(super) fn own_ns() -> u64 {
    // It fails for clocks that a kernel does not have; every Linux has this one.
    read(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap_or(0)
}

fn read(clock: ClockId) -> Option<u64> {
    let time = clock_gettime(clock).ok()?;
    let (seconds, nanos) = (u64::try_from(time.tv_sec()).ok()?, u64::try_from(time.tv_nsec()).ok()?);
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// The ids of a process's threads. Empty if there is no such process.
pub(super) fn threads(pid: u32) -> Vec<u32> {
    let tasks = Process::new(pid.cast_signed()).and_then(|process| process.tasks());
    tasks
        .map(|tasks| tasks.flatten().filter_map(|task| task.tid.try_into().ok()).collect())
        .unwrap_or_default()
}

/// Whether a thread runs or waits for a processor.
pub(super) fn runs(pid: u32, tid: u32) -> bool {
    stat_state(&format!("/proc/{pid}/task/{tid}/stat")) == Some(b'R')
}

/// A thread's id as the process itself knows it, in its own pid namespace.
pub(super) fn inner_tid(pid: u32, tid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    ids.and_then(|ids| ids.split_ascii_whitespace().last()?.parse().ok()).unwrap_or(tid)
}

/// The letter after the name, which is in parentheses and may hold any byte (`man 5 proc_pid_stat`).
fn stat_state(path: &str) -> Option<u8> {
    let text = fs::read(path).ok()?;
    let end = text.iter().rposition(|byte| *byte == b')')?;
    text.get(end + 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This thread runs, and its time passes.
    #[test]
    fn sees_its_own_thread_run() {
        let pid = std::process::id();
        let tid = nix::unistd::gettid().as_raw().cast_unsigned();
        assert!(threads(pid).contains(&tid));
        assert!(runs(pid, tid));
        assert_eq!(inner_tid(pid, tid), tid);
        let before = process_ns(pid).unwrap();
        while process_ns(pid).unwrap() < before + 1_000_000 {}
    }

    /// No process has this id: the largest that Linux gives is 2^22.
    #[test]
    fn there_is_nothing_of_a_process_that_is_not_there() {
        let nobody = 1 << 22;
        assert_eq!(process_ns(nobody), None);
        assert!(threads(nobody).is_empty() && !runs(nobody, nobody));
    }
}
