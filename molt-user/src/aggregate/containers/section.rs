//! Containers to the artifact's section.

use super::{Containers, Facts, Place};
use crate::aggregate::calls::Calls;
use crate::aggregate::code::Code;
use crate::aggregate::tally::{CodeId, SiteKey, Tally};
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{Container, Observation};
use molt_mpa::redact::Redactor;
use std::collections::BTreeMap;

impl Containers {
    /// The artifact's section. `sites` are the ids of call sites, see `CallSites::ids`; what stands at a site
    /// without one is left out. `observation` says whether every container was looked into.
    pub fn section(
        &self,
        observation: Observation,
        tally: &Tally,
        calls: &Calls,
        sites: &BTreeMap<SiteKey, Sha256Hash>,
        redactor: &mut Redactor,
    ) -> BTreeMap<String, Container> {
        let symbol = |code: CodeId| tally.code(code).map(Code::symbol);
        let site = |site| sites.get(site);
        // Several codes may have one name, and several sites one id.
        let mut named: BTreeMap<String, Facts> = BTreeMap::new();
        for (place, facts) in &self.places {
            let name = match place {
                Place::Param(code, name) => symbol(*code).map(|symbol| format!("{symbol}#param:{name}")),
                Place::Returned(code) => symbol(*code).map(|symbol| format!("{symbol}#ret")),
                Place::Argument(key, index) => site(key).map(|id| format!("{id}#arg:{index}")),
                Place::Result(key) => site(key).map(|id| format!("{id}#ret")),
            };
            if let Some(name) = name {
                named.entry(name).or_default().merge(facts);
            }
        }
        let mut container = |facts: &Facts| Container {
            observation,
            count: facts.count,
            dict: facts.dict.as_ref().map(|dicts| dicts.facts(calls, &self.keys, redactor)),
            list: facts.list.as_ref().map(|elements| elements.facts(calls)),
            tuple: facts.tuple.as_ref().map(|elements| elements.facts(calls)),
            set: facts.set.as_ref().map(|elements| elements.facts(calls)),
        };
        named.iter().map(|(name, facts)| (name.clone(), container(facts))).collect()
    }
}
