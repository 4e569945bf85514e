//! Counts what hooks of calls show, while the run goes on.
//!
//! The kernel side counts equal calls together; what comes here is a count of calls that were alike in site,
//! callee, types and outcome. Names are kept once each and calls as numbers, so that memory grows with the
//! number of different calls only, and is bounded for each pair of site and callee.

mod count;
mod edge;
mod exceptions;
mod function;
mod names;
mod target;

pub use count::Count;
pub use edge::Edge;
pub use exceptions::ByException;
pub use function::{Function, Raises};
pub use names::TypeId;

use super::tally::{CodeId, Site, SiteKey};
use names::Names;
use std::collections::BTreeMap;

/// One parameter of a call, as bound at entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// An object of this type.
    Type(TypeId),
    /// `*args`.
    Rest,
    /// `**kwargs`.
    Keywords,
    /// It could not be read.
    Unread,
}

/// How a call ended. What stands in it is `None` when the type could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a result of this type.
    Returned(Option<TypeId>),
    /// With an exception of this type.
    Raised(Option<TypeId>),
    /// Its end was not seen: it was still running, or ends are not hooked.
    Open,
}

/// A call with its types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// From where; `None` when it was not a known place in Python code that called.
    pub site: Option<SiteKey>,
    /// What was called.
    pub callee: CodeId,
    /// Its parameters in their order, as many as were looked at.
    pub args: Vec<Slot>,
    /// There are more parameters than were looked at.
    pub cut: bool,
    /// How it ended.
    pub outcome: Outcome,
}

/// What the hooks of a run show, counted.
#[derive(Debug, Default)]
pub struct Calls {
    names: Names,
    sites: BTreeMap<SiteKey, Site>,
    edges: BTreeMap<(SiteKey, CodeId), Edge>,
    functions: BTreeMap<CodeId, Function>,
    undetailed: u64,
}

/// What [`Calls`] have counted, without the names of it.
#[derive(Debug, Default)]
pub struct CallCounts {
    edges: BTreeMap<(SiteKey, CodeId), Edge>,
    functions: BTreeMap<CodeId, Function>,
    undetailed: u64,
}

impl Calls {
    /// Changes what was counted for what was counted elsewhere. Ids stand for the same in both.
    pub fn swap(&mut self, other: &mut CallCounts) {
        std::mem::swap(&mut self.edges, &mut other.edges);
        std::mem::swap(&mut self.functions, &mut other.functions);
        std::mem::swap(&mut self.undetailed, &mut other.undetailed);
    }

    /// The id of a type's name, the same for equal names.
    pub fn type_id(&mut self, name: &str) -> TypeId {
        self.names.intern(name)
    }

    /// Counts calls that were seen with their types.
    pub fn call(&mut self, call: Call, count: Count) {
        let room =
            call.site.is_some_and(|site| self.edges.get(&(site, call.callee)).is_none_or(Edge::has_room));
        let args = self.names.args(call.args, call.cut, room);
        if let Some(edge) = self.edge(call.site, call.callee, count) {
            self.undetailed += edge.add(args, call.outcome, count.seen);
        }
    }

    /// Counts calls of which neither types nor ends are known: the kernel side had no room for them.
    pub fn undetailed(&mut self, site: Option<SiteKey>, callee: CodeId, count: Count) {
        self.undetailed += count.seen;
        if let Some(edge) = self.edge(site, callee, count) {
            edge.undetailed += count.seen;
        }
    }

    /// A call of this code was seen that counts later: it goes on.
    pub fn met(&mut self, code: CodeId) {
        self.functions.entry(code).or_default();
    }

    /// Counts how often generators or coroutines of this code went on after they had been suspended.
    pub fn resumed(&mut self, code: CodeId, seen: u64) {
        self.functions.entry(code).or_default().resumes += seen;
    }

    /// Counts exceptions that this code raised itself (`here`), or that passed through it on the way out.
    pub fn raised(&mut self, code: CodeId, exception: TypeId, here: bool, seen: u64) {
        let raises = self.functions.entry(code).or_default().exceptions.of(exception);
        *(if here { &mut raises.raised } else { &mut raises.propagated }) += seen;
    }

    /// Says what the source says of a site; `describe` is asked once for each.
    pub fn site(&mut self, key: SiteKey, describe: impl FnOnce() -> Site) {
        self.sites.entry(key).or_insert_with(describe);
    }

    /// Calls that were counted without types.
    pub fn without_detail(&self) -> u64 {
        self.undetailed
    }

    /// Every code that called, was called, went on or raised.
    pub fn functions(&self) -> impl Iterator<Item = (CodeId, &Function)> {
        self.functions.iter().map(|(code, function)| (*code, function))
    }

    /// Every pair of a site and a callee.
    pub fn edges(&self) -> impl Iterator<Item = (SiteKey, CodeId, &Edge)> {
        self.edges.iter().map(|((key, callee), edge)| (*key, *callee, edge))
    }

    /// What the source says of a site, where that was said.
    pub fn described(&self, key: SiteKey) -> Option<&Site> {
        self.sites.get(&key)
    }

    /// A type's name.
    pub fn type_name(&self, id: TypeId) -> &str {
        self.names.name(id)
    }

    /// Counts calls for the callee, and for the site where there is one.
    fn edge(&mut self, site: Option<SiteKey>, callee: CodeId, count: Count) -> Option<&mut Edge> {
        let function = self.functions.entry(callee).or_default();
        function.calls = function.calls.plus(count);
        let site = site?;
        self.functions.entry(site.caller).or_default();
        let edge = self.edges.entry((site, callee)).or_default();
        edge.calls = edge.calls.plus(count);
        Some(edge)
    }
}

#[cfg(test)]
mod tests;
