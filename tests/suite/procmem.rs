//! What molt sees without privileges, by reading memory.
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use molt_mpa::model::{Artifact, Backend, Mode, ProcessRole, Section, Status};
use nix::sys::signal::Signal;

use super::doctor::Copy;
use super::identity::{self, as_nobody};
use super::{shares, truth};
use crate::support::artifact::{read, trace_unprivileged};
use crate::support::process::{Running, wait_for};
use crate::support::program::script;
use crate::support::pythons::Interpreter;
use crate::support::truth::Truth;

/// As fast as stacks are read here, to have many of them.
const RATE: &str = "4999";
/// Of the stacks that are kept, less than one in so many may be one that the program never had.
const ONE_IN: u64 = 1_000;

/// The programs whose stacks change in different ways.
const CHANGING: [&str; 8] =
    ["recursion", "methods", "closures", "generators", "coroutines", "threads", "callbacks", "deep"];

/// Every call on a stack is one that the oracle saw as well, but for less than one stack in a thousand, and few stacks
/// change while they are read. What is chance is looked for in two runs of the oracle.
pub(crate) fn stacks_read_from_outside_are_possible(python: &Interpreter) {
    let tight = script("tight");
    let (mut kept, mut torn, mut impossible, mut said) = (0, 0, 0, Vec::new());
    for program in CHANGING.map(script).iter().chain([&tight]) {
        let seconds = if program.name == tight.name { "1" } else { "0.2" };
        let (truth, plain) = Truth::of(python, program);
        let (artifact, traced) = trace_unprivileged(&["-F", RATE], python, program, seconds);
        assert_eq!(traced.stdout, plain.stdout, "the traced program printed something else");
        assert!(
            traced.stderr.contains("without eBPF") && traced.stderr.contains("CAP_"),
            "{}",
            traced.stderr
        );
        check_sections(&artifact);
        let samples = artifact.collector.samples.unwrap();
        kept += samples.kept;
        torn += samples.torn;
        let mut faults = truth::impossible_calls(&artifact, &truth);
        if !faults.is_empty() {
            let again = truth::impossible_calls(&artifact, &Truth::of(python, program).0);
            faults.retain(|fault| again.contains(fault));
        }
        impossible += faults.iter().map(|(_, count)| count).sum::<u64>();
        said.extend(
            faults.into_iter().map(|(fault, count)| format!("{}: {count} times: {fault}", program.name)),
        );
    }
    assert!(torn * 20 < kept + torn, "{torn} stacks of {} were torn", kept + torn);
    let said = said.join("\n  ");
    assert!(impossible * ONE_IN < kept, "{impossible} of {kept} stacks are impossible\n  {said}");
}

/// What is seen is sampled; what needs probes says why it is missing.
fn check_sections(artifact: &Artifact) {
    let collector = &artifact.collector;
    assert_eq!((collector.backend, collector.mode), (Backend::Procmem, Mode::Sample));
    for section in [Section::Hotspots, Section::Symbols, Section::CallSites] {
        assert_eq!(collector.sections[section.name()].status, Status::Sampled, "{section:?}");
    }
    for section in
        [Section::CallCounts, Section::CallSitesSignatures, Section::SymbolsExceptions, Section::Containers]
    {
        let state = &collector.sections[section.name()];
        assert_eq!(state.status, Status::Unavailable, "{section:?}");
        assert!(state.reason.as_deref().is_some_and(|reason| reason.contains("procmem")), "{state:?}");
    }
}

/// A user without privileges gets an artifact of a program that they start, and of one that runs already; what is
/// missing and why is said on one line.
pub(crate) fn anybody_may_sample_their_own_programs(python: &Interpreter) {
    assert!(identity::is_for_everyone(python), "no interpreter can be run by other users than root");
    let copy = Copy::new();
    let spin = "while True: sum(range(1000))";
    let target = Running::start(as_nobody().arg(&python.path).args(["-c", spin]).stdin(Stdio::null()));
    // Until its interpreter is mapped it is another program.
    thread::sleep(Duration::from_millis(300));
    let pid = target.pid().to_string();
    let path = python.path.to_str().unwrap();
    for what in [&["--pid", &pid] as &[&str], &["--", path, "-c", spin]] {
        let output = copy.folder().join("profile.json");
        let mut command = as_nobody();
        command
            .arg(copy.molt())
            .args(["trace", "-F", "499", "--duration", "500ms", "-o"])
            .arg(&output)
            .args(what);
        let molt = Running::start(command.stdin(Stdio::null()));
        wait_for("the artifact", || output.exists().then_some(()));
        // What was started outlives the time that it was to be traced.
        molt.signal_group(Signal::SIGTERM);
        let ended = molt.wait();
        let said: Vec<_> = ended.stderr.lines().filter(|line| line.contains("without eBPF")).collect();
        assert!(said.len() == 1 && said[0].contains("CAP_BPF"), "{}", ended.stderr);
        let artifact = read(&output);
        assert_eq!(artifact.collector.backend, Backend::Procmem);
        assert!(artifact.collector.samples.unwrap().kept > 10, "{:?}", artifact.collector.samples);
        fs::remove_file(&output).unwrap();
    }
}

/// Processes that a program makes are found and sampled as well, those that run another Python too.
pub(crate) fn children_are_found(python: &Interpreter) {
    let (artifact, _) = trace_unprivileged(&["-F", "999"], python, &script("children"), "1");
    let roles = |role| artifact.collector.processes.iter().filter(|process| process.role == role).count();
    assert!(
        roles(ProcessRole::Main) == 1 && roles(ProcessRole::Fork) > 0,
        "{:?}",
        artifact.collector.processes
    );
    let sampled = artifact.collector.processes.iter().filter(|process| process.samples > 0).count();
    assert!(sampled > 1, "{:?}", artifact.collector.processes);
}

/// Each function of shares.py gets the share that its own clock gave it.
pub(crate) fn shares_read_from_outside_are_within_three_points(python: &Interpreter) {
    shares::check(&trace_unprivileged(&["-F", "999"], python, &script("shares"), "6").0);
}
