//! Calls to call sites with their targets.

use super::calls::{Calls, Edge};
use super::code::{Code, Files};
use super::tally::{CodeId, Site, SiteKey, Tally};
use molt_mpa::ids::{Sha256Hash, SiteId};
use molt_mpa::model::{CallSite, CallTarget, IdBasis, Observation, Policy, TargetKind};
use molt_mpa::redact::Redactor;
use std::collections::BTreeMap;

/// Call sites, and the calls whose site could not be named.
#[derive(Debug, Default)]
pub struct CallSites {
    /// In no particular order: the artifact sorts them.
    pub sites: Vec<CallSite>,
    /// The id of each place.
    pub ids: BTreeMap<SiteKey, Sha256Hash>,
    /// Calls whose caller has neither columns nor a hash, so that nothing could tell the site from others.
    pub unnamed: u64,
}

/// Every call that was seen, by its place. A site or target that exact means and samples met has the exact
/// counts. With `exact_only`, those of Python code that only samples met are left out: every such call of the run was
/// seen.
pub fn call_sites(
    tally: &Tally,
    calls: &Calls,
    exact_only: bool,
    files: &Files,
    redactor: &mut Redactor,
) -> CallSites {
    let nowhere = Site::nowhere();
    let mut places = Places { tally, files, redactor, found: CallSites::default(), sites: BTreeMap::new() };
    for (key, callee, edge) in calls.edges() {
        let site = calls.described(key).unwrap_or(&nowhere);
        match places.python(key, site, callee) {
            Some(target) => target.exact.push(edge),
            None => places.found.unnamed += edge.calls.seen,
        }
    }
    for (key, site, callee, samples) in tally.calls().filter(|_| !exact_only) {
        match places.python(key, site, callee) {
            Some(target) => target.samples += samples,
            None => places.found.unnamed += samples,
        }
    }
    for (key, site, callee, samples) in tally.foreign_calls() {
        match places.target(key, site, (callee.symbol.clone(), callee.kind)) {
            Some(target) => target.samples += samples,
            None => places.found.unnamed += samples,
        }
    }
    let sites = places.sites.into_values().map(|(site, targets)| finish(site, targets, calls)).collect();
    CallSites { sites, ..places.found }
}

/// Sites by id and caller, with their targets by symbol.
struct Places<'a, 'r> {
    tally: &'a Tally,
    files: &'a Files,
    redactor: &'r mut Redactor,
    sites: BTreeMap<(Sha256Hash, String), (CallSite, Targets<'a>)>,
    found: CallSites,
}

/// Targets by symbol and kind.
type Targets<'a> = BTreeMap<(String, TargetKind), Met<'a>>;

/// How a target was met.
#[derive(Debug, Default)]
struct Met<'a> {
    exact: Vec<&'a Edge>,
    samples: u64,
}

impl<'a> Places<'a, '_> {
    /// Where to count calls of Python code.
    fn python(&mut self, key: SiteKey, site: &Site, callee: CodeId) -> Option<&mut Met<'a>> {
        let callee = self.tally.code(callee)?.symbol();
        self.target(key, site, (callee, TargetKind::Py))
    }

    /// Where to count calls of `callee`; `None` when nothing names the site. The first description counts.
    fn target(&mut self, key: SiteKey, site: &Site, callee: (String, TargetKind)) -> Option<&mut Met<'a>> {
        let caller = self.tally.code(key.caller)?;
        if !self.found.ids.contains_key(&key) {
            let entry = describe(key, site, caller, self.files, self.redactor)?;
            self.found.ids.insert(key, entry.id);
            self.sites.entry((entry.id, caller.symbol())).or_insert_with(|| (entry, BTreeMap::new()));
        }
        let id = *self.found.ids.get(&key)?;
        let (_, targets) = self.sites.get_mut(&(id, caller.symbol()))?;
        Some(targets.entry(callee).or_default())
    }
}

/// The site with its targets, its signatures capped: those of all sites together would be many.
fn finish(site: CallSite, targets: Targets<'_>, calls: &Calls) -> CallSite {
    let exact = targets.values().any(|met| !met.exact.is_empty());
    let target = |((symbol, kind), met): ((String, TargetKind), Met<'_>)| match met.exact.as_slice() {
        [] => {
            let observation = exact.then_some(Observation::Sampled);
            CallTarget { observation, ..sampled(symbol, kind, met.samples) }
        }
        edges => calls.target(symbol, edges),
    };
    let observation = if exact { Observation::Exact } else { Observation::Sampled };
    let mut site = CallSite { observation, targets: targets.into_iter().map(target).collect(), ..site };
    site.normalize();
    site
}

/// The site without its targets; `None` when nothing names it.
fn describe(
    key: SiteKey,
    site: &Site,
    caller: &Code,
    files: &Files,
    redactor: &mut Redactor,
) -> Option<CallSite> {
    let file = files.name(&caller.file, redactor);
    let (id, basis) = match (site.columns, &site.expr) {
        (Some(columns), Some(expr)) => (SiteId::Text { col: columns.col, expr }, site.basis),
        (Some(columns), None) => {
            let (end_line, end_col) = (columns.end_line, columns.end_col);
            (SiteId::Position { col: columns.col, end_line, end_col }, Some(IdBasis::Position))
        }
        (None, _) => (SiteId::Code { code_hash: caller.hash?, offset: key.offset }, Some(IdBasis::Code)),
    };
    let by_code = basis == Some(IdBasis::Code);
    Some(CallSite {
        id: id.hash(&file, site.line),
        id_basis: basis,
        file,
        line: site.line,
        col: site.columns.map(|columns| columns.col),
        end_line: site.columns.map(|columns| columns.end_line),
        end_col: site.columns.map(|columns| columns.end_col),
        expr: site.expr.clone().filter(|_| redactor.policy() == Policy::None),
        caller: caller.symbol(),
        code_hash: caller.hash.filter(|_| by_code),
        offset: by_code.then_some(key.offset),
        observation: Observation::Sampled,
        targets: Vec::new(),
        signatures_dropped: 0,
    })
}

fn sampled(symbol: String, kind: TargetKind, count: u64) -> CallTarget {
    CallTarget {
        symbol,
        kind,
        observation: None,
        count,
        count_est: None,
        signatures: Vec::new(),
        undetailed: 0,
        exceptions: None,
        exception_types: BTreeMap::new(),
    }
}
