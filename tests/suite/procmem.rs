//! What molt sees without privileges, by reading memory.
use molt_mpa::model::{Artifact, Backend, Mode, Section, Status};

use super::{shares, truth};
use crate::support::artifact::trace_unprivileged;
use crate::support::program::{PROGRAMS, script};
use crate::support::pythons::Interpreter;
use crate::support::truth::Truth;

/// As fast as stacks are read here, to have many of them.
const RATE: &str = "4999";
/// Of the stacks that are kept, less than one in so many may be one that the program never had.
const ONE_IN: u64 = 1_000;

/// Every call on a stack is one that the oracle saw as well, but for less than one stack in a thousand. An edge that
/// the oracle's one run did not make by chance is not made in each of two.
pub(crate) fn stacks_read_from_outside_are_possible(python: &Interpreter) {
    let tight = script("tight");
    let (mut kept, mut torn, mut impossible, mut said) = (0, 0, 0, Vec::new());
    for program in PROGRAMS.iter().chain([&tight]) {
        let seconds = if program.name == tight.name { "2" } else { "0.4" };
        let (truth, plain) = Truth::of(python, program);
        let (artifact, traced) = trace_unprivileged(&["-F", RATE], python, program, seconds);
        assert_eq!(traced.stdout, plain.stdout, "the traced program printed something else");
        assert!(traced.stderr.contains("without eBPF") && traced.stderr.contains("CAP_"), "{}", traced.stderr);
        check_sections(&artifact);
        let samples = artifact.collector.samples.unwrap();
        kept += samples.kept;
        torn += samples.torn;
        let faults = truth::impossible_calls(&artifact, &truth);
        impossible += faults.iter().map(|(_, count)| count).sum::<u64>();
        eprintln!("{} {:?} {}", program.name, samples, faults.iter().map(|(_, count)| count).sum::<u64>());
        said.extend(faults.into_iter().map(|(fault, count)| format!("{}: {count} times: {fault}", program.name)));
    }
    eprintln!("{} {kept} {torn} {impossible}", python.name);
    let said = said.join("\n  ");
    assert!(impossible * ONE_IN < kept, "{impossible} of {kept} stacks are impossible, {torn} were torn\n  {said}");
}

/// What is seen is sampled; what needs probes says why it is missing.
fn check_sections(artifact: &Artifact) {
    let collector = &artifact.collector;
    assert_eq!((collector.backend, collector.mode), (Backend::Procmem, Mode::Sample));
    for section in [Section::Hotspots, Section::Symbols, Section::CallSites] {
        assert_eq!(collector.sections[section.name()].status, Status::Sampled, "{section:?}");
    }
    for section in [Section::CallCounts, Section::CallSitesSignatures, Section::SymbolsExceptions, Section::Containers] {
        let state = &collector.sections[section.name()];
        assert_eq!(state.status, Status::Unavailable, "{section:?}");
        assert!(state.reason.as_deref().is_some_and(|reason| reason.contains("procmem")), "{state:?}");
    }
}

/// Each function of shares.py gets the share that its own clock gave it.
pub(crate) fn shares_read_from_outside_are_within_three_points(python: &Interpreter) {
    shares::check(&trace_unprivileged(&["-F", "999"], python, &script("shares"), "3").0);
}
