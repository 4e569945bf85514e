//! Types: what is said of one in several places agrees.
use super::Findings;
use super::place::{self, Step, shown};
use crate::model::{Artifact, AttributePlace, TypeFacts, TypeKind};

pub(super) fn check(artifact: &Artifact, findings: &mut Findings) {
    for (name, facts) in &artifact.types {
        check_type(name, facts, findings);
    }
}

fn check_type(name: &str, facts: &TypeFacts, findings: &mut Findings) {
    let mut fault = |key: &str, problem: String| {
        findings.add(|| place::of(&[Step::Key("types"), Step::Key(name), Step::Key(key)]), || problem);
    };
    // A metaclass may make any order; `type` begins with the class, and has its bases behind it.
    if facts.metaclass.is_none() {
        if facts.mro.first().is_none_or(|first| first != name) {
            fault("mro", "does not begin with the type itself".to_owned());
        }
        for base in facts.bases.iter().filter(|base| !facts.mro.contains(base)) {
            fault("mro", format!("has not the base {}", shown(base)));
        }
    }
    if facts.classes.is_some_and(|count| count < 2) {
        fault("classes", "is there for a single class".to_owned());
    }
    if facts.kind == TypeKind::Static && !(facts.attrs.is_empty() && facts.mutations.is_empty()) {
        fault("kind", "is static, and the type has attributes of its own".to_owned());
    }
    let instances = facts.instances.unwrap_or(0);
    if (instances > 0) != facts.layout_stable.is_some() {
        fault("layout_stable", "does not go with the number of instances".to_owned());
    }
    if facts.layout_stable != Some(true) && !facts.layout.is_empty() {
        fault("layout", "is that of instances whose layout is not stable".to_owned());
    }
    for wanted in &facts.layout {
        let on = facts.attrs.get(wanted).map(|attribute| attribute.on);
        if !matches!(on, Some(AttributePlace::Instance | AttributePlace::Slot)) {
            fault("layout", format!("{} is no attribute of instances", shown(wanted)));
        }
    }
    for (attribute, seen) in &facts.attrs {
        let mut fault = |key: &str, problem: &str| {
            let steps = ["types", name, "attrs", attribute, key].map(Step::Key);
            findings.add(|| place::of(&steps), || problem.to_owned());
        };
        if seen.on == AttributePlace::Class {
            if !seen.class_types.is_empty() {
                fault("class_types", "the attribute is on the class");
            }
        } else if seen.count > instances {
            fault("count", "is above the number of instances");
        } else if (seen.count > 0) == seen.types.is_empty() {
            fault("types", "do not go with the count");
        }
    }
}
