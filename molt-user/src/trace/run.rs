//! The loop around the kernel side and the target.

use super::begin::{Traced, Wanted, caller, check_namespace};
use super::failure::Failure;
use super::finish::finish;
use super::watch::{Ask, Watch};
use super::{Observe, Options, Outcome};
use crate::capture::ebpf::Kernel;
use crate::clock::monotonic_ns;
use crate::decode::Kept;
use crate::diagnose::advice::one_line;
use crate::discover::Build;
use crate::launch::{Ending, Event, Signals};
use anyhow::Context;
use molt_mpa::write::check_destination;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
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
    check_namespace()?;
    let wanted = Wanted::find(&options.target)?;
    let mut kernel = Kernel::load()?;
    kernel.watch_processes()?;
    kernel.sample(u64::from(options.frequency))?;
    let counts_calls = options.observe != Observe::Sample;
    if counts_calls {
        kernel.grant(None).context("failed to let calls be counted")?;
    }
    let mut watch = Watch::new(monotonic_ns(), counts_calls);
    if let Some(unknown) = &kernel.degraded {
        watch.remark(format!("{}: children cannot be followed", one_line(unknown)));
    }
    let traced = wanted.begin(&signals, &mut watch)?;
    // After the target's fork, which inherits it. Without the right to it more is missed, and counted.
    if let Err(refused) = rustix::process::setpriority_process(None, NICE) {
        tracing::info!(%refused, "the priority stays as it is");
    }
    let mut run = Run {
        options,
        kernel,
        watch,
        traced,
        ending: None,
        hooked: BTreeSet::new(),
        counted: BTreeSet::new(),
        interrupted: false,
    };
    run.follow(&signals, progress)?;
    let counted = run.kernel.counted().context("failed to read what was counted")?;
    run.watch.count(&counted);
    let meter = run.kernel.meter().context("failed to read what the hooks did")?;
    tracing::info!(?meter, "hooks");
    let unhooking = run.kernel.unhook();
    let outcome = finish(run.options, &mut run.watch, &run.kernel, caller()?)?;
    drop(unhooking);
    if let (Traced::Attached(process), None) = (&run.traced, &outcome.summary) {
        return Err(Failure::nothing_read(process, &outcome.remarks));
    }
    let ending = run.detach_and_wait(&signals)?;
    Ok(Outcome { status: ending.map_or(0, Ending::exit_status), ..outcome })
}

/// A run under way.
struct Run<'a> {
    options: &'a Options,
    kernel: Kernel,
    watch: Watch,
    traced: Traced,
    /// How a launched target ended.
    ending: Option<Ending>,
    /// Interpreters that have probes, by device and inode.
    hooked: BTreeSet<(u64, u64)>,
    /// Processes whose calls are counted, with their interpreters.
    counted: BTreeSet<(u32, u64, u64)>,
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
            let wake = [due, deadline].into_iter().flatten().min().unwrap_or(u64::MAX);
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

    /// Takes the kernel side away, and waits for a launched target that outlives the time it was to be traced.
    fn detach_and_wait(self, signals: &Signals) -> Result<Option<Ending>, Failure> {
        drop(self.kernel);
        let (Traced::Launched(target), None) = (&self.traced, self.ending) else { return Ok(self.ending) };
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

    /// Sleeps until something happens, `longest` at most.
    fn sleep(&self, signals: &Signals, longest: Duration) -> Result<(), Failure> {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut waited = vec![readable(self.kernel.events_fd()), readable(signals.as_fd())];
        if let Traced::Launched(target) = &self.traced {
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
            let taken = self.kernel.drain(BATCH, |bytes| {
                self.watch.read_ahead(bytes);
                records.push(Kept::new(bytes));
            });
            for record in &records {
                self.watch.take(record.bytes());
            }
            if taken < BATCH {
                break;
            }
        }
        self.obey();
    }

    /// Does what the watch wants of the kernel side. A refusal costs some facts, never the run.
    fn obey(&mut self) {
        for ask in self.watch.asks() {
            let done = match ask {
                Ask::Configure(pid, config) => self.kernel.trace(pid, &config).map_err(anyhow::Error::from),
                Ask::Plan(program, plans) => self.kernel.plan(program, &plans).map_err(anyhow::Error::from),
                Ask::Forget(pid) => {
                    self.kernel.forget(pid);
                    self.kernel.unhook_calls(pid);
                    self.counted.retain(|(counted, _, _)| *counted != pid);
                    Ok(())
                }
                Ask::Hook(build) => self.hook(&build),
                Ask::Count(pid, build) => self.count(pid, &build),
            };
            if let Err(refused) = done {
                tracing::info!("{refused:#}");
                self.watch.lose("kernel_refusal");
            }
        }
    }

    /// Reports the end of interpreters of this build, once for each file. Where that cannot be had, what the
    /// last look before it found is all that is known, and the artifact says so.
    fn hook(&mut self, build: &Build) -> anyhow::Result<()> {
        let file = build.elf.file().metadata()?;
        if !self.hooked.insert((file.dev(), file.ino())) {
            return Ok(());
        }
        let milestones = build.milestones();
        let hooked = if milestones.ends.is_empty() {
            Err(anyhow::anyhow!("the interpreter exports none of the functions that begin its end"))
        } else {
            self.kernel.hook_milestones(&build.open_path(), &milestones).map_err(anyhow::Error::from)
        };
        hooked.inspect_err(|refused| {
            self.watch.end_is_unseen(&one_line(refused.as_ref()));
        })
    }

    /// Counts the calls of a process, once for each interpreter that it runs. Where they cannot be seen, those on
    /// sampled stacks are all that is known, and the artifact says so.
    fn count(&mut self, pid: u32, build: &Build) -> anyhow::Result<()> {
        let file = build.elf.file().metadata()?;
        if !self.counted.insert((pid, file.dev(), file.ino())) {
            return Ok(());
        }
        let hooked = build.call_sites().map_err(|why| anyhow::anyhow!("{why}")).and_then(|sites| {
            self.kernel.hook_calls(pid, &build.open_path(), sites).map_err(anyhow::Error::from)
        });
        hooked.inspect_err(|refused| self.watch.calls_are_unseen(&one_line(refused.as_ref())))
    }

    /// Looks at what became of a launched target.
    fn target_events(&mut self) -> Result<Next, Failure> {
        loop {
            let Traced::Launched(target) = &self.traced else { return Ok(Next::GoOn) };
            let pid = self.traced.pid();
            match target.next_event() {
                None => return Ok(Next::GoOn),
                Some(Event::Exec(held)) => {
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
                Traced::Attached(_) => return Ok(Next::End),
                Traced::Launched(target) if signal.is_for_target() => target.forward(signal),
                Traced::Launched(_) => {}
            }
        }
        Ok(Next::GoOn)
    }

    /// Whether a process that was attached to is gone.
    fn has_ended(&self) -> bool {
        match &self.traced {
            Traced::Attached(process) => !process.is_alive(),
            Traced::Launched(_) => false,
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
