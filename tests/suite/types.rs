//! Classes and their instances, against what the program itself says of them in the end.
use std::collections::{BTreeMap, BTreeSet};

use molt_mpa::model::{
    Artifact, AttributePlace, MutationKind, Section, Status, TypeFacts, TypeForm, TypeKind,
};
use serde::Deserialize;

use crate::support::artifact::{trace_exact, trace_for};
use crate::support::process::run;
use crate::support::program::{Program, script};
use crate::support::pythons::Interpreter;

const PROGRAM: Program = script("own_classes");
/// How long the program waits before it changes its classes, and how long the second time: molt looks at them a tenth
/// of a second after it has found the interpreter, and a second later.
const SECONDS: [&str; 2] = ["1.5", "4"];

/// A class, as the program sees it.
#[derive(Deserialize)]
struct Truth {
    bases: Vec<String>,
    mro: Vec<String>,
    metaclass: String,
    attributes: BTreeMap<String, String>,
    slots: BTreeSet<String>,
    instances: Vec<(Fields, Fields)>,
}

/// Attributes with the types of their values, in order.
type Fields = Vec<(String, String)>;

/// Bases, MRO and attributes of every class of the program's own modules are what the program sees, as are the
/// attributes of their instances.
pub(crate) fn classes_are_as_the_program_sees_them(python: &Interpreter) {
    let ended = run(python.start().args(["own_classes.py", "oracle"])).succeeded();
    let truth: BTreeMap<String, Truth> = serde_json::from_str(&ended.stdout).unwrap();
    assert!(truth.len() > 25, "{} classes", truth.len());
    let (artifact, traced) = trace_exact(python, &PROGRAM);
    let state = &artifact.collector.sections[Section::Types.name()];
    assert_eq!(state.status, Status::Sampled, "{state:?}");
    let mut faults = Vec::new();
    for (name, truth) in &truth {
        let Some(facts) = artifact.types.get(name) else {
            faults.push(format!("{name} is missing"));
            continue;
        };
        let mut fault = |what: String| faults.push(format!("{name}: {what}"));
        compare_class(truth, facts, &mut fault);
        compare_instances(truth, facts, &mut fault);
        if facts.forms != forms(name) {
            fault(format!("forms {:?}", facts.forms));
        }
    }
    assert!(faults.is_empty(), "{} faults\n  {}\n{}", faults.len(), faults.join("\n  "), traced.stderr);
}

/// Attributes that are set and deleted on a class that was there when molt looked, and new bases, are told; of other
/// classes nothing.
pub(crate) fn changes_of_classes_are_seen(python: &Interpreter) {
    let wanted = [
        ("Changing", "added", MutationKind::Add),
        ("Changing", "counter", MutationKind::Rebind),
        ("Changing", "method", MutationKind::Rebind),
        ("Changing", "removed", MutationKind::Delete),
        ("Rebased", "__bases__", MutationKind::Rebind),
    ];
    let wanted = wanted.map(|(name, attr, kind)| (format!("class_kinds.{name}"), attr.to_owned(), kind, 1));
    let seen = |seconds| changes(&trace_for(python, &PROGRAM, seconds).0);
    // On a busy machine the program may have ended before the second look.
    let first = seen(SECONDS[0]);
    let found = if first == wanted { first } else { seen(SECONDS[1]) };
    assert_eq!(found, wanted);
}

/// An instance that gets another class is told of with the class that it had, for each function that does so.
pub(crate) fn instances_that_change_their_class_are_told(python: &Interpreter) {
    let (artifact, traced) = trace_exact(python, &script("exact/changed_class"));
    let wanted = [("Chick", 1), ("Egg", 2), ("Hen", 1)].map(|(name, count)| {
        (format!("__main__.{name}"), "__class__".to_owned(), MutationKind::Rebind, count)
    });
    assert_eq!(changes(&artifact), wanted, "{}", traced.stderr);
}

/// Changes of the program's own classes.
fn changes(artifact: &Artifact) -> Vec<(String, String, MutationKind, u64)> {
    let own = artifact
        .types
        .iter()
        .filter(|(name, _)| name.starts_with("class_kinds.") || name.starts_with("__main__."));
    own.flat_map(|(name, facts)| {
        facts.mutations.iter().map(|change| (name.clone(), change.attr.clone(), change.kind, change.count))
    })
    .collect()
}

/// What each class was written as.
fn forms(name: &str) -> Vec<TypeForm> {
    match name.strip_prefix("class_kinds.").unwrap_or("") {
        "Data" => vec![TypeForm::Dataclass],
        "Colour" | "Level" => vec![TypeForm::Enum],
        "Failure" => vec![TypeForm::Exception],
        "Named" | "Old" => vec![TypeForm::NamedTuple, TypeForm::Slots],
        "Slots" | "SlotsAndDict" => vec![TypeForm::Slots],
        _ => Vec::new(),
    }
}

fn compare_class(truth: &Truth, facts: &TypeFacts, fault: &mut impl FnMut(String)) {
    let metaclass = facts.metaclass.as_deref().unwrap_or("type");
    if facts.kind != TypeKind::Heap || metaclass != truth.metaclass {
        fault(format!("{:?} of {metaclass}", facts.kind));
    }
    if facts.bases != truth.bases || facts.mro != truth.mro {
        fault(format!("bases {:?}, mro {:?}", facts.bases, facts.mro));
    }
    let mut seen = BTreeMap::new();
    for (name, attribute) in &facts.attrs {
        let types = match attribute.on {
            AttributePlace::Class => &attribute.types,
            AttributePlace::Slot | AttributePlace::Instance => &attribute.class_types,
        };
        if let [kind] = types.as_slice() {
            seen.insert(name.clone(), kind.clone());
        } else if attribute.on == AttributePlace::Slot && truth.slots.contains(name) {
            seen.insert(name.clone(), "member_descriptor".to_owned());
        }
    }
    for name in truth.attributes.keys().chain(seen.keys()).collect::<BTreeSet<_>>() {
        let (seen, truth) = (seen.get(name), truth.attributes.get(name));
        if seen != truth {
            fault(format!("{name} is {seen:?}, not {truth:?}"));
        }
    }
}

fn compare_instances(truth: &Truth, facts: &TypeFacts, fault: &mut impl FnMut(String)) {
    if truth.instances.is_empty() {
        return;
    }
    let mut fields: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut layout: Vec<&str> = Vec::new();
    let mut is_stable = true;
    for (slots, own) in &truth.instances {
        for (name, kind) in slots.iter().chain(own) {
            fields.entry(name).or_default().insert(kind);
        }
        let order: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
        is_stable &= order.iter().zip(&layout).all(|(one, other)| one == other);
        if order.len() > layout.len() {
            layout = order;
        }
    }
    let on_instances = facts
        .attrs
        .iter()
        .filter(|(_, attribute)| attribute.on != AttributePlace::Class && attribute.count > 0);
    let seen: BTreeMap<&str, BTreeSet<&str>> = on_instances
        .map(|(name, attribute)| (name.as_str(), attribute.types.iter().map(String::as_str).collect()))
        .collect();
    if seen != fields {
        fault(format!("instances have {seen:?}, not {fields:?}"));
    }
    let is_slot = |name: &String| facts.attrs.get(name).is_some_and(|attr| attr.on == AttributePlace::Slot);
    let seen: Vec<_> = facts.layout.iter().filter(|name| !is_slot(name)).map(String::as_str).collect();
    if facts.layout_stable != Some(is_stable) || is_stable && seen != layout {
        fault(format!("layout {:?} {seen:?}, not {layout:?}", facts.layout_stable));
    }
    if facts.instances.is_none_or(|count| count < truth.instances.len() as u64) {
        fault(format!("{:?} instances of {}", facts.instances, truth.instances.len()));
    }
}

/// Classes with very many attributes, bases or instances' attributes, and with very long names, cost what a look may
/// cost; what is left out is counted, and what is beside them is told.
pub(crate) fn odd_classes_are_cut_and_counted(python: &Interpreter) {
    let (artifact, traced) = trace_for(python, &script("odd_classes"), "0");
    let class = |name: &str| {
        let found = artifact.types.get(&format!("__main__.{name}"));
        found.unwrap_or_else(|| panic!("{name} is missing\n{}", traced.stderr))
    };
    let names = |name: &str| class(name).attrs.keys().map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(class("Usual").attrs["value"].types, ["int"]);
    assert_eq!(class("Reversed").mro, ["__main__.Reversed", "object"]);
    assert_eq!(class("Many").attrs.len(), 10_000);
    assert!(names("LongAttribute").contains("short") && names("NoStrings").contains("text"));
    assert!(names("LongAttribute").iter().all(|name| name.len() < 100));
    assert!(names("Wide").len() >= 1000);
    assert!(
        class("Crowd").classes.is_some_and(|count| count > 100),
        "{loss:?}",
        loss = artifact.collector.loss
    );
    assert_eq!(class("Deep299").mro.len(), 302);
    assert_eq!(class("Loop").attrs["itself"].types, ["type"]);
    let loss = &artifact.collector.loss;
    assert!(loss["further_attribute"] > 2000, "{loss:?}");
    assert!(loss.contains_key("unread_type"), "the class with 1,200 bases: {loss:?}");
    assert!(loss.contains_key("further_name"), "{loss:?}");
}
