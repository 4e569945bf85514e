//! The loop around the source of records and the target.

mod parts;
mod target;

use super::begin::{Traced, Wanted};
use super::failure::Failure;
use super::finish::finish;
use super::source::Source;
use super::watch::{Ask, Watch};
use super::{Options, Outcome, Summary, output};
use crate::capture::ebpf::urgent::PRIORITY;
use crate::clock::monotonic_ns;
use crate::decode::Kept;
use crate::launch::{Ending, Signals};
use anyhow::Context;
use molt_mpa::write::check_destination;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::os::fd::AsFd;
use std::time::Duration;
use target::wait;

/// Most records taken before the target's own events are looked at again.
const BATCH: usize = 256;
/// Longest sleep of the loop: samples that name nothing new wait for it in the ring, and a process that was attached
/// to can end without a word when records are lost.
const NAP: Duration = Duration::from_millis(40);

/// Most looks for children that were there before: each finds what was made during the one before it.
const MAX_LOOKS: u32 = 8;

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

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Notice {
    /// How far it has come.
    Progress(Progress),
    /// An artifact was written.
    Written(Box<Summary>),
}

/// Traces what `options` name, and writes artifacts.
pub fn run(options: &Options, notify: &mut dyn FnMut(Notice)) -> Result<Outcome, Failure> {
    if !super::is_stdout(&options.output) {
        let example = output::name(&options.output, &std::process::id().to_string(), 1);
        check_destination(&example).map_err(|refused| Failure::from(anyhow::Error::from(refused)))?;
    }
    let signals = Signals::take().context("failed to take over signals")?;
    let wanted = Wanted::find(&options.target, options.follow)?;
    let (mut source, mut watch) = Source::open(options)?;
    watch.follows = options.follow;
    if options.split {
        watch.split();
    }
    let traced = wanted.begin(&signals, options, &mut watch)?;
    // After the target's fork, which inherits it. Without the right to it more is missed, and counted.
    if let Err(refused) = rustix::process::setpriority_process(None, NICE) {
        tracing::info!(%refused, "the priority stays as it is");
    }
    allow_files();
    allow_urgency();
    if matches!(traced, Traced::Sought(_)) {
        source.watch_strangers();
    }
    super::capabilities::give_up();
    let mut run =
        Run { options, source, watch, traced, ending: None, interrupted: false, sequence: 1, written: 0 };
    run.follow(&signals, notify)?;
    let Run { source, mut watch, traced, ending, sequence, mut written, .. } = run;
    let (findings, closing) = source.end(&mut watch)?;
    finish(options, &mut watch, &findings, sequence, &mut |summary| {
        written += 1;
        notify(Notice::Written(Box::new(summary)));
    })?;
    let mut remarks = watch.remarks();
    if written == 0 {
        remarks.push("no supported Python ran; no artifact was written".to_owned());
        if let Traced::Attached(processes, _) = &traced {
            return Err(Failure::nothing_read(processes, &remarks));
        }
    }
    // The kernel side goes away before a target is waited for that outlives the time it was to be traced.
    drop(closing);
    let ending = wait(&traced, ending, &signals)?;
    let status = match traced {
        Traced::Launched(_) => ending.map_or(0, Ending::exit_status),
        Traced::Attached(..) | Traced::Sought(_) => 0,
    };
    Ok(Outcome { status, remarks })
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
    /// The number of the next artifacts.
    sequence: u64,
    /// Artifacts written.
    written: u64,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Run<'_> {
    fn follow(&mut self, signals: &Signals, notify: &mut dyn FnMut(Notice)) -> Result<(), Failure> {
        let began = monotonic_ns();
        let every = self.options.every.map(nanos);
        let mut turn = every.map(|every| began.saturating_add(every));
        let deadline = self.options.duration.map(|duration| began.saturating_add(nanos(duration)));
        self.obey();
        match &mut self.traced {
            Traced::Launched(target) => target.release(),
            Traced::Attached(..) => self.adopt(),
            Traced::Sought(_) => {}
        }
        loop {
            let now = monotonic_ns();
            let sought = self.seek(now);
            let due = self.watch.tick(now);
            self.obey();
            let observe = self.observe();
            let wake = [sought, due, deadline, turn, observe].into_iter().flatten().min().unwrap_or(u64::MAX);
            self.sleep(signals, Duration::from_nanos(wake.saturating_sub(now)).min(NAP))?;
            self.drain();
            if self.target_events()? == Next::End || self.signals(signals)? == Next::End {
                break;
            }
            let now = monotonic_ns();
            let elapsed = Duration::from_nanos(now.saturating_sub(began));
            notify(Notice::Progress(Progress { elapsed, samples: self.watch.tally.samples.kept }));
            if deadline.is_some_and(|deadline| now >= deadline) || self.has_ended() {
                break;
            }
            if let (Some(every), Some(due)) = (every, turn)
                && now >= due
            {
                self.write(notify)?;
                // A turn that was missed is not made up for.
                turn = Some(due.saturating_add(every).max(monotonic_ns()));
            }
        }
        self.pause();
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
            // Whoever is behind must not put off looks until there is nothing left to see.
            self.watch.tick(monotonic_ns());
        }
    }

    /// Does what the watch wants of the source. Probes take the kernel long to place, and samples do not wait for them.
    fn obey(&mut self) {
        let (probes, others): (Vec<Ask>, Vec<Ask>) =
            self.watch.asks().into_iter().partition(|ask| matches!(ask, Ask::Hook(_) | Ask::Count(..)));
        for ask in others.into_iter().chain(probes) {
            if matches!(&ask, Ask::Count(pid, _) if !self.watch.runs(*pid)) {
                continue;
            }
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
}

/// Each thread that was there before is counted by a file of its own, and each process has some for its probes.
fn allow_files() {
    let allowed = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(refused) = allowed {
        tracing::info!(%refused, "the limit of open files stays as it is");
    }
}

/// Lets probes be placed and removed ahead of other work when the capability for it is given up.
fn allow_urgency() {
    let priority = PRIORITY.unsigned_abs().into();
    if let Err(refused) = setrlimit(Resource::RLIMIT_RTPRIO, priority, priority) {
        tracing::info!(%refused, "probes are placed and removed at the priority of all else");
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
