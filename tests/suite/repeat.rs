//! Two artifacts of one deterministic program.
use std::collections::BTreeMap;

use molt_mpa::model::{Artifact, CallSite, Module};

use crate::support::artifact::trace;
use crate::support::program::{How, Program};
use crate::support::pythons::Interpreter;

/// Two artifacts are equal but for times and what depends on which instants were sampled.
pub(crate) fn two_runs_differ_only_where_they_may(python: &Interpreter) {
    let program = Program { name: "package", how: How::Module };
    let (first, _) = trace(python, &program);
    let (second, _) = trace(python, &program);
    assert_eq!(first.header.python_version, second.header.python_version);
    assert_eq!(first.header.platform, second.header.platform);
    let (one, other) = (&first.header.run_metadata, &second.header.run_metadata);
    assert_eq!(one.entrypoint, "package:__main__");
    assert_eq!(one.entrypoint, other.entrypoint);
    assert_eq!(one.argv, other.argv);
    assert_eq!(one.env_fingerprint, other.env_fingerprint, "environment");
    assert_eq!(one.inputs_fingerprint, other.inputs_fingerprint, "inputs");
    assert_eq!(first.collector.sections, second.collector.sections);
    assert_eq!(first.redactions, second.redactions);
    // What looks tell of changes depends on when they come.
    let modules = |artifact: &Artifact| -> BTreeMap<String, Module> {
        let plain = |(name, module): (&String, &Module)| {
            (name.clone(), Module { mutations: Vec::new(), ..module.clone() })
        };
        artifact.modules.iter().map(plain).collect()
    };
    assert_eq!(modules(&first), modules(&second));
    for (name, symbol) in &first.symbols {
        if let Some(again) = second.symbols.get(name) {
            assert_eq!((symbol.kind, &symbol.file), (again.kind, &again.file), "{name}");
            // Two code objects may share a name, and either may be missed by the samples.
            assert!(symbol.codes.iter().any(|code| again.codes.contains(code)), "{name}");
        }
    }
    let sites =
        |artifact: &Artifact| -> BTreeMap<_, _> { artifact.call_sites.iter().map(site_facts).collect() };
    let again = sites(&second);
    let common = sites(&first).into_iter().filter_map(|(id, facts)| Some((facts, again.get(&id)?.clone())));
    let mut compared = 0;
    for (site, other) in common {
        assert_eq!(site, other);
        compared += 1;
    }
    assert!(compared > 0, "no call site was seen in both runs");
}

/// What of a call site does not depend on the samples.
fn site_facts(site: &CallSite) -> ((String, String), (String, u32, Option<u32>)) {
    ((site.id.to_string(), site.caller.clone()), (site.file.clone(), site.line, site.col))
}
