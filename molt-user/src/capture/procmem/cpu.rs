//! The CPU time of processes, and which of their threads run.

use nix::sched::{CpuSet, sched_setaffinity};
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

/// The processor of a thread that runs, or waits for it; `None` for one that waits for something else.
pub(super) fn running_on(pid: u32, tid: u32) -> Option<usize> {
    let text = fs::read(format!("/proc/{pid}/task/{tid}/stat")).ok()?;
    let (state, processor) = state_and_processor(&text)?;
    (state == "R").then_some(processor)
}

/// Has the thread that calls run on that processor alone, as far as it may. A thread that shares its processor does
/// not run on while it looks.
pub(super) fn go_to(processor: usize) {
    let mut only = CpuSet::new();
    // Both fail for a processor that is not molt's to use: then the stack that is read is torn more often.
    let _ = only.set(processor).and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
}

/// A thread's id as the process itself knows it, in its own pid namespace.
pub(super) fn inner_tid(pid: u32, tid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    ids.and_then(|ids| ids.split_ascii_whitespace().last()?.parse().ok()).unwrap_or(tid)
}

/// The 3rd and the 39th field (`man 5 proc_pid_stat`). The 2nd is a name in parentheses, which may hold any byte.
fn state_and_processor(stat: &[u8]) -> Option<(&str, usize)> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = str::from_utf8(stat.get(end + 1..)?).ok()?.split_ascii_whitespace();
    Some((fields.next()?, fields.nth(35)?.parse().ok()?))
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
        let processor = running_on(pid, tid).unwrap();
        go_to(processor);
        assert_eq!(running_on(pid, tid), Some(processor));
        assert_eq!(inner_tid(pid, tid), tid);
        let before = process_ns(pid).unwrap();
        while process_ns(pid).unwrap() < before + 1_000_000 {}
    }

    /// No process has this id: the largest that Linux gives is 2^22.
    #[test]
    fn there_is_nothing_of_a_process_that_is_not_there() {
        let nobody = 1 << 22;
        assert_eq!(process_ns(nobody), None);
        assert!(threads(nobody).is_empty() && running_on(nobody, nobody).is_none());
    }
}
