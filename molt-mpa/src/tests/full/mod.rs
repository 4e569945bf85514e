//! An artifact in which every field of every type has a value, and every enum has each of its variants
//! somewhere.
use std::time::{Duration, UNIX_EPOCH};

use crate::ids::{Sha256Hash, env_fingerprint, inputs_fingerprint};
use crate::model::{
    Arch, Artifact, Backend, CollectionTime, Collector, EventKind, Header, Mode, Os, Overhead, Platform,
    Process, ProcessRole, RunMetadata, Samples, Section, SectionState, Window,
};
use crate::quantity::{Millis, Share};
use crate::redact::{Category, Policy, Redactor};

mod events;
mod sections;

/// A sound artifact with everything in it, under the policy that keeps data, since only that one has `expr`.
pub(crate) fn full() -> Artifact {
    let mut redactor = Redactor::new(Policy::None, None);
    let mut artifact = Artifact::new(header(&mut redactor), collector());
    sections::add_modules(&mut artifact);
    sections::add_symbols(&mut artifact);
    sections::add_call_sites(&mut artifact);
    sections::add_types(&mut artifact);
    sections::add_containers(&mut artifact, &mut redactor);
    sections::add_hotspots(&mut artifact);
    events::add_events(&mut artifact, &mut redactor);
    artifact.redactions = redactor.summary();
    artifact.redactions.counts.insert(Category::Path.name().to_owned(), 0);
    artifact.call_counts.insert("app.f".to_owned(), 70);
    artifact.branch_counts.insert("app.f:3:taken".to_owned(), 5);
    artifact.loop_counts.insert("app.f:4".to_owned(), 9);
    artifact.normalize();
    artifact
}

/// The same under the default policy.
pub(crate) fn hashed() -> Artifact {
    let mut redactor = Redactor::new(Policy::Hash, None);
    let mut artifact = full();
    for argument in &mut artifact.header.run_metadata.argv {
        *argument = redactor.redact(Category::Argv, argument);
    }
    for event in &mut artifact.events {
        if let EventKind::Exec { program: Some(program), .. } = &mut event.what {
            *program = redactor.redact(Category::Path, program);
        }
        if let EventKind::Audit { arguments, .. } = &mut event.what {
            for value in arguments.iter_mut().filter_map(|argument| argument.value.as_mut()) {
                *value = redactor.redact(Category::AuditArgument, value);
            }
        }
    }
    for dict in artifact.containers.values_mut().filter_map(|container| container.dict.as_mut()) {
        for key in dict.key_sets.iter_mut().flat_map(|set| &mut set.keys) {
            *key = redactor.redact(Category::DictKey, key);
        }
    }
    artifact.call_sites.iter_mut().for_each(|site| site.expr = None);
    artifact.redactions = redactor.summary();
    artifact.normalize();
    artifact
}

fn header(redactor: &mut Redactor) -> Header {
    let run_metadata = RunMetadata {
        entrypoint: "app.py".to_owned(),
        argv: ["app.py", "--out", "/home/alice/out"]
            .map(|argument| redactor.redact(Category::Argv, argument))
            .to_vec(),
        env_fingerprint: env_fingerprint([("LANG", "C.UTF-8")]),
        inputs_fingerprint: inputs_fingerprint([("app.py", Sha256Hash::of(b"pass\n"))]),
        duration_ms: Duration::from_millis(1_500).into(),
        gc: Some(CollectionTime::of(Millis::from_micros(20_100), Some(Millis::from_micros(1_400_123)))),
    };
    let platform = Platform { os: Os::Linux, arch: Arch::Arm64 };
    Header::cpython("3.13.5", platform, run_metadata, UNIX_EPOCH)
}

fn collector() -> Collector {
    let mut collector = Collector::new(Backend::Ebpf, Mode::Windows);
    collector.sample_hz = Some(99);
    collector.samples =
        Some(Samples { taken: 9, kept: 6, cut: 1, torn: 1, not_python: 1, lost: 1, unresolved: 1 });
    collector.overhead = Some(Overhead {
        budget: Some(Share::of(1, 100)),
        spent: Some(Share::of(1, 300)),
        target_cpu_ms: Some(Millis::from_micros(1_400_123)),
    });
    collector.coverage = Some(Share::of(9, 10));
    collector.windows =
        vec![Window { start_ms: Millis::from_micros(10_500), duration_ms: Millis::from_micros(900) }];
    let process = |role, parent| Process {
        role,
        parent,
        python_version: Some("3.13.5".to_owned()),
        free_threaded: Some(false),
        samples: 3,
        looked_before_end_ms: parent.map(|_| Millis::from_micros(900_000)),
    };
    collector.processes = vec![
        process(ProcessRole::Main, None),
        process(ProcessRole::Fork, Some(0)),
        process(ProcessRole::Exec, Some(1)),
    ];
    for section in Section::ALL {
        collector.set(section, SectionState::complete());
    }
    collector.set(Section::Symbols, SectionState::sampled("functions that no sample met are missing"));
    collector.set(Section::Types, SectionState::partial("types of process 2 were not read"));
    collector.lose("ring_full", 2);
    collector.dropped.insert(Section::Events.name().to_owned(), 4);
    collector
}
