//! Imports and collections of garbage, against what the interpreter itself tells in the same run.
use std::collections::BTreeSet;

use molt_mpa::model::{Artifact, EventKind, Section, Status};
use molt_mpa::quantity::Millis;

use crate::support::artifact::trace_exact;
use crate::support::program::{Program, script};
use crate::support::pythons::Interpreter;

const PROGRAM: Program = script("happenings");
/// A package from which the program imports a module.
const BOTH: &str = "email.mime";

/// Every import of the program has its event, in the order in which the interpreter got the modules: but for the ways
/// that pass neither probe nor event. A module that is not there is imported without success. Collections of garbage
/// have taken as long as the interpreter says, where their ends are seen.
pub(crate) fn imports_and_collections_are_as_they_were(python: &Interpreter) {
    let (artifact, traced) = trace_exact(python, &PROGRAM);
    let told = |what: &str| -> Vec<&str> {
        traced.stdout.lines().filter_map(|line| line.strip_prefix(what)).map(str::trim).collect()
    };
    // Without USDT probes.
    let bare = python.name.starts_with("pyenv");
    imports_are_in_order(&artifact, &told("module"), bare);
    let events = &artifact.collector.sections[Section::Events.name()];
    assert_eq!(events.status, Status::Partial);
    assert!(events.reason.as_ref().is_some_and(|reason| reason.contains("import_module")), "{events:?}");
    let took_ms: f64 = told("collected")[0].parse().unwrap();
    collections_took(&artifact, (!bare).then_some(took_ms));
}

fn imports_are_in_order(artifact: &Artifact, new: &[&str], bare: bool) {
    let imports = artifact.events.iter().filter_map(|event| match &event.what {
        EventKind::Import { module, duration_ms, self_ms, succeeded } => {
            assert!(self_ms <= duration_ms);
            Some((event.t_ms, module.as_str(), duration_ms, succeeded))
        }
        _ => None,
    });
    let (mut ended, mut missing) = (Vec::new(), None);
    for (began, module, duration, succeeded) in imports {
        if module == "molt_no_such_module" {
            missing = Some(*succeeded);
        } else if bare && module == BOTH {
            // It ends with the statement, which gets another module from this one.
        } else if new.contains(&module) {
            assert_eq!(*succeeded, Some(true), "{module}");
            ended.push((began.as_micros() + duration.unwrap().as_micros(), module));
        }
    }
    assert_eq!(missing, Some(Some(false)));
    // A module moves to the end of `sys.modules` when its body has run (`_load_unlocked` in
    // `Lib/importlib/_bootstrap.py`).
    ended.sort_by_key(|(end, _)| *end);
    let seen: Vec<&str> = ended.into_iter().map(|(_, module)| module).collect();
    // The packages above a module that is named, a module that is got `from` its package, and what was imported by
    // `importlib`.
    let passes_unseen = |name: &str| {
        let below = format!("{name}.");
        name.contains('.') || name == "wave" || new.iter().any(|other| other.starts_with(&below))
    };
    let is_seen: BTreeSet<&str> = seen.iter().copied().collect();
    let expected: Vec<&str> =
        new.iter().copied().filter(|name| is_seen.contains(name) || !passes_unseen(name)).collect();
    assert_eq!(seen, expected);
    assert!(["colorsys", "json", "csv", "decimal", "sched"].iter().all(|name| is_seen.contains(name)));
    assert!(!is_seen.contains("wave"));
}

/// How often the program collects garbage.
const COLLECTIONS: usize = 3;

/// `took_ms`: how long, where that can be seen.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn collections_took(artifact: &Artifact, took_ms: Option<f64>) {
    let collections = artifact.events.iter().filter_map(|event| match &event.what {
        EventKind::Gc { collected, duration_ms, .. } => {
            Some((*collected, duration_ms.map(Millis::as_micros)))
        }
        _ => None,
    });
    let (mut garbage, mut micros) = (0, Vec::new());
    for (collected, lasted) in collections {
        garbage += collected.unwrap_or(0);
        micros.extend(lasted);
        assert_eq!(lasted.is_some(), took_ms.is_some());
    }
    assert!(garbage >= 3, "{garbage} objects");
    let gc = artifact.header.run_metadata.gc;
    let Some(took_ms) = took_ms else { return assert_eq!(gc, None) };
    let gc = gc.unwrap();
    // The interpreter's own at the start and the end are short.
    micros.sort_unstable();
    let seen_ms = micros.iter().rev().take(COLLECTIONS).sum::<u64>() as f64 / 1e3;
    assert!((0.7..1.02).contains(&(seen_ms / took_ms)), "{seen_ms} ms, {took_ms} ms");
    assert!(gc.time_ms.as_micros() >= micros.iter().sum::<u64>());
    assert!(gc.share.is_some_and(|share| share.as_millionths() > 0));
}
