//! Signals that ask molt to end.

use nix::libc;
use nix::sys::signal::{SigSet, Signal as Kind};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, BorrowedFd};

/// The signals that are read from the descriptor instead of ending molt.
const TAKEN: [Kind; 4] = [Kind::SIGINT, Kind::SIGTERM, Kind::SIGHUP, Kind::SIGQUIT];

/// A signal that molt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Which one.
    pub kind: Kind,
    /// The kernel sent it, because of a key or because the terminal went away. Then it went to the whole
    /// foreground process group, and a launched target has it already.
    pub from_terminal: bool,
}

impl Signal {
    /// Whether a launched target has yet to be told: somebody sent the signal to molt alone.
    pub fn is_for_target(self) -> bool {
        !self.from_terminal
    }
}

/// The signals that ask a program to end, as a descriptor to be polled.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Takes the signals from now on. Call it before any thread is made: a thread that does not block them
    /// would be ended by them.
    pub fn take() -> nix::Result<Self> {
        let before = SigSet::thread_get_mask()?;
        let taken: SigSet = TAKEN.into_iter().collect();
        taken.thread_block()?;
        let fd = SignalFd::with_flags(&taken, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { fd, before })
    }

    /// The signal mask that molt was started with, which the target gets.
    pub fn mask_before(&self) -> SigSet {
        self.before
    }

    /// What has arrived, at most one of each kind; empty if nothing has.
    pub fn read(&self) -> Vec<Signal> {
        let next = || self.fd.read_signal().ok().flatten();
        let arrived = std::iter::from_fn(next).take(TAKEN.len()).filter_map(|info| {
            let kind = Kind::try_from(i32::try_from(info.ssi_signo).ok()?).ok()?;
            Some(Signal { kind, from_terminal: info.ssi_code == libc::SI_KERNEL })
        });
        arrived.collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::{Signal, Signals};
    use nix::sys::signal::{SigSet, Signal as Kind, raise};

    /// A signal that a process sends is read once and is for the target; the mask before is kept. A thread's
    /// own mask and its own signals leave the other tests alone.
    #[test]
    fn reads_signals_that_a_process_sent() {
        let thread = std::thread::spawn(|| {
            let mut odd = SigSet::empty();
            odd.add(Kind::SIGWINCH);
            odd.thread_set_mask().unwrap();
            let signals = Signals::take().unwrap();
            assert_eq!(signals.mask_before(), odd);
            assert_eq!(signals.read(), []);
            raise(Kind::SIGTERM).unwrap();
            let term = Signal { kind: Kind::SIGTERM, from_terminal: false };
            assert_eq!(signals.read(), [term]);
            assert!(term.is_for_target());
            assert_eq!(signals.read(), []);
        });
        thread.join().unwrap();
    }
}
