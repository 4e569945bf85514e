//! From what was seen to the written artifact.

use super::begin::caller;
use super::coverage;
use super::failure::Failure;
use super::metadata::header;
use super::source::Findings;
use super::watch::{FirstPython, Watch};
use super::{Observe, Options, Summary, is_stdout, output};
use crate::aggregate::call_counts::call_counts;
use crate::aggregate::call_sites::call_sites;
use crate::aggregate::code::Files;
use crate::aggregate::effort::{self, Windows};
use crate::aggregate::hotspots::hotspots;
use crate::aggregate::sections::{
    AllocationCoverage, Coverage, EffectCoverage, MutationCoverage, Seen, states,
};
use crate::aggregate::symbols::{add_codes, add_effects, symbols};
use anyhow::{Context, Error};
use molt_common::fault::Fault;
use molt_mpa::model::{Artifact, Backend, CollectionTime, Collector, Event, EventKind, Mode, Observation};
use molt_mpa::quantity::Millis;
use molt_mpa::redact::Redactor;
use molt_mpa::write::{Owner, write_file, write_to};
use std::collections::BTreeSet;

/// Makes an artifact of each page and writes it, `sequence` being its number in the run. A page on which no supported
/// Python ran has none. Each is handed to `written`.
pub(super) fn finish(
    options: &Options,
    watch: &mut Watch,
    findings: &Findings,
    sequence: u64,
    written: &mut dyn FnMut(Summary),
) -> Result<(), Failure> {
    let owner = caller()?.map(|user| Owner { uid: user.uid.as_raw(), gid: user.gid.as_raw() });
    let mut paths = BTreeSet::new();
    for page in watch.pages() {
        watch.turn_to(page);
        let Some(python) = watch.first_python.clone() else { continue };
        let artifact = assemble(options, watch, findings, &python)?;
        if is_stdout(&options.output) {
            let bytes = write_to(&artifact, std::io::stdout().lock())
                .context("failed to write to standard output")?;
            written(Summary { artifact, path: None, bytes });
            continue;
        }
        let path =
            output::further(&options.output, python.process.pid, sequence, |path| !paths.contains(path));
        let bytes = write_file(&artifact, &path, owner).map_err(Error::from)?;
        paths.insert(path.clone());
        written(Summary { artifact, path: Some(path), bytes });
    }
    Ok(())
}

fn assemble(
    options: &Options,
    watch: &mut Watch,
    findings: &Findings,
    python: &FirstPython,
) -> Result<Artifact, Failure> {
    let mut redactor = Redactor::new(options.policy, options.salt.clone());
    let files = watch.files();
    let header = header(options, watch, python, &files, &mut redactor)?;
    let mut artifact =
        Artifact::new(header, Collector::new(findings.backend, mode(options.observe, findings.backend)));
    fill(&mut artifact, options, watch, findings, &files, &mut redactor);
    artifact.redactions = redactor.summary();
    artifact.normalize();
    Ok(artifact)
}

/// How the artifact calls what was asked for, as far as the backend can do it.
fn mode(observe: Observe, backend: Backend) -> Mode {
    match observe {
        Observe::Sample => Mode::Sample,
        _ if backend == Backend::Procmem => Mode::Sample,
        Observe::Exact => Mode::Exact,
        Observe::Auto { .. } => Mode::Windows,
    }
}

/// Fills every section that can be filled, and says so of the others.
fn fill(
    artifact: &mut Artifact,
    options: &Options,
    watch: &mut Watch,
    findings: &Findings,
    files: &Files,
    redactor: &mut Redactor,
) {
    let Findings { account, faults, .. } = findings;
    let calls = coverage::calls(options, watch, account, faults);
    let exact_only = calls.seen == Seen::Throughout && watch.has_calls();
    let sites = call_sites(&watch.tally, &watch.calls, exact_only, files, redactor);
    artifact.symbols = symbols(&watch.tally, &watch.calls, files, redactor);
    add_effects(&mut artifact.symbols, &watch.tally, &watch.effects, files, redactor);
    let assigning = (watch.mutations.codes(), Observation::Exact);
    add_codes(&mut artifact.symbols, &watch.tally, assigning, files, redactor);
    let allocating = (watch.allocations.codes(), Observation::Sampled);
    add_codes(&mut artifact.symbols, &watch.tally, allocating, files, redactor);
    artifact.call_counts = call_counts(&artifact.symbols);
    artifact.containers =
        watch.containers.section(Observation::Sampled, &watch.tally, &watch.calls, &sites.ids, redactor);
    artifact.types = watch.types.section(&watch.calls, redactor);
    artifact.call_sites = sites.sites;
    artifact.hotspots = hotspots(&watch.tally, options.frequency);
    watch.allocations.fill(&mut artifact.hotspots, &watch.tally);
    if !watch.modules_seen {
        watch.modules.note_codes(watch.tally.codes());
    }
    artifact.modules = watch.modules.section(files, redactor);
    watch.mutations.fill(&mut artifact.modules, &watch.tally, redactor);
    watch.processes.prune(true);
    artifact.events = std::mem::take(&mut watch.processes.events);
    artifact.events.extend(watch.audit_events(redactor));
    artifact.events.extend(account.windows.iter().flat_map(Windows::events));
    artifact.header.run_metadata.gc =
        watch.collecting().map(|time| CollectionTime::of(time, account.overhead.target_cpu_ms));
    let collector = &mut artifact.collector;
    collector.sample_hz = Some(options.frequency);
    collector.overhead = Some(account.overhead);
    collector.windows = account.windows.as_ref().map(|windows| windows.list().to_vec()).unwrap_or_default();
    collector.coverage = if watch.has_calls() { effort::coverage(&watch.tally, &watch.calls) } else { None };
    collector.processes = watch.processes.list().to_vec();
    collector.other_processes = watch.processes.others;
    for (what, count) in [("processes", watch.processes.unlisted), ("events", watch.processes.events_dropped)]
    {
        if count > 0 {
            collector.dropped.insert(what.to_owned(), count);
        }
    }
    for (fault, count) in faults {
        collector.lose(fault.name(), *count);
    }
    for (cause, count) in watch.loss().chain(watch.types.unlisted()) {
        collector.lose(cause, count);
    }
    collector.lose("unnamed_call_site", sites.unnamed);
    let mut samples = watch.tally.samples;
    samples.lost = faults.iter().find(|(fault, _)| *fault == Fault::RingFull).map_or(0, |(_, count)| *count);
    samples.taken += samples.lost;
    collector.samples = Some(samples);
    let coverage = Coverage {
        sampled: samples.kept > 0,
        modules_seen: watch.modules_seen,
        modules_at_end: watch.modules_at_end,
        modules_cut: watch.loss().any(|(cause, count)| count > 0 && UNLISTED.contains(&cause)),
        types_seen: !artifact.types.is_empty(),
        lost: samples.lost > 0,
        calls,
        effects: effect_coverage(options, watch, findings),
        allocations: allocation_coverage(watch, findings),
        mutations: mutation_coverage(options, watch, &findings.faults),
    };
    for (section, state) in states(&coverage) {
        collector.set(section, state);
    }
    artifact.events.extend(losses(&artifact.collector, artifact.header.run_metadata.duration_ms));
}

/// How far effects, imports and collections were seen.
fn effect_coverage(options: &Options, watch: &Watch, findings: &Findings) -> EffectCoverage {
    let mut seen = watch.effects_seen.clone();
    seen.effects.extend(findings.unwatched.clone());
    let count = |wanted: &[Fault]| -> u64 {
        findings.faults.iter().filter(|(fault, _)| wanted.contains(fault)).map(|(_, count)| count).sum()
    };
    let lost = count(&[Fault::EffectsFull, Fault::UnreadEffect]) + watch.unresolved_effects();
    if lost > 0 {
        seen.effects.insert(format!("{lost} effects could not be told to a function"));
    }
    let lost = count(&[Fault::UnreadHappening]);
    if lost > 0 {
        seen.events.insert(format!("{lost} imports and collections could not be read"));
    }
    if options.target.is_attached() {
        seen.effects.insert(ATTACHED.to_owned());
        seen.events.insert(ATTACHED.to_owned());
    }
    seen
}

/// How far requests of memory were seen.
fn allocation_coverage(watch: &Watch, findings: &Findings) -> AllocationCoverage {
    let mut seen = watch.allocations_seen.clone();
    seen.reasons.extend(findings.unwatched.clone().filter(|_| seen.growth));
    let lost: u64 = findings
        .faults
        .iter()
        .filter(|(fault, _)| [Fault::AllocationsFull, Fault::UnreadAllocation].contains(fault))
        .map(|(_, count)| count)
        .sum();
    if lost > 0 {
        seen.reasons.insert(format!("{lost} requests of memory could not be told to a function"));
    }
    seen
}

/// Causes of loss of whole modules.
const UNLISTED: [&str; 3] = ["unread_module", "unnamed_module", "further_module"];

/// How far changes of modules were seen.
fn mutation_coverage(options: &Options, watch: &Watch, faults: &[(Fault, u64)]) -> MutationCoverage {
    let mut seen = watch.mutations_seen.clone();
    let lost: u64 = faults
        .iter()
        .filter(|(fault, _)| [Fault::MutationsFull, Fault::UnreadMutation].contains(fault))
        .map(|(_, count)| count)
        .sum();
    if lost > 0 {
        seen.reasons.insert(format!("{lost} assignments to modules could not be read"));
    }
    if options.target.is_attached() {
        seen.reasons.insert(ATTACHED.to_owned());
    }
    seen
}

/// What is missing of a process that was attached to.
const ATTACHED: &str = "what had run before molt attached was not seen";

/// One event for each cause of loss, at the end: that is when it was counted.
fn losses(collector: &Collector, at: Millis) -> Vec<Event> {
    let event = |(cause, count): (&String, &u64)| Event {
        t_ms: at,
        process: None,
        what: EventKind::Loss { cause: cause.clone(), count: *count },
    };
    collector.loss.iter().map(event).collect()
}
