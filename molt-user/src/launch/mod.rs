//! Stage: launch. Starts a command so that its first instruction is seen and its end is not missed.
//!
//! The child waits before its exec until molt is ready. Then it runs as it would without molt: same
//! standard streams, process group, working folder, environment, signal mask. A thread of its own follows its
//! main thread with ptrace and nothing else: it passes every signal on, and holds the program for a moment
//! where molt must look at it, at each exec and before its memory goes. No signal is ever sent to stop it, and
//! when molt dies, however it dies, the kernel lets the target run on.

mod error;
mod raw;
mod run_as;
mod signals;
mod tracer;

pub use error::LaunchError;
pub use run_as::RunAs;
pub use signals::{Signal, Signals};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::SigSet;
use nix::unistd::Pid;
use raw::{Forked, Prepared};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use tracer::{Reports, Tracer};

/// What to start, and as whom.
#[derive(Debug)]
pub struct Command {
    /// The program, looked up in `PATH` if it has no slash, and its arguments.
    pub argv: Vec<OsString>,
    /// The user that it runs as; none for molt's own.
    pub run_as: Option<RunAs>,
    /// The signal mask that molt was started with: [`Signals::mask_before`].
    pub signal_mask: SigSet,
    /// How long the target is held.
    pub holds: Holds,
}

/// For how long a target is held, at most.
#[derive(Clone, Copy, Debug)]
pub struct Holds {
    /// At an exec, and when its interpreter is about to begin.
    pub start: Duration,
    /// When its interpreter is about to end, and at its exit.
    pub end: Duration,
    /// The kernel side stops each program when its interpreter is about to begin: the first time that it stops one is
    /// no end.
    pub pauses_at_start: bool,
}

/// What happened to the target.
#[derive(Debug)]
pub enum Event {
    /// A program was loaded into the process and has not run an instruction yet. This comes at the start, and
    /// again when a wrapper execs the next program. It is held until the value is dropped.
    ///
    /// When another thread than the main one execs, the program has run for a moment already.
    Exec(Held),
    /// The command could not be executed, for example because it does not exist. Nothing else comes.
    ExecFailed(io::Error),
    /// The kernel has sent the main thread [`molt_common::config::HOLD_SIGNAL`]. It is held until the value is dropped, and then
    /// the signal is taken away; [`Held::pass_on`] delivers it instead.
    Paused(Held),
    /// The main thread is about to end, and the process's memory can still be read. It is held until the
    /// value is dropped. Other threads may go on: only [`Event::Ended`] is the end.
    Exiting(Held),
    /// The process has ended. Nothing else comes.
    Ended(Ending),
}

/// Keeps the target stopped. It goes on when this is dropped, or when the time is up.
#[derive(Debug)]
pub struct Held {
    answer: Sender<()>,
    until_ns: u64,
}

impl Held {
    /// When it goes on at the latest, in nanoseconds of `CLOCK_MONOTONIC`.
    pub fn until_ns(&self) -> u64 {
        self.until_ns
    }

    /// Lets the target go on with the signal that stopped it.
    pub fn pass_on(self) {
        // The tracer has let it go already, because it took too long.
        let _ = self.answer.send(());
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By exit, with this status.
    Code(u8),
    /// By a signal.
    Signal {
        /// Its number, 1 to 64.
        number: u8,
        /// Whether a core file was written.
        core: bool,
    },
}

impl Ending {
    /// The status that a shell gives: that of the process, or 128 and the signal's number.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal { number, .. } => number.saturating_add(128),
        }
    }
}

/// A started process.
#[derive(Debug)]
pub struct Target {
    pid: Pid,
    pidfd: OwnedFd,
    gate: Option<File>,
    events: Receiver<Event>,
    wakeup: Arc<EventFd>,
}

impl Target {
    /// Starts a process that waits before its exec. If the target is dropped before [`Target::release`], the
    /// process ends without having run anything.
    pub fn start(command: &Command) -> Result<Self, LaunchError> {
        let prepared = Prepared::new(command)?;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wakeup = Arc::new(EventFd::from_flags(flags).map_err(LaunchError::Fork)?);
        let (sender, events) = channel();
        let (started, start) = channel();
        let reports = Reports { sender, wakeup: Arc::clone(&wakeup) };
        let holds = command.holds;
        // Only the thread that seized a process may make ptrace calls for it.
        let follow = move || match prepared.fork().and_then(Forked::seize) {
            Ok(Forked { pid, pidfd, gate, failure }) => {
                if started.send(Ok((pid, pidfd, gate))).is_ok() {
                    Tracer::new(pid, failure, reports, holds).run();
                }
            }
            Err(error) => drop(started.send(Err(error))),
        };
        thread::Builder::new().name("molt-launch".to_owned()).spawn(follow).map_err(LaunchError::Thread)?;
        let (pid, pidfd, gate) = start.recv().unwrap_or(Err(LaunchError::Fork(Errno::EAGAIN)))?;
        Ok(Self { pid, pidfd, gate: Some(gate), events, wakeup })
    }

    /// Follows the main thread of process `pid`, which runs already, to hold it at its execs and at its end for `hold`
    /// at most. When this is dropped it is followed on; when molt ends it is let go.
    pub fn follow(pid: i32, hold: Duration) -> Result<Self, LaunchError> {
        let pid = Pid::from_raw(pid);
        let pidfd = raw::open_pidfd(pid).map_err(LaunchError::Follow)?;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wakeup = Arc::new(EventFd::from_flags(flags).map_err(LaunchError::Fork)?);
        let (sender, events) = channel();
        let (started, start) = channel();
        let reports = Reports { sender, wakeup: Arc::clone(&wakeup) };
        // Only the thread that seized a process may make ptrace calls for it.
        let follow = move || {
            let seized = raw::seize(pid);
            if started.send(seized).is_ok() && seized.is_ok() {
                let holds = Holds { start: hold, end: hold, pauses_at_start: false };
                Tracer::of_running(pid, reports, holds).run();
            }
        };
        thread::Builder::new().name("molt-follow".to_owned()).spawn(follow).map_err(LaunchError::Thread)?;
        let followed = start.recv().unwrap_or(Err(Errno::EAGAIN));
        followed.map_err(|source| LaunchError::of(pid, LaunchError::Follow(source)))?;
        Ok(Self { pid, pidfd, gate: None, events, wakeup })
    }

    /// The process's id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Lets the process go on to its exec. Later calls do nothing.
    pub fn release(&mut self) {
        if let Some(mut gate) = self.gate.take() {
            // A process that was killed while it waited cannot be told; its end is reported as an event.
            let _ = gate.write_all(&[1]);
        }
    }

    /// Readable while there are events.
    pub fn events_fd(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }

    /// The next event, if there is one. After the last one, or when nobody follows the process any more,
    /// there is none for ever.
    pub fn next_event(&self) -> Option<Event> {
        if let Ok(event) = self.events.try_recv() {
            return Some(event);
        }
        // Lowered before the second look: an event that comes after that look raises it again.
        let _ = self.wakeup.read();
        self.events.try_recv().ok()
    }

    /// Waits for the next event; none if it does not come in time, or if nothing comes any more.
    pub fn wait_event(&self, timeout: Duration) -> Option<Event> {
        self.events.recv_timeout(timeout).ok()
    }

    /// Sends a signal that was sent to molt and meant for the target. See [`Signal::is_for_target`].
    pub fn forward(&self, signal: Signal) {
        raw::send_signal(&self.pidfd, signal.kind);
    }
}

#[cfg(test)]
mod tests;
