//! The artifact's section `types`, from the classes of all processes.

use super::super::calls::Calls;
use super::{Class, Instances, TypeId, Types};
use molt_mpa::model::{
    AttributeFacts, AttributePlace, MutationKind, Observation, TypeFacts, TypeForm, TypeKind, TypeMutation,
};
use molt_mpa::redact::Redactor;
use std::collections::{BTreeMap, BTreeSet};

/// The attribute of an instance that says what its class is.
const CLASS: &str = "__class__";

impl Types {
    /// The artifact's section. Classes of one name are one entry. `calls` knows the names of types.
    pub fn section(&self, calls: &Calls, redactor: &mut Redactor) -> BTreeMap<String, TypeFacts> {
        let mut named: BTreeMap<&str, Vec<&Class>> = BTreeMap::new();
        for class in &self.classes {
            named.entry(&class.facts.name).or_default().push(class);
        }
        let entry = |(name, classes): (&str, Vec<&Class>)| {
            let mut facts = facts(&classes, calls, redactor)?;
            if let Some(count) = self.left.get(name) {
                let (attr, kind) = (redactor.attribute(CLASS), MutationKind::Rebind);
                let change = TypeMutation { attr, kind, observation: Observation::Sampled, count: *count };
                facts.mutations.push(change);
                facts.mutations.sort_by(|one, other| (&one.attr, one.kind).cmp(&(&other.attr, other.kind)));
            }
            Some((name.to_owned(), facts))
        };
        named.into_iter().filter_map(entry).collect()
    }
}

/// What is said of the classes of one name: what they have is added up, what they are is that of the last one. Those of
/// another kind are left out: a module in Python makes classes that those of its C accelerator then replace (`datetime`
/// up to 3.11), and the two have nothing in common but the name.
fn facts(classes: &[&Class], calls: &Calls, redactor: &mut Redactor) -> Option<TypeFacts> {
    let last = &classes.last()?.facts;
    let classes: Vec<_> = classes.iter().copied().filter(|class| class.facts.kind == last.kind).collect();
    let text = |id: &TypeId| calls.type_name(*id).to_owned();
    let mut instances = Instances::default();
    let mut forms: BTreeSet<TypeForm> = BTreeSet::new();
    let mut mutations = BTreeMap::new();
    for class in &classes {
        instances.merge(&class.instances);
        forms.extend(&class.facts.forms);
        for (change, count) in &class.mutations {
            *mutations.entry(change).or_default() += count;
        }
    }
    let is_heap = last.kind == TypeKind::Heap;
    let mutations = mutations.into_iter().map(|((attr, kind), count)| TypeMutation {
        attr: redactor.attribute(attr),
        kind: *kind,
        observation: Observation::Sampled,
        count,
    });
    let mutations = mutations.collect();
    let attrs = if is_heap { attributes(&classes, &instances, calls) } else { BTreeMap::new() };
    Some(TypeFacts {
        kind: last.kind,
        observation: Observation::Sampled,
        forms: forms.into_iter().collect(),
        metaclass: last.metaclass.as_ref().map(text),
        classes: several(&classes),
        bases: last.bases.iter().map(text).collect(),
        mro: last.mro.iter().map(text).collect(),
        attrs: attrs.into_iter().map(|(name, found)| (redactor.attribute(&name), found)).collect(),
        mutations,
        layout_stable: instances.is_stable(),
        layout: instances.layout().iter().map(|name| redactor.attribute(name)).collect(),
        instances: Some(instances.count).filter(|count| *count > 0),
    })
}

/// How many classes of a name one process has, where that is more than one.
fn several(classes: &[&Class]) -> Option<u64> {
    let mut count = Count::default();
    for class in classes {
        count.add(class.process);
    }
    Some(count.most()).filter(|count| *count > 1)
}

/// How many classes each process has: a copy that `fork` has made of one is no other class.
#[derive(Debug, Default)]
struct Count(BTreeMap<u32, u64>);

impl Count {
    fn add(&mut self, process: u32) {
        *self.0.entry(process).or_default() += 1;
    }

    fn most(&self) -> u64 {
        self.0.values().copied().max().unwrap_or(0)
    }
}

/// What classes have under one name.
#[derive(Debug, Default)]
struct OnClass {
    count: Count,
    types: BTreeSet<TypeId>,
    is_slot: bool,
}

fn attributes(classes: &[&Class], instances: &Instances, calls: &Calls) -> BTreeMap<String, AttributeFacts> {
    let names = |types: &BTreeSet<TypeId>| types.iter().map(|id| calls.type_name(*id).to_owned()).collect();
    let mut on_class: BTreeMap<&str, OnClass> = BTreeMap::new();
    for class in classes {
        for attribute in &class.facts.attributes {
            let own = on_class.entry(&attribute.name).or_default();
            own.count.add(class.process);
            own.types.insert(attribute.kind);
            own.is_slot |= attribute.is_slot;
        }
    }
    let mut found = BTreeMap::new();
    for (name, values) in &instances.fields {
        let own = on_class.remove(&**name);
        let is_slot = values.is_slot || own.as_ref().is_some_and(|own| own.is_slot);
        let class_types = own.filter(|_| !is_slot).map(|own| names(&own.types)).unwrap_or_default();
        let on = if is_slot { AttributePlace::Slot } else { AttributePlace::Instance };
        let facts = AttributeFacts { on, types: names(&values.types), count: values.count, class_types };
        found.insert(name.to_string(), facts);
    }
    for (name, own) in on_class {
        let (on, types, count) = if own.is_slot {
            (AttributePlace::Slot, Vec::new(), 0)
        } else {
            (AttributePlace::Class, names(&own.types), own.count.most())
        };
        found.insert(name.to_owned(), AttributeFacts { on, types, count, class_types: Vec::new() });
    }
    found
}
