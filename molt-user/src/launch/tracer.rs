//! Follows the main thread of a launched process with ptrace.

use super::raw::{self, Status};
use super::{Ending, Event, Held, Holds};
use crate::clock::monotonic_ns;
use molt_common::config::HOLD_SIGNAL;
use nix::errno::Errno;
use nix::libc::c_int;
use nix::sys::eventfd::EventFd;
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

/// First and longest pause between two looks at a process whose main thread has ended.
const PAUSE: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(20));

/// Where events go.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) sender: Sender<Event>,
    pub(super) wakeup: Arc<EventFd>,
}

impl Reports {
    fn send(&self, event: Event) {
        // When nobody listens any more, the target is followed to its end all the same: its signals pass here.
        if self.sender.send(event).is_ok() {
            let _ = self.wakeup.write(1);
        }
    }
}

/// What one thread knows of the process that it follows.
#[derive(Debug)]
pub(super) struct Tracer {
    pid: Pid,
    /// Where a child says why its exec failed; none of a process that ran before.
    failure: Option<File>,
    reports: Reports,
    holds: Holds,
    /// The command, and not molt's own child, runs.
    execed: bool,
    /// Its interpreter has begun: it is stopped next when that is about to end.
    begun: bool,
    /// Another thread has executed a program and taken over the process id; its next stop is reported.
    taken_over: bool,
    /// The status given at the exit of the main thread.
    last_status: Option<Ending>,
}

impl Tracer {
    /// Follows `pid`, which this thread has seized. `failure` is where the child says why its exec failed.
    pub(super) fn new(pid: Pid, failure: File, reports: Reports, holds: Holds) -> Self {
        let failure = Some(failure);
        Self {
            pid,
            failure,
            reports,
            holds,
            execed: false,
            begun: false,
            taken_over: false,
            last_status: None,
        }
    }

    /// Follows `pid`, which this thread has seized while it ran.
    pub(super) fn of_running(pid: Pid, reports: Reports, holds: Holds) -> Self {
        Self {
            pid,
            failure: None,
            reports,
            holds,
            execed: true,
            begun: true,
            taken_over: false,
            last_status: None,
        }
    }

    /// Follows it to its end.
    pub(super) fn run(mut self) {
        let ending = loop {
            match raw::wait(self.pid) {
                Ok(Status::Ended(ending)) => break ending,
                Ok(Status::Exec) => self.at_exec(),
                Ok(Status::Exit) => {
                    if let Some(ending) = self.at_exit() {
                        break ending;
                    }
                }
                Ok(Status::GroupStop) => raw::listen(self.pid),
                Ok(Status::Signal(signal)) if self.is_hold(signal) => {
                    let longest = if self.begun { self.holds.end } else { self.holds.start };
                    let passed_on = self.hold(longest, Event::Paused);
                    self.begun |= !passed_on;
                    raw::resume(self.pid, if passed_on { signal } else { 0 });
                }
                Ok(Status::Signal(signal)) => raw::resume(self.pid, signal),
                Ok(Status::Trap) if self.taken_over => self.at_exec(),
                Ok(Status::Trap) => raw::resume(self.pid, 0),
                // Where SIGCHLD is ignored the kernel throws the status away; that of the main thread is
                // the best that is left.
                Err(_) => break self.last_status.unwrap_or(Ending::Code(0)),
            }
        };
        let event = match self.read_failure() {
            Some(failure) if !self.execed => Event::ExecFailed(failure),
            _ => Event::Ended(ending),
        };
        self.reports.send(event);
    }

    fn at_exec(&mut self) {
        self.execed = true;
        self.taken_over = false;
        self.begun = !self.holds.pauses_at_start;
        self.hold(self.holds.start, Event::Exec);
        raw::resume(self.pid, 0);
    }

    /// Holds the process before its memory goes, and gives its end if that came.
    fn at_exit(&mut self) -> Option<Ending> {
        self.last_status = raw::exit_status(self.pid);
        if self.execed {
            self.hold(self.holds.end, Event::Exiting);
        }
        raw::resume(self.pid, 0);
        // The main thread goes, but maybe not the process: another thread may go on, or may exec, and then
        // takes over the process id without being followed.
        let mut pause = PAUSE.0;
        loop {
            match raw::poll(self.pid) {
                Ok(Some(Status::Ended(ending))) => return Some(ending),
                Ok(_) => {}
                Err(_) => return Some(self.last_status.unwrap_or(Ending::Code(0))),
            }
            if raw::seize(self.pid).is_ok() {
                self.taken_over = true;
                raw::interrupt(self.pid);
                return None;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Whether the signal that stopped the process may be the kernel side's, and not another process's.
    fn is_hold(&self, signal: c_int) -> bool {
        u32::try_from(signal) == Ok(HOLD_SIGNAL) && raw::is_from_kernel(self.pid)
    }

    /// Reports a moment at which the process stands still, and waits until it may go on. Whether the signal
    /// that stopped it is to be passed on.
    fn hold(&self, longest: Duration, event: impl FnOnce(Held) -> Event) -> bool {
        let (held, answer) = channel();
        let longest_ns = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        let until_ns = monotonic_ns().saturating_add(longest_ns);
        self.reports.send(event(Held { answer: held, until_ns }));
        // Otherwise the other side was dropped, or the time is up.
        answer.recv_timeout(longest) == Ok(())
    }

    /// The error number that the child wrote before it ended without an exec.
    fn read_failure(&mut self) -> Option<io::Error> {
        let mut number = [0; 4];
        self.failure.as_mut()?.read_exact(&mut number).ok()?;
        Some(io::Error::from(Errno::from_raw(i32::from_ne_bytes(number))))
    }
}
