use super::*;
use molt_mpa::model::ModuleKind;
use molt_mpa::redact::Policy;

fn attribute(module: &str, name: &str) -> Attribute {
    Attribute { module: module.to_owned(), name: name.to_owned() }
}

fn section(mutations: &Mutations) -> BTreeMap<String, Module> {
    let module = Module {
        kind: ModuleKind::Py,
        file: None,
        origin: None,
        source_sha256: None,
        replaced_by: None,
        mutations: Vec::new(),
    };
    let mut section = BTreeMap::from([("app".to_owned(), module.clone()), ("__main__".to_owned(), module)]);
    mutations.fill(&mut section, &Tally::default(), &mut Redactor::new(Policy::Hash, None));
    section
}

fn facts(section: &BTreeMap<String, Module>, module: &str) -> Vec<(String, MutationKind, Observation, u64)> {
    let of = |found: &ModuleMutation| (found.attr.clone(), found.kind, found.observation, found.count);
    section[module].mutations.iter().map(of).collect()
}

/// How often an attribute was set where there was none follows from what was there before and after.
#[test]
fn additions_and_rebindings_follow_from_both_ends() {
    use MutationKind::{Add, Delete, Rebind};
    type Counts = &'static [(MutationKind, u64)];
    let cases: [(bool, bool, u64, u64, Counts); 5] = [
        (false, true, 3, 0, &[(Add, 1), (Rebind, 2)]),
        (true, true, 3, 0, &[(Rebind, 3)]),
        // Patched and put back: deleted, and set where there was none.
        (true, true, 1, 1, &[(Add, 1), (Delete, 1)]),
        (false, false, 2, 2, &[(Add, 2), (Delete, 2)]),
        (true, false, 0, 1, &[(Delete, 1)]),
    ];
    for (before, after, sets, deletes, want) in cases {
        let mut mutations = Mutations::default();
        let name = attribute("app", "x");
        assert!(mutations.begin(&name, Some(before)));
        mutations.assigned(&name, None, false, sets);
        mutations.assigned(&name, None, true, deletes);
        mutations.end(&name, after);
        let want: Vec<_> =
            want.iter().map(|(kind, count)| ("x".to_owned(), *kind, Observation::Exact, *count)).collect();
        assert_eq!(facts(&section(&mutations), "app"), want);
    }
}

/// What was counted is not told again by looks, and the main module's own body is no mutation.
#[test]
fn looks_tell_what_was_not_counted() {
    let mut mutations = Mutations::default();
    mutations.begin(&attribute("app", "counted"), Some(true));
    mutations.assigned(&attribute("app", "counted"), None, false, 1);
    for (module, name) in [("app", "counted"), ("app", "counter"), ("__main__", "i"), ("gone", "x")] {
        assert!(mutations.compared(attribute(module, name), Change::Rebound));
    }
    let section = section(&mutations);
    assert_eq!(
        facts(&section, "app"),
        [
            ("counted".to_owned(), MutationKind::Rebind, Observation::Exact, 1),
            ("counter".to_owned(), MutationKind::Rebind, Observation::Sampled, 1)
        ]
    );
    assert_eq!(facts(&section, "__main__"), []);
}
