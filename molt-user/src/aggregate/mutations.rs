//! What became of modules' attributes after their import: assignments that were counted, and what two looks at a
//! namespace show.

use super::code::Code;
use super::tally::{CodeId, Tally};
use crate::symbolize::namespaces::Change;
use molt_mpa::model::{Module, ModuleMutation, MutationKind, Observation};
use molt_mpa::redact::Redactor;
use std::collections::{BTreeMap, BTreeSet};

/// Most attributes whose changes are kept.
const MAX_ATTRIBUTES: usize = 100_000;

/// An attribute of a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    /// The module's name.
    pub module: String,
    /// The attribute's.
    pub name: String,
}

/// Assignments to one attribute.
#[derive(Clone, Debug, Default)]
struct Assigned {
    sets: u64,
    deletes: u64,
    /// Whether it was there before the first and after the last of them, where that is known.
    before: Option<bool>,
    after: Option<bool>,
    by: BTreeSet<CodeId>,
}

impl Assigned {
    /// How often it was set where there was none: it was deleted as often as it was added, but for what was there
    /// before and is there after.
    fn adds(&self) -> u64 {
        let before = self.before.unwrap_or(true);
        let after = self.after.unwrap_or(self.sets > 0);
        let adds = (self.deletes + u64::from(after)).saturating_sub(u64::from(before));
        adds.min(self.sets)
    }
}

/// Everything that became of modules' attributes.
#[derive(Debug, Default)]
pub struct Mutations {
    assigned: BTreeMap<Attribute, Assigned>,
    compared: BTreeMap<Attribute, BTreeMap<Change, u64>>,
    /// Functions that set or delete globals, by these.
    suspects: BTreeMap<Attribute, BTreeSet<CodeId>>,
    /// Globals that functions set, and the body of their module as well.
    of_bodies: BTreeSet<Attribute>,
}

impl Mutations {
    /// An attribute is about to be assigned to for the first time, and is there or not. Whether there was room.
    pub fn begin(&mut self, attribute: &Attribute, is_there: Option<bool>) -> bool {
        if let Some(known) = self.assigned.get_mut(attribute) {
            known.before = known.before.or(is_there);
            return true;
        }
        let has_room = self.assigned.len() < MAX_ATTRIBUTES;
        if has_room {
            let begun = Assigned { before: is_there, ..Assigned::default() };
            self.assigned.insert(attribute.clone(), begun);
        }
        has_room
    }

    /// An attribute is there after all assignments that were seen, or is not.
    pub fn end(&mut self, attribute: &Attribute, is_there: bool) {
        if let Some(known) = self.assigned.get_mut(attribute) {
            known.after = Some(is_there);
        }
    }

    /// `by` has set or deleted an attribute so often.
    pub fn assigned(&mut self, attribute: &Attribute, by: Option<CodeId>, deletes: bool, count: u64) {
        if self.begin(attribute, None)
            && let Some(known) = self.assigned.get_mut(attribute)
        {
            *(if deletes { &mut known.deletes } else { &mut known.sets }) += count;
            known.by.extend(by);
        }
    }

    /// Two looks have shown that an attribute changed. Whether there was room.
    pub fn compared(&mut self, attribute: Attribute, change: Change) -> bool {
        let has_room = self.compared.len() < MAX_ATTRIBUTES || self.compared.contains_key(&attribute);
        if has_room {
            *self.compared.entry(attribute).or_default().entry(change).or_default() += 1;
        }
        has_room
    }

    /// A function that ran has an instruction that sets or deletes this global.
    pub fn suspect(&mut self, attribute: Attribute, code: CodeId) {
        if self.suspects.len() < MAX_ATTRIBUTES || self.suspects.contains_key(&attribute) {
            self.suspects.entry(attribute).or_default().insert(code);
        }
    }

    /// The body of a module sets this global, which a function of it declares as such.
    pub fn is_of_body(&mut self, attribute: Attribute) {
        if self.of_bodies.len() < MAX_ATTRIBUTES {
            self.of_bodies.insert(attribute);
        }
    }

    /// Every code that has assigned, or is named as what may have.
    pub fn codes(&self) -> BTreeSet<CodeId> {
        let assigned = self.assigned.values().flat_map(|assigned| &assigned.by);
        let compared = self.compared.keys().filter_map(|attribute| self.suspects.get(attribute)).flatten();
        assigned.chain(compared).copied().collect()
    }

    /// Writes them into the artifact's section. What the body of the main module itself does before it ends is no
    /// mutation: of that module only what a function is seen or suspected to have done counts.
    pub fn fill(&self, section: &mut BTreeMap<String, Module>, tally: &Tally, redactor: &mut Redactor) {
        let mut named = |attribute: &Attribute| Attribute {
            name: redactor.attribute(&attribute.name),
            ..attribute.clone()
        };
        let symbols = |codes: &BTreeSet<CodeId>| -> Vec<String> {
            codes
                .iter()
                .filter_map(|code| tally.code(*code))
                .map(Code::symbol)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect()
        };
        for (attribute, assigned) in &self.assigned {
            let adds = assigned.adds();
            let rebinds = assigned.sets.saturating_sub(adds);
            let counts = [
                (MutationKind::Add, adds),
                (MutationKind::Rebind, rebinds),
                (MutationKind::Delete, assigned.deletes),
            ];
            let (by, attribute) = (symbols(&assigned.by), named(attribute));
            for (kind, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
                add(section, &attribute, kind, Observation::Exact, count, by.clone());
            }
        }
        for (attribute, changes) in &self.compared {
            let suspects = self.suspects.get(attribute);
            let is_assigned =
                self.assigned.get(attribute).is_some_and(|known| known.sets + known.deletes > 0);
            if suspects.is_none() && (is_assigned || attribute.module == MAIN) {
                continue;
            }
            let by = suspects.map(&symbols).unwrap_or_default();
            // The body is what adds it, and it runs on.
            let is_own = attribute.module == MAIN && self.of_bodies.contains(attribute);
            let attribute = named(attribute);
            for (change, count) in changes.iter().filter(|(change, _)| !(is_own && **change == Change::Added))
            {
                add(section, &attribute, kind_of(*change), Observation::Sampled, *count, by.clone());
            }
        }
    }
}

/// The module whose body runs as long as the program.
const MAIN: &str = "__main__";

fn kind_of(change: Change) -> MutationKind {
    match change {
        Change::Added => MutationKind::Add,
        Change::Rebound => MutationKind::Rebind,
        Change::Deleted => MutationKind::Delete,
    }
}

/// Adds one unless it is there, made by exact means. Objects that are in no entry of `sys.modules` have none.
fn add(
    section: &mut BTreeMap<String, Module>,
    attribute: &Attribute,
    kind: MutationKind,
    observation: Observation,
    count: u64,
    by: Vec<String>,
) {
    let Some(module) = section.get_mut(&attribute.module) else { return };
    let is_same = |known: &&mut ModuleMutation| known.attr == attribute.name && known.kind == kind;
    if let Some(known) = module.mutations.iter_mut().find(is_same) {
        known.by.extend(by);
        known.by.sort();
        known.by.dedup();
        return;
    }
    module.mutations.push(ModuleMutation { attr: attribute.name.clone(), kind, observation, count, by });
}

#[cfg(test)]
mod tests;
