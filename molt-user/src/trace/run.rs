//! The loop around the source of records and the target.

use super::begin::{Traced, Wanted, caller};
use super::failure::Failure;
use super::finish::finish;
use super::source::Source;
use super::watch::Watch;
use super::{Options, Outcome};
use crate::clock::monotonic_ns;
use crate::decode::Kept;
use crate::launch::{Ending, Event, Signals};
use anyhow::Context;
use molt_mpa::write::check_destination;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::Signal;
use std::os::fd::AsFd;
use std::time::Duration;

/// Most records taken before the target's own events are looked at again.
const BATCH: usize = 256;
/// Longest sleep of the loop: samples that name nothing new wait for it in the ring, and a process that was attached
/// to can end without a word when records are lost.
const NAP: Duration = Duration::from_millis(20);

/// Nice value of the thread that reads: code that ran once, such as a module's, is freed within a millisecond.
const NICE: i32 = -10;

/// How far a run has come, for a status line.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Since its start.
    pub elapsed: Duration,
    /// Samples kept.
    pub samples: u64,
}

/// Traces what `options` name, and writes the artifact.
pub fn run(options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, Failure> {
    if !super::is_stdout(&options.output) {
        check_destination(&options.output).map_err(|refused| Failure::from(anyhow::Error::from(refused)))?;
    }
    let signals = Signals::take().context("failed to take over signals")?;
    let wanted = Wanted::find(&options.target)?;
    let (mut source, mut watch) = Source::open(options)?;
    let traced = wanted.begin(&signals, &mut watch)?;
    // After the target's fork, which inherits it. Without the right to it more is missed, and counted.
    if let Err(refused) = rustix::process::setpriority_process(None, NICE) {
        tracing::info!(%refused, "the priority stays as it is");
    }
    source.begin(traced.threads(), &mut watch);
    let mut run = Run { options, source, watch, traced, ending: None, interrupted: false };
    run.follow(&signals, progress)?;
    let Run { source, mut watch, traced, ending, .. } = run;
    let (findings, closing) = source.end(&mut watch)?;
    let outcome = finish(options, &mut watch, &findings, caller()?)?;
    if let (Traced::Attached(process, _), None) = (&traced, &outcome.summary) {
        return Err(Failure::nothing_read(process, &outcome.remarks));
    }
    // The kernel side goes away before a target is waited for that outlives the time it was to be traced.
    drop(closing);
    let ending = wait(&traced, ending, &signals)?;
    let status = match traced {
        Traced::Launched(_) => ending.map_or(0, Ending::exit_status),
        Traced::Attached(..) => 0,
    };
    Ok(Outcome { status, ..outcome })
}

/// A run under way.
struct Run<'a> {
    options: &'a Options,
    source: Source,
    watch: Watch,
    traced: Traced,
    /// How a launched target ended.
    ending: Option<Ending>,
    /// Asked to end once already.
    interrupted: bool,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Run<'_> {
    fn follow(&mut self, signals: &Signals, progress: &mut dyn FnMut(Progress)) -> Result<(), Failure> {
        let began = monotonic_ns();
        let deadline = self.options.duration.map(|duration| began.saturating_add(nanos(duration)));
        self.obey();
        if let Traced::Launched(target) = &mut self.traced {
            target.release();
        }
        loop {
            let now = monotonic_ns();
            let due = self.watch.tick(now);
            self.obey();
            let observe = self.observe();
            let wake = [due, deadline, observe].into_iter().flatten().min().unwrap_or(u64::MAX);
            self.sleep(signals, Duration::from_nanos(wake.saturating_sub(now)).min(NAP))?;
            self.drain();
            if self.target_events()? == Next::End || self.signals(signals)? == Next::End {
                break;
            }
            let now = monotonic_ns();
            progress(Progress {
                elapsed: Duration::from_nanos(now.saturating_sub(began)),
                samples: self.watch.tally.samples.kept,
            });
            if deadline.is_some_and(|deadline| now >= deadline) || self.has_ended() {
                break;
            }
        }
        self.drain();
        self.watch.detach(monotonic_ns());
        Ok(())
    }

    /// Sleeps until something happens, `longest` at most.
    fn sleep(&self, signals: &Signals, longest: Duration) -> Result<(), Failure> {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut waited = vec![readable(self.source.events_fd()), readable(signals.as_fd())];
        if let Some(target) = self.traced.followed() {
            waited.push(readable(target.events_fd()));
        }
        let timeout = nix::sys::time::TimeSpec::from_duration(longest);
        match ppoll(&mut waited, Some(timeout), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(refused) => {
                Err(Failure::from(anyhow::Error::from(refused).context("failed to wait for events")))
            }
        }
    }

    /// Takes every record that waits. Code is read as soon as a record names it, before any of it is looked
    /// up in sources.
    fn drain(&mut self) {
        loop {
            let mut records = Vec::new();
            let taken = self.source.drain(BATCH, |bytes| {
                self.watch.read_ahead(bytes);
                records.push(Kept::new(bytes));
            });
            for record in &records {
                // Every hit after the last one that was granted costs the target a trap for nothing.
                self.close_if_spent();
                self.watch.take(record.bytes());
            }
            self.obey();
            if taken < BATCH {
                break;
            }
        }
    }

    /// Does what the watch wants of the source.
    fn obey(&mut self) {
        for ask in self.watch.asks() {
            if let Err(refused) = self.source.obey(ask, &mut self.watch) {
                self.lose(&refused);
            }
        }
    }

    /// Opens and closes windows. When to do so next.
    fn observe(&mut self) -> Option<u64> {
        self.source.tick(&mut self.watch).unwrap_or_else(|refused| {
            self.lose(&refused);
            None
        })
    }

    fn close_if_spent(&mut self) {
        if let Err(refused) = self.source.close_if_spent(&mut self.watch) {
            self.lose(&refused);
        }
    }

    /// What the kernel refuses costs some facts, never the run.
    fn lose(&mut self, refused: &anyhow::Error) {
        tracing::info!("{refused:#}");
        self.watch.lose("kernel_refusal");
    }

    /// Looks at what became of a launched target.
    fn target_events(&mut self) -> Result<Next, Failure> {
        loop {
            let Some(target) = self.traced.followed() else { return Ok(Next::GoOn) };
            let pid = self.traced.pid();
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
                    let known = self.watch.at_milestone(pid, monotonic_ns());
                    self.obey();
                    if !known {
                        held.pass_on();
                    }
                }
                Some(Event::Exiting(held)) => {
                    self.drain();
                    self.watch.last_look(pid);
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
    fn signals(&mut self, signals: &Signals) -> Result<Next, Failure> {
        for signal in signals.read() {
            if self.interrupted && signal.kind != Signal::SIGTERM {
                return Err(Failure::interrupted(signal.kind));
            }
            self.interrupted = true;
            match &self.traced {
                Traced::Attached(..) => return Ok(Next::End),
                Traced::Launched(target) if signal.is_for_target() => target.forward(signal),
                Traced::Launched(_) => {}
            }
        }
        Ok(Next::GoOn)
    }

    /// Whether a process that was attached to is gone.
    fn has_ended(&self) -> bool {
        match &self.traced {
            Traced::Attached(process, _) => !process.is_alive(),
            Traced::Launched(_) => false,
        }
    }
}

/// Waits for a launched target that has not ended yet.
fn wait(traced: &Traced, ending: Option<Ending>, signals: &Signals) -> Result<Option<Ending>, Failure> {
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

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
