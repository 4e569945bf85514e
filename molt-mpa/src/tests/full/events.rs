//! One event of each kind.
use crate::model::{Artifact, AuditArgument, Event, EventKind};
use crate::quantity::Millis;
use crate::redact::{Category, Redactor};

/// One event of each kind.
pub(super) fn add_events(artifact: &mut Artifact, redactor: &mut Redactor) {
    let kinds = [
        EventKind::ProcessStart { parent: Some(0) },
        EventKind::Exec {
            program: Some(redactor.redact(Category::Path, "/usr/bin/python3")),
            python_version: Some("3.13.5".to_owned()),
        },
        EventKind::ThreadStart { thread: 0 },
        EventKind::Import {
            module: "json".to_owned(),
            duration_ms: Some(Millis::from_micros(1_234)),
            self_ms: Some(Millis::from_micros(234)),
            succeeded: Some(true),
        },
        EventKind::Audit {
            event: "open".to_owned(),
            symbol: Some("app.f".to_owned()),
            arguments: vec![AuditArgument {
                type_name: "str".to_owned(),
                value: Some(redactor.redact(Category::AuditArgument, "/etc/app.conf")),
            }],
        },
        EventKind::Gc {
            generation: 2,
            collected: Some(5),
            collections: Some(3),
            duration_ms: Some(Millis::from_micros(77)),
        },
        EventKind::WindowOpen,
        EventKind::WindowClose,
        EventKind::Loss { cause: "ring_full".to_owned(), count: 2 },
        EventKind::Signal { signal: "SIGRTMIN+1".to_owned() },
        EventKind::ThreadEnd { thread: 0 },
        EventKind::ProcessEnd { status: Some(-1) },
    ];
    for (at, what) in (1..).zip(kinds) {
        artifact.events.push(Event { t_ms: Millis::from_micros(at * 500), process: Some(1), what });
    }
}
