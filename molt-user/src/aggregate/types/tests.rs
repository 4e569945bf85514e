use super::*;
use crate::aggregate::calls::Calls;
use molt_mpa::model::{AttributePlace, TypeFacts};
use molt_mpa::redact::{Policy, Redactor};

/// A class of `app` with these attributes: name, type, address of the value, slot.
fn class(calls: &mut Calls, name: &str, attributes: &[(&str, &str, u64, bool)]) -> ClassFacts {
    let name = format!("app.{name}");
    let [own, object] = [name.as_str(), "object"].map(|name| calls.type_id(name));
    let attributes = attributes.iter().map(|(name, kind, value, is_slot)| ClassAttribute {
        name: (*name).into(),
        kind: calls.type_id(kind),
        is_slot: *is_slot,
        value: *value,
    });
    let attributes = attributes.collect();
    let (kind, metaclass, forms) = (TypeKind::Heap, None, vec![TypeForm::Slots]);
    ClassFacts { name, kind, metaclass, forms, bases: vec![object], mro: vec![own, object], attributes }
}

fn fields(calls: &mut Calls, fields: &[(&str, &str)]) -> Vec<Field> {
    let field = |(name, kind): &(&str, &str)| Field {
        name: (*name).into(),
        kind: calls.type_id(kind),
        is_slot: name.starts_with("slot"),
    };
    fields.iter().map(field).collect()
}

fn only(types: &Types, calls: &Calls) -> TypeFacts {
    let mut section = types.section(calls, &mut Redactor::new(Policy::Hash, None));
    assert_eq!(section.len(), 1);
    section.remove("app.C").unwrap()
}

/// An attribute is where its values are: in a slot, on instances with a default on the class, or on the class.
#[test]
fn attributes_live_where_their_values_are() {
    let (mut types, mut calls) = (Types::default(), Calls::default());
    let own = [("slot", "member_descriptor", 1, true), ("x", "int", 2, false), ("f", "function", 3, false)];
    let facts = class(&mut calls, "C", &own);
    let id = types.add(7, facts).unwrap();
    types.instance(id, fields(&mut calls, &[("slot", "str"), ("x", "float")]), false);
    types.instance(id, fields(&mut calls, &[("slot_of_base", "str"), ("x", "int")]), false);
    let found = only(&types, &calls);
    let attribute = |name: &str| {
        let mut attribute = found.attrs.get(name).unwrap().clone();
        // The artifact is put in order as a whole.
        attribute.types.sort();
        attribute
    };
    let facts = |on, types: &[&str], count, class_types: &[&str]| {
        let [types, class_types] =
            [types, class_types].map(|names| names.iter().map(ToString::to_string).collect());
        molt_mpa::model::AttributeFacts { on, types, count, class_types }
    };
    assert_eq!(attribute("slot"), facts(AttributePlace::Slot, &["str"], 1, &[]));
    assert_eq!(attribute("slot_of_base"), facts(AttributePlace::Slot, &["str"], 1, &[]));
    assert_eq!(attribute("x"), facts(AttributePlace::Instance, &["float", "int"], 2, &["int"]));
    assert_eq!(attribute("f"), facts(AttributePlace::Class, &["function"], 1, &[]));
    assert_eq!((found.instances, found.layout_stable), (Some(2), Some(true)));
    assert_eq!(found.layout, ["slot", "slot_of_base", "x"]);
    assert_eq!(found.classes, None);
}

/// An instance that is being made has the first attributes only; another order is another layout.
#[test]
fn layouts_are_compared_from_their_beginning() {
    let (mut types, mut calls) = (Types::default(), Calls::default());
    let facts = class(&mut calls, "C", &[]);
    let id = types.add(7, facts).unwrap();
    for names in [&["a"][..], &["a", "b", "c"], &[], &["a", "b"]] {
        let named: Vec<_> = names.iter().map(|name| (*name, "int")).collect();
        types.instance(id, fields(&mut calls, &named), false);
    }
    let found = only(&types, &calls);
    assert_eq!((found.layout_stable, found.layout), (Some(true), vec!["a".into(), "b".into(), "c".into()]));
    types.instance(id, fields(&mut calls, &[("b", "int"), ("a", "int")]), false);
    let found = only(&types, &calls);
    assert_eq!((found.layout_stable, found.layout.len()), (Some(false), 0));
}

/// Classes of one name in one process are counted; the same class in a copy of the process is not another one.
#[test]
fn classes_of_one_name_are_added_up() {
    let (mut types, mut calls) = (Types::default(), Calls::default());
    for (process, attribute) in [(7, "x"), (7, "y"), (8, "x")] {
        let facts = class(&mut calls, "C", &[(attribute, "int", 1, false)]);
        let id = types.add(process, facts).unwrap();
        types.instance(id, fields(&mut calls, &[("z", "int")]), false);
    }
    let found = only(&types, &calls);
    assert_eq!((found.classes, found.instances), (Some(2), Some(3)));
    assert_eq!((found.attrs["x"].count, found.attrs["y"].count, found.attrs["z"].count), (1, 1, 3));
}

/// What is there later and was not before, and the other way round, is a change, if the class was built by then.
#[test]
fn changes_are_counted() {
    let (mut types, mut calls) = (Types::default(), Calls::default());
    let facts = class(&mut calls, "C", &[]);
    let id = types.add(7, facts).unwrap();
    let first =
        class(&mut calls, "C", &[("a", "int", 1, false), ("b", "int", 2, false), ("c", "int", 3, false)]);
    types.update(id, first.clone(), false);
    assert_eq!(only(&types, &calls).mutations, []);
    let mut second =
        class(&mut calls, "C", &[("a", "int", 1, false), ("b", "int", 9, false), ("d", "int", 4, false)]);
    second.bases = vec![calls.type_id("app.Base")];
    for facts in [second.clone(), second, first] {
        types.update(id, facts, true);
    }
    let mutations = only(&types, &calls).mutations;
    let changes: Vec<_> =
        mutations.iter().map(|change| (change.attr.as_str(), change.kind, change.count)).collect();
    let (add, rebind, delete) = (MutationKind::Add, MutationKind::Rebind, MutationKind::Delete);
    let mut wanted = vec![
        ("__bases__", rebind, 2),
        ("b", rebind, 2),
        ("c", add, 1),
        ("c", delete, 1),
        ("d", add, 1),
        ("d", delete, 1),
    ];
    wanted.sort();
    assert_eq!(changes, wanted);
}

/// Names that are made up have no end: there is room for some, and the others are counted.
#[test]
fn what_there_is_no_room_for_is_counted() {
    let (mut types, mut calls) = (Types::default(), Calls::default());
    let long = "x".repeat(MAX_NAME + 1);
    let facts = class(&mut calls, "C", &[(&long, "int", 1, false), ("short", "int", 1, false)]);
    let id = types.add(7, facts).unwrap();
    for number in 0..1100 {
        let name = format!("field{number}");
        types.instance(id, fields(&mut calls, &[(&name, "int")]), false);
    }
    types.instance(id, fields(&mut calls, &[(&long, "int")]), true);
    let found = only(&types, &calls);
    assert_eq!((found.attrs.len(), found.instances), (1001, Some(1101)));
    assert_eq!(types.unlisted().collect::<Vec<_>>(), [("further_attribute", 1 + 100 + 2)]);
    for _ in 1..=MAX_CLASSES {
        let facts = class(&mut calls, "C", &[]);
        types.add(7, facts);
    }
    assert!(types.unlisted().any(|(cause, count)| (cause, count) == ("further_type", 1)));
}

/// A class in Python that one in C has taken the place of lends it neither attributes nor a layout.
#[test]
fn classes_of_another_kind_do_not_count() {
    let (mut types, mut calls) = (Types::default(), Calls::default());
    let facts = class(&mut calls, "C", &[("slot", "member_descriptor", 1, true)]);
    let id = types.add(7, facts).unwrap();
    types.instance(id, fields(&mut calls, &[("slot", "int")]), false);
    let taken = ClassFacts { kind: TypeKind::Static, ..class(&mut calls, "C", &[]) };
    types.add(7, taken).unwrap();
    let found = only(&types, &calls);
    assert_eq!((found.kind, found.instances, found.classes), (TypeKind::Static, None, None));
    assert!(found.attrs.is_empty() && found.layout.is_empty());
}

/// A name that no program's text can hold was made of data.
#[test]
fn attributes_that_are_no_names_are_redacted() {
    let (mut types, mut calls) = (Types::default(), Calls::default());
    let facts = class(&mut calls, "C", &[("Content-Type", "str", 1, false)]);
    let id = types.add(7, facts).unwrap();
    types.instance(id, fields(&mut calls, &[("plain", "int"), ("/o\\", "int")]), false);
    let found = only(&types, &calls);
    let [one, other] =
        ["/o\\", "Content-Type"].map(|text| molt_mpa::ids::Sha256Hash::of(text.as_bytes()).to_string());
    assert_eq!(found.layout, ["plain", &one]);
    assert!(found.attrs.len() == 3 && found.attrs.contains_key(&one) && found.attrs.contains_key(&other));
}
