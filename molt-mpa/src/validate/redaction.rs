//! Whether strings of the program's data are what the policy makes of them.
use super::{Findings, place};
use crate::ids::Sha256Hash;
use crate::model::{Artifact, EventKind, Policy};
use crate::redact::DROPPED;

pub(super) fn check(artifact: &Artifact, findings: &mut Findings) {
    let policy = artifact.redactions.policy;
    if policy == Policy::None {
        return;
    }
    let mut expect_redacted = |text: &str, place: &dyn Fn() -> String| {
        let is_redacted = match policy {
            Policy::Hash => text.parse::<Sha256Hash>().is_ok(),
            Policy::Drop => text == DROPPED,
            Policy::None => true,
        };
        if !is_redacted {
            findings.add(place, || "text is not redacted as redactions.policy says".to_owned());
        }
    };
    for (index, argument) in artifact.header.run_metadata.argv.iter().enumerate() {
        expect_redacted(argument, &|| format!(".run_metadata.argv[{index}]"));
    }
    for (index, event) in artifact.events.iter().enumerate() {
        if let EventKind::Exec { program: Some(program), .. } = &event.what {
            expect_redacted(program, &|| format!(".events[{index}].program"));
        }
        if let EventKind::Audit { arguments, .. } = &event.what {
            for value in arguments.iter().filter_map(|argument| argument.value.as_deref()) {
                expect_redacted(value, &|| format!(".events[{index}].arguments"));
            }
        }
    }
    for (name, container) in &artifact.containers {
        let key_sets = container.dict.iter().flat_map(|dict| &dict.key_sets);
        for (index, key) in
            key_sets.enumerate().flat_map(|(index, set)| set.keys.iter().map(move |key| (index, key)))
        {
            expect_redacted(key, &|| {
                format!("{}.dict.key_sets[{index}].keys", place::of_entry("containers", name))
            });
        }
    }
    for (index, site) in artifact.call_sites.iter().enumerate() {
        if site.expr.is_some() {
            findings.add(
                || format!(".call_sites[{index}].expr"),
                || "source text may hold literals and belongs only under the policy none".to_owned(),
            );
        }
    }
}
