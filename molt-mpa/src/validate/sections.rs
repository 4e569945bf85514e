//! What the collector says of the sections, and numbers that must fit each other.
use super::Findings;
use super::place::{self, Step};
use crate::model::{Artifact, CollectionTime, EventKind, LengthRange, Section, Status};

pub(super) fn check(artifact: &Artifact, findings: &mut Findings) {
    for section in Section::ALL {
        let state = artifact.collector.sections.get(section.name());
        if state.is_some_and(|state| state.status == Status::Unavailable) && !section.is_empty_in(artifact) {
            findings.add(
                || place::of(&[Step::Key("collector"), Step::Key("sections"), Step::Key(section.name())]),
                || "section is unavailable, yet holds something".to_owned(),
            );
        }
    }
    check_samples(artifact, findings);
    check_times(artifact, findings);
    check_collections(artifact, findings);
    for (name, container) in &artifact.containers {
        let elements = [&container.list, &container.tuple, &container.set].into_iter().flatten();
        let lengths = container.dict.iter().map(|dict| dict.length).chain(elements.map(|facts| facts.length));
        if lengths.into_iter().any(|LengthRange { min, max }| min > max) {
            let path = || place::of_entry("containers", name);
            findings.add(path, || "length has a min above its max".to_owned());
        }
    }
}

fn check_samples(artifact: &Artifact, findings: &mut Findings) {
    let Some(samples) = artifact.collector.samples else { return };
    for (name, part, whole_name, whole) in [
        ("kept", samples.kept, "taken", samples.taken),
        ("cut", samples.cut, "kept", samples.kept),
        ("unresolved", samples.unresolved, "kept", samples.kept),
    ] {
        if part > whole {
            findings.add(
                || format!(".collector.samples.{name}"),
                || format!("{part} are more than the {whole} that were {whole_name}"),
            );
        }
    }
}

/// Events can be dropped, so that those that are there take no more time than all.
fn check_collections(artifact: &Artifact, findings: &mut Findings) {
    let Some(gc) = artifact.header.run_metadata.gc else { return };
    let micros = artifact.events.iter().map(|event| match event.what {
        EventKind::Gc { duration_ms: Some(lasted), .. } => lasted.as_micros(),
        _ => 0,
    });
    if micros.fold(0, u64::saturating_add) > gc.time_ms.as_micros() {
        findings.add(
            || ".run_metadata.gc.time_ms".to_owned(),
            || "collections in events took longer than that".to_owned(),
        );
    }
    let cpu_ms = artifact.collector.overhead.and_then(|overhead| overhead.target_cpu_ms);
    if gc != CollectionTime::of(gc.time_ms, cpu_ms) {
        findings.add(
            || ".run_metadata.gc.share".to_owned(),
            || "is not the share of collector.overhead.target_cpu_ms".to_owned(),
        );
    }
}

fn check_times(artifact: &Artifact, findings: &mut Findings) {
    for (index, row) in artifact.hotspots.iter().enumerate() {
        if row.time_ms > row.total_ms {
            findings
                .add(|| format!(".hotspots[{index}].time_ms"), || "self time is above total_ms".to_owned());
        }
    }
    // A row with native is part of another row. Other writers round shares to the nearest millionth.
    let rows = || artifact.hotspots.iter().filter(|row| row.native.is_none());
    let sum = rows().fold(0_u64, |sum, row| sum.saturating_add(row.score.as_millionths()));
    if sum > 1_000_000 + rows().count() as u64 / 2 {
        findings.add(|| ".hotspots".to_owned(), || format!("scores add up to {sum} millionths"));
    }
}
