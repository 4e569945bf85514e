//! The artifact's section `types`, from the classes of all processes.

use super::super::calls::Calls;
use super::{Class, Instances, TypeId, Types};
use molt_mpa::model::{
    AttributeFacts, AttributePlace, Observation, TypeFacts, TypeForm, TypeKind, TypeMutation,
};
use std::collections::{BTreeMap, BTreeSet};

impl Types {
    /// The artifact's section. Classes of one name are one entry. `calls` knows the names of types.
    pub fn section(&self, calls: &Calls) -> BTreeMap<String, TypeFacts> {
        let mut named: BTreeMap<&str, Vec<&Class>> = BTreeMap::new();
        for class in &self.classes {
            named.entry(&class.facts.name).or_default().push(class);
        }
        let entry = |(name, classes): (&str, Vec<&Class>)| Some((name.to_owned(), facts(&classes, calls)?));
        named.into_iter().filter_map(entry).collect()
    }
}

/// What is said of the classes of one name: what they have is added up, what they are is that of the last one.
fn facts(classes: &[&Class], calls: &Calls) -> Option<TypeFacts> {
    let last = &classes.last()?.facts;
    let text = |id: &TypeId| calls.type_name(*id).to_owned();
    let mut instances = Instances::default();
    let mut forms: BTreeSet<TypeForm> = BTreeSet::new();
    let mut mutations = BTreeMap::new();
    for class in classes {
        instances.merge(&class.instances);
        forms.extend(&class.facts.forms);
        for (change, count) in &class.mutations {
            *mutations.entry(change).or_default() += count;
        }
    }
    let is_heap = last.kind == TypeKind::Heap;
    let mutations = mutations.into_iter().map(|((attr, kind), count)| TypeMutation {
        attr: attr.to_string(),
        kind: *kind,
        observation: Observation::Sampled,
        count,
    });
    Some(TypeFacts {
        kind: last.kind,
        observation: Observation::Sampled,
        forms: forms.into_iter().collect(),
        metaclass: last.metaclass.as_ref().map(text),
        classes: several(classes),
        bases: last.bases.iter().map(text).collect(),
        mro: last.mro.iter().map(text).collect(),
        attrs: if is_heap { attributes(classes, &instances, calls) } else { BTreeMap::new() },
        mutations: mutations.collect(),
        layout_stable: instances.is_stable(),
        layout: instances.layout(),
        instances: Some(instances.count).filter(|count| *count > 0),
    })
}

/// How many classes of a name one process has, where that is more than one.
fn several(classes: &[&Class]) -> Option<u64> {
    let mut of: BTreeMap<u32, u64> = BTreeMap::new();
    for class in classes {
        *of.entry(class.process).or_default() += 1;
    }
    of.into_values().max().filter(|count| *count > 1)
}

fn attributes(classes: &[&Class], instances: &Instances, calls: &Calls) -> BTreeMap<String, AttributeFacts> {
    let names = |types: &BTreeSet<TypeId>| types.iter().map(|id| calls.type_name(*id).to_owned()).collect();
    let mut on_class: BTreeMap<&str, (u64, BTreeSet<TypeId>, bool)> = BTreeMap::new();
    for attribute in classes.iter().flat_map(|class| &class.facts.attributes) {
        let (count, types, is_slot) = on_class.entry(&attribute.name).or_default();
        *count += 1;
        types.insert(attribute.kind);
        *is_slot |= attribute.is_slot;
    }
    let mut found = BTreeMap::new();
    for (name, values) in &instances.fields {
        let own = on_class.remove(&**name);
        let is_slot = values.is_slot || own.as_ref().is_some_and(|(.., is_slot)| *is_slot);
        let class_types = own.filter(|_| !is_slot).map(|(_, types, _)| names(&types)).unwrap_or_default();
        let on = if is_slot { AttributePlace::Slot } else { AttributePlace::Instance };
        let facts = AttributeFacts { on, types: names(&values.types), count: values.count, class_types };
        found.insert(name.to_string(), facts);
    }
    for (name, (count, types, is_slot)) in on_class {
        let facts = if is_slot {
            AttributeFacts { on: AttributePlace::Slot, types: Vec::new(), count: 0, class_types: Vec::new() }
        } else {
            AttributeFacts { on: AttributePlace::Class, types: names(&types), count, class_types: Vec::new() }
        };
        found.insert(name.to_owned(), facts);
    }
    found
}
