use super::*;
use crate::aggregate::calls::Calls;
use crate::aggregate::code::Code;
use crate::aggregate::tally::Tally;
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{Container, DictFacts, KeySet, LengthRange, Observation, SymbolKind};
use molt_mpa::redact::{Policy, Redactor};

/// A program with containers in it.
#[derive(Default)]
struct Run {
    tally: Tally,
    calls: Calls,
    containers: Containers,
}

impl Run {
    fn code(&mut self, first_line: u32) -> CodeId {
        self.tally.intern(Code {
            module: "app".to_owned(),
            qualname: "f".to_owned(),
            file: "app.py".to_owned(),
            first_line,
            hash: None,
            kind: SymbolKind::Function,
            lines: 0,
        })
    }

    fn types(&mut self, names: &[&str]) -> Vec<TypeId> {
        names.iter().map(|name| self.calls.type_id(name)).collect()
    }

    /// A dict with these keys, all of them looked at; a key of another type than str begins with `:`.
    fn dict(&mut self, keys: &[&str], value: &str) -> Look {
        let items = keys
            .iter()
            .map(|key| {
                let key = match key.strip_prefix(':') {
                    Some(name) => Key::Other(self.calls.type_id(name)),
                    None => Key::Str((*key).to_owned()),
                };
                (key, self.calls.type_id(value))
            })
            .collect();
        Look { length: keys.len() as u64, contents: Contents::Dict(items) }
    }

    fn section(&self, sites: &BTreeMap<SiteKey, Sha256Hash>, policy: Policy) -> BTreeMap<String, Container> {
        let mut redactor = Redactor::new(policy, None);
        self.containers.section(Observation::Sampled, &self.tally, &self.calls, sites, &mut redactor)
    }

    /// What the dicts that `f` returned held.
    fn dicts(&self) -> DictFacts {
        self.section(&BTreeMap::new(), Policy::None)["app.f#ret"].dict.clone().unwrap()
    }
}

/// Each kind of place has its key; what stands at a site that has no id is left out.
#[test]
fn places_have_the_names_of_the_format() {
    let mut run = Run::default();
    let f = run.code(2);
    let (here, nowhere) = (SiteKey { caller: f, offset: 4 }, SiteKey { caller: f, offset: 6 });
    let id = Sha256Hash::of(b"here");
    let look = Look { length: 0, contents: Contents::List(Vec::new()) };
    for place in [
        Place::Param(f, "x".to_owned()),
        Place::Returned(f),
        Place::Argument(here, 2),
        Place::Result(here),
        Place::Result(nowhere),
    ] {
        run.containers.add(place, &look);
    }
    let section = run.section(&[(here, id)].into(), Policy::None);
    let mut expected =
        vec!["app.f#param:x".to_owned(), "app.f#ret".to_owned(), format!("{id}#arg:2"), format!("{id}#ret")];
    expected.sort();
    assert_eq!(section.into_keys().collect::<Vec<_>>(), expected);
}

/// Elements add up over the containers of all codes of a name; one that mixes types is enough to be mixed.
#[test]
fn elements_of_one_name_add_up() {
    let mut run = Run::default();
    let codes = [run.code(2), run.code(9)];
    let (ints, text, mixed) = (run.types(&["int", "int"]), run.types(&["str"]), run.types(&["int", "float"]));
    for (code, length, types) in [(codes[0], 2, ints), (codes[1], 900, text)] {
        run.containers.add(Place::Returned(code), &Look { length, contents: Contents::List(types.clone()) });
        run.containers.add(Place::Returned(code), &Look { length, contents: Contents::Tuple(types) });
    }
    run.containers.add(Place::Returned(codes[0]), &Look { length: 2, contents: Contents::Tuple(mixed) });
    let facts = &run.section(&BTreeMap::new(), Policy::None)["app.f#ret"];
    assert_eq!(facts.count, 5);
    assert_eq!((&facts.dict, &facts.set), (&None, &None));
    let list = facts.list.as_ref().unwrap();
    assert_eq!(list.element_types, ["int", "str"]);
    assert!(list.homogeneous, "each list by itself had one type");
    assert_eq!(list.length, LengthRange { min: 2, max: 900 });
    assert_eq!(list.looked_at, 3);
    let tuple = facts.tuple.as_ref().unwrap();
    assert_eq!(tuple.element_types, ["float", "int", "str"]);
    assert!(!tuple.homogeneous);
}

/// Dicts with the same keys are one set, in whatever order; keys that are no str count by their types.
#[test]
fn dicts_are_told_apart_by_their_keys() {
    let mut run = Run::default();
    let place = Place::Returned(run.code(2));
    let looks = [
        run.dict(&["a", "b"], "int"),
        run.dict(&["b", "a"], "str"),
        run.dict(&["a", ":int", ":int"], "str"),
        run.dict(&[":tuple", ":int"], "str"),
        run.dict(&[":int", ":tuple"], "str"),
    ];
    for look in looks {
        run.containers.add(place.clone(), &look);
    }
    let dict = run.dicts();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let set = |keys, key_types, value_types, count| KeySet {
        keys: texts(keys),
        key_types: texts(key_types),
        keys_dropped: 0,
        value_types: texts(value_types),
        count,
    };
    let mut sets = dict.key_sets;
    sets.sort();
    assert_eq!(
        sets,
        [
            set(&[], &["int", "tuple"], &["str"], 2),
            set(&["a"], &["int"], &["str"], 1),
            set(&["a", "b"], &[], &["int", "str"], 2)
        ]
    );
    assert!(!dict.all_keys_str);
    assert_eq!((dict.looked_at, dict.length), (11, LengthRange { min: 2, max: 3 }));
}

/// Of a large dict 64 keys are kept, and the rest counted, whatever its length.
#[test]
fn large_dicts_that_begin_alike_are_one_set() {
    let mut run = Run::default();
    let place = Place::Returned(run.code(2));
    let keys: Vec<String> = (0..70).map(|n| format!("k{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for length in [5_000, 300] {
        let look = Look { length, ..run.dict(&keys, "int") };
        run.containers.add(place.clone(), &look);
    }
    let whole = run.dict(keys.get(..64).unwrap(), "int");
    run.containers.add(place, &whole);
    let dict = run.dicts();
    let sets: Vec<_> =
        dict.key_sets.iter().map(|set| (set.keys.len(), set.keys_dropped, set.count)).collect();
    assert_eq!(sets, [(64, 0, 1), (64, 4_936, 2)]);
    assert!(dict.all_keys_str);
    assert_eq!(dict.looked_at, 3 * 64);
}

/// A program whose dicts are all different must not fill memory, whether by sets or by the keys themselves.
#[test]
fn what_there_is_no_room_for_is_counted() {
    let mut run = Run::default();
    let place = Place::Returned(run.code(2));
    for n in 0..100 {
        let look = run.dict(&[&format!("k{n}")], "int");
        run.containers.add(place.clone(), &look);
    }
    let dict = run.dicts();
    assert_eq!((dict.key_sets.len(), dict.key_sets_dropped), (64, 36));

    let mut run = Run::default();
    let place = Place::Returned(run.code(2));
    let long = "k".repeat(keys::MAX_BYTES);
    for key in [long.as_str(), "short"] {
        let look = run.dict(&[key], "int");
        run.containers.add(place.clone(), &look);
    }
    let dict = run.dicts();
    assert_eq!((dict.key_sets.len(), dict.key_sets_dropped), (1, 1));
    assert_eq!(dict.key_sets[0].keys, ["short"]);
}

/// Types beyond 64 are one.
#[test]
fn very_many_types_are_told_apart_no_further() {
    let mut run = Run::default();
    let place = Place::Returned(run.code(2));
    let names: Vec<String> = (0..100).map(|n| format!("app.T{n:02}")).collect();
    for name in &names {
        let types = run.types(&[name]);
        run.containers.add(place.clone(), &Look { length: 1, contents: Contents::Set(types) });
    }
    let facts = &run.section(&BTreeMap::new(), Policy::None)["app.f#ret"];
    let types = &facts.set.as_ref().unwrap().element_types;
    assert_eq!((types.len(), types[0].as_str(), types[64].as_str()), (65, "...", "app.T63"));
}

/// A place beyond the cap is counted, one that is known goes on.
#[test]
fn places_are_bounded() {
    let mut run = Run::default();
    let f = run.code(2);
    let look = Look { length: 0, contents: Contents::List(Vec::new()) };
    let place = |offset| Place::Result(SiteKey { caller: f, offset });
    for offset in (0..).take(MAX_PLACES + 3) {
        run.containers.add(place(offset), &look);
    }
    run.containers.add(place(0), &look);
    assert_eq!(run.containers.unplaced(), 3);
}

/// Keys are the program's data; types are not.
#[test]
fn keys_are_redacted_and_types_are_not() {
    let mut run = Run::default();
    let place = Place::Returned(run.code(2));
    let look = run.dict(&["password", ":app.Key"], "app.Secret");
    run.containers.add(place, &look);
    let dict = run.section(&BTreeMap::new(), Policy::Hash)["app.f#ret"].dict.clone().unwrap();
    let set = &dict.key_sets[0];
    assert_eq!(set.keys, [Sha256Hash::of(b"password").to_string()]);
    assert_eq!(
        (&set.key_types[..], &set.value_types[..]),
        (&["app.Key".to_owned()][..], &["app.Secret".to_owned()][..])
    );
}
