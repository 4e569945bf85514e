//! `molt trace`: what is typed, and what is said before, while and after.

use super::awaited::AwaitedArguments;
use super::held::HeldArguments;
use super::summary::{self, StatusLine};
use super::units::{parse_budget, parse_duration};
use super::{exit, message};
use crate::trace::{Choice, Failure, Notice, Observe, Options, Target, output};
use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use molt_mpa::ids::Sha256Hash;
use molt_mpa::quantity::Share;
use molt_mpa::redact::{Policy, Salt};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Traces a program and writes what it did as a Molt Profile Artifact.
///
/// The program is started under molt (after --), or a running one is attached to (--pid). It is not changed
/// and need not cooperate. What seeing its calls may cost it is told by --budget; sampling costs it well under one
/// percent of its time.
#[derive(Debug, Args)]
#[command(after_help = super::AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is there or not")]
pub(super) struct TraceArguments {
    /// Where to write the artifact; - is standard output [default: molt_profile.json]
    ///
    /// {pid} in it is the process's id, {seq} the number of one of many. With --split and --every both are in the
    /// default as well: molt_profile-{pid}-{seq}.json.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,

    /// Write an artifact each time that so much time has passed, such as 60s, and go on
    ///
    /// Each is complete in itself, and about what was seen since the one before it. Needs {seq} in --output.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    every: Option<Duration>,

    /// Write an artifact for each process instead of one for all
    ///
    /// Needs {pid} in --output.
    #[arg(long)]
    split: bool,

    /// Samples per second of CPU time, 1 to 10000
    ///
    /// Each costs the program a few microseconds: 99 is far below what can be measured, 1000 is about half a
    /// percent.
    #[arg(short = 'F', long, value_name = "HZ", default_value_t = 99,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    frequency: u32,

    /// What sees the program
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    backend: Backend,

    /// How calls are observed
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    mode: Mode,

    /// What mode auto may cost the program, in percent of its CPU time; 0 is sampling alone
    ///
    /// A program that makes few calls is seen exactly from beginning to end. One that makes many is after its first
    /// moments seen exactly in windows at random times, as many as this buys, and its calls are estimated from them.
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = parse_budget)]
    budget: Share,

    /// Open windows at the same random times as another run with this seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Attach to the running process PID, or to several, instead of starting a command; may be repeated
    #[arg(long, value_name = "PID", num_args = 1.., conflicts_with = "command",
          value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pid: Vec<u32>,

    /// Attach to every Python in this control group, those that begin later as well
    ///
    /// A folder of the cgroup file system, or a name as in /proc/PID/cgroup, such as /system.slice/app.service.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["command", "pid"])]
    cgroup: Option<PathBuf>,

    /// Attach to every Python on this machine, those that begin later as well
    #[arg(long, conflicts_with_all = ["command", "pid", "cgroup"])]
    all_python: bool,

    /// Trace children as well, those that are there already too (the default)
    #[arg(long, overrides_with = "no_follow")]
    follow: bool,

    /// Trace no children
    #[arg(long, overrides_with = "follow")]
    no_follow: bool,

    #[command(flatten)]
    awaited: AwaitedArguments,

    #[command(flatten)]
    held: HeldArguments,

    /// Stop after this long, such as 10s, 500ms or 2m; without it, when the program ends
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,

    /// Run the command as this user: a name, UID or UID:GID
    ///
    /// Without it, a command started through sudo runs as the user who called sudo.
    #[arg(long, value_name = "USER", conflicts_with_all = ["pid", "cgroup", "all_python"])]
    user: Option<String>,

    /// What becomes of strings from the program's data, such as its arguments
    #[arg(long, value_enum, default_value_t = Redaction::Hash)]
    redact: Redaction,

    /// Key the hashes with this file's bytes, so that nobody without it can guess what was hashed
    #[arg(long, value_name = "PATH")]
    redact_salt_file: Option<PathBuf>,

    /// Count this file among the run's inputs (inputs_fingerprint); may be repeated
    #[arg(long, value_name = "PATH")]
    input: Vec<PathBuf>,

    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,

    /// The command to run and its arguments
    #[arg(last = true, value_name = "COMMAND",
          required_unless_present_any = ["pid", "cgroup", "all_python", "wait_for", "wait_for_cmdline"])]
    command: Vec<OsString>,
}

/// `--backend`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Backend {
    /// ebpf where it can be used, else procmem
    Auto,
    /// The kernel, which sees every call; needs privileges
    Ebpf,
    /// molt itself, by reading the program's memory while it runs; sees sampled stacks, of programs that it may read
    Procmem,
}

impl From<Backend> for Choice {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Auto => Choice::Auto,
            Backend::Ebpf => Choice::Ebpf,
            Backend::Procmem => Choice::Procmem,
        }
    }
}

/// `--mode`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Every call as long as the budget lasts, and those on sampled stacks
    Auto,
    /// Every call, whatever it costs
    Exact,
    /// Those on sampled stacks
    Sample,
}

/// `--redact`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Redaction {
    /// Replace each by its SHA-256
    Hash,
    /// Replace all by one fixed text
    Drop,
    /// Keep them
    None,
}

impl From<Redaction> for Policy {
    fn from(redaction: Redaction) -> Self {
        match redaction {
            Redaction::Hash => Policy::Hash,
            Redaction::Drop => Policy::Drop,
            Redaction::None => Policy::None,
        }
    }
}

pub(super) fn run(arguments: TraceArguments) -> ExitCode {
    let quiet = arguments.quiet;
    let many = arguments.split || arguments.every.is_some();
    let mut status = StatusLine::new(quiet);
    let mut notify = |notice| match notice {
        Notice::Progress(progress) => {
            if let Some(status) = &mut status {
                status.show(progress);
            }
        }
        Notice::Written(_) if quiet => {}
        Notice::Written(written) => {
            let lines = if many { vec![summary::line(&written)] } else { summary::lines(&written) };
            let say = || lines.iter().for_each(|line| message::say(line));
            match &status {
                Some(status) => status.aside(say),
                None => say(),
            }
        }
    };
    let done = options(arguments).and_then(|options| crate::trace::run(&options, &mut notify));
    if let Some(status) = status {
        status.end();
    }
    match done {
        Ok(outcome) => {
            if !quiet {
                for line in outcome.remarks {
                    message::say(&line);
                }
            }
            exit::code(outcome.status)
        }
        Err(failure) => {
            message::say_failure(&failure.error, &failure.advice);
            exit::code(failure.status)
        }
    }
}

/// What was typed, checked and read.
fn options(arguments: TraceArguments) -> Result<Options, Failure> {
    let salt = arguments.redact_salt_file.as_deref().map(read_salt).transpose()?;
    if salt.is_some() && !matches!(arguments.redact, Redaction::Hash) {
        return Err(anyhow!("--redact-salt-file has no use without --redact hash").into());
    }
    if matches!((arguments.backend, arguments.mode), (Backend::Procmem, Mode::Exact)) {
        return Err(anyhow!("--mode exact needs --backend ebpf").into());
    }
    arguments.held.check(&arguments.pid)?;
    let target = match (arguments.cgroup, arguments.awaited.wait()?) {
        (_, Some(pid)) => Target::Processes(vec![pid]),
        (Some(path), None) => Target::Cgroup(path),
        (None, None) if arguments.all_python => Target::Host,
        (None, None) if !arguments.pid.is_empty() => Target::Processes(arguments.pid),
        (None, None) => Target::Command { argv: arguments.command, user: arguments.user },
    };
    Ok(Options {
        target,
        follow: !arguments.no_follow,
        output: output(arguments.output, arguments.split, arguments.every.is_some())?,
        every: arguments.every,
        split: arguments.split,
        pause_at_exit: arguments.held.pause_at_exit,
        hold: arguments.held.hold,
        frequency: arguments.frequency,
        backend: arguments.backend.into(),
        observe: observe(arguments.mode, arguments.budget, arguments.seed),
        duration: arguments.duration,
        policy: arguments.redact.into(),
        salt,
        inputs: arguments.input.iter().map(|path| hash_input(path)).collect::<anyhow::Result<_>>()?,
    })
}

/// Where artifacts go. Several of them need names that differ.
fn output(asked: Option<PathBuf>, split: bool, every: bool) -> anyhow::Result<PathBuf> {
    let wanted = [(split, "--split", output::PID), (every, "--every", output::SEQUENCE)];
    let mut wanted = wanted.into_iter().filter(|(is_asked, ..)| *is_asked);
    let Some(path) = asked else {
        let words = wanted.map(|(_, _, word)| word);
        let name: Vec<&str> = std::iter::once("molt_profile").chain(words).collect();
        return Ok(format!("{}.json", name.join("-")).into());
    };
    match wanted.find(|(_, _, word)| !output::names(&path, word)) {
        Some((_, flag, word)) => bail!("{flag} writes many artifacts: --output needs {word} in it"),
        None => Ok(path),
    }
}

/// What mode auto does without a budget is to sample.
fn observe(mode: Mode, budget: Share, seed: Option<u64>) -> Observe {
    match mode {
        Mode::Auto if budget == Share::default() => Observe::Sample,
        Mode::Auto => Observe::Auto { budget, seed },
        Mode::Exact => Observe::Exact,
        Mode::Sample => Observe::Sample,
    }
}

fn hash_input(path: &Path) -> anyhow::Result<(String, Sha256Hash)> {
    let bytes = std::fs::read(path).with_context(|| format!("failed to read input {}", path.display()))?;
    Ok((path.to_string_lossy().into_owned(), Sha256Hash::of(&bytes)))
}

fn read_salt(path: &Path) -> anyhow::Result<Salt> {
    let bytes = std::fs::read(path).with_context(|| format!("failed to read salt {}", path.display()))?;
    Salt::new(&bytes).with_context(|| format!("failed to use salt {}", path.display()))
}
