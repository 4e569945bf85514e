//! What becomes of the target, or of the processes that a run is about, and of requests to end.

use super::{MAX_LOOKS, Next, Run};
use crate::clock::monotonic_ns;
use crate::discover::Process;
use crate::launch::{Ending, Event, Signals};
use crate::trace::begin::Traced;
use crate::trace::failure::Failure;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::Signal;
use std::os::fd::AsFd;

impl Run<'_> {
    /// Takes children under watch that were there before molt came. While it looks they may make more.
    pub(super) fn adopt(&mut self) {
        for _ in 0..MAX_LOOKS {
            if !self.watch.adopt(monotonic_ns()) {
                break;
            }
            self.obey();
        }
    }

    /// Looks for processes to trace, where they are sought. When to do so next.
    pub(super) fn seek(&mut self, now_ns: u64) -> Option<u64> {
        let Traced::Sought(seeker) = &mut self.traced else { return None };
        Some(seeker.seek(now_ns, &mut self.watch))
    }

    /// Looks at what became of a launched target.
    pub(super) fn target_events(&mut self) -> Result<Next, Failure> {
        loop {
            let Some(target) = self.traced.followed() else { return Ok(Next::GoOn) };
            let pid = target.pid().cast_unsigned();
            match target.next_event() {
                None => return Ok(Next::GoOn),
                Some(Event::Exec(held)) => {
                    self.source.at_exec(pid);
                    self.drain();
                    self.watch.at_exec(pid);
                    self.watch.tick(monotonic_ns());
                    self.obey();
                    drop(held);
                }
                Some(Event::Paused(held)) => {
                    self.drain();
                    let known = self.watch.at_milestone(pid, monotonic_ns(), held.until_ns());
                    self.obey();
                    if !known {
                        held.pass_on();
                    }
                }
                Some(Event::Exiting(held)) => {
                    self.drain();
                    self.watch.last_look(pid, held.until_ns());
                    drop(held);
                }
                Some(Event::ExecFailed(cause)) => {
                    return Err(Failure::exec(&self.options.target, cause));
                }
                Some(Event::Ended(ending)) => {
                    self.drain();
                    self.watch.ended(pid, ending, monotonic_ns());
                    self.ending = Some(ending);
                    return Ok(Next::End);
                }
            }
        }
    }

    /// The first request to end lets a launched target end by itself, as it would without molt, and then
    /// writes. The second one ends molt at once.
    pub(super) fn signals(&mut self, signals: &Signals) -> Result<Next, Failure> {
        for signal in signals.read() {
            if self.interrupted && signal.kind != Signal::SIGTERM {
                return Err(Failure::interrupted(signal.kind));
            }
            self.interrupted = true;
            match &self.traced {
                Traced::Attached(..) | Traced::Sought(_) => return Ok(Next::End),
                Traced::Launched(target) if signal.is_for_target() => target.forward(signal),
                Traced::Launched(_) => {}
            }
        }
        Ok(Next::GoOn)
    }

    /// Whether all that was attached to is gone.
    pub(super) fn has_ended(&self) -> bool {
        match &self.traced {
            Traced::Attached(processes, _) => !processes.iter().any(Process::is_alive),
            Traced::Sought(seeker) => seeker.is_gone(),
            Traced::Launched(_) => false,
        }
    }
}

/// Waits for a launched target that has not ended yet.
pub(super) fn wait(
    traced: &Traced,
    ending: Option<Ending>,
    signals: &Signals,
) -> Result<Option<Ending>, Failure> {
    let (Traced::Launched(target), None) = (traced, ending) else { return Ok(ending) };
    loop {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut waited = [readable(target.events_fd()), readable(signals.as_fd())];
        match ppoll(&mut waited, None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(refused) => return Err(Failure::from(anyhow::Error::from(refused))),
        }
        while let Some(event) = target.next_event() {
            if let Event::Ended(ending) = event {
                return Ok(Some(ending));
            }
        }
        for signal in signals.read().into_iter().filter(|signal| signal.is_for_target()) {
            target.forward(signal);
        }
    }
}
