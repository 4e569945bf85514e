//! Placing and removing probes ahead of all other work of the machine.
//!
//! The kernel does both under the lock of the program's address space, for some ten microseconds a probe. A thread of
//! the program that hits another probe at that moment, or touches a page for the first time, waits for that lock
//! (`find_active_uprobe_rcu`, `kernel/events/uprobes.c`, Linux 6.18). So whoever has the lock, or is next to have it,
//! must not wait for a processor: where others had four times as much work as there were processors, a program stood
//! still for up to 28 ms.

use nix::errno::Errno;
use nix::libc;
use std::os::fd::OwnedFd;
use std::thread;

/// The least of the real-time priorities: no program that has one itself is held up.
pub const PRIORITY: libc::c_int = 1;

/// The current thread comes first until this is dropped, if molt may do that. Most of what it does meanwhile is to
/// wait, and nothing may be started that inherits it.
#[derive(Debug)]
pub(super) struct Urgent(());

impl Urgent {
    pub(super) fn begin() -> Option<Self> {
        schedule(libc::SCHED_FIFO, PRIORITY).ok().map(|()| Self(()))
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        // What was allowed to become urgent may stop to be so; the nice value is what it was.
        let _ = schedule(libc::SCHED_OTHER, 0);
    }
}

/// Takes probes away. They are gone at once; the kernel waits for those that are being hit in the background.
pub(super) fn remove(links: impl Iterator<Item = OwnedFd>) {
    for link in links {
        let close = move || {
            let _urgent = Urgent::begin();
            drop(link);
        };
        // Without a thread it is closed here, which takes longer.
        let _ = thread::Builder::new().name("molt-unhook".to_owned()).spawn(close);
    }
}

fn schedule(policy: libc::c_int, priority: libc::c_int) -> nix::Result<()> {
    // SAFETY: 0 is the current thread, and the kernel's `struct sched_param` is one int, which is alive.
    let answer = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
    Errno::result(answer).map(drop)
}

#[cfg(test)]
mod tests {
    use super::Urgent;
    use nix::libc;

    fn policy() -> libc::c_long {
        // SAFETY: 0 is the current thread; nothing is read or written.
        unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) }
    }

    /// Where molt may, its thread is urgent for as long as was asked for, and as it was afterwards.
    #[test]
    fn thread_is_urgent_for_a_while() {
        let before = policy();
        if let Some(urgent) = Urgent::begin() {
            assert_eq!(policy(), libc::c_long::from(libc::SCHED_FIFO));
            drop(urgent);
        }
        assert_eq!(policy(), before);
    }
}
