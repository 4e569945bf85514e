//! Sampled calls to call sites with their targets.

use super::code::{Code, Files};
use super::tally::{Site, SiteKey, Tally};
use molt_mpa::ids::{Sha256Hash, SiteId};
use molt_mpa::model::{CallSite, CallTarget, IdBasis, Observation, Policy, TargetKind};
use molt_mpa::redact::Redactor;
use std::collections::BTreeMap;

/// Call sites, and the calls whose site could not be named.
#[derive(Debug, Default)]
pub struct CallSites {
    /// In no particular order: the artifact sorts them.
    pub sites: Vec<CallSite>,
    /// Calls whose caller has neither columns nor a hash, so that nothing could tell the site from others.
    pub unnamed: u64,
}

/// Every call that samples met, by its place.
pub fn call_sites(tally: &Tally, files: &Files, redactor: &mut Redactor) -> CallSites {
    let mut merged: BTreeMap<(Sha256Hash, String), (CallSite, BTreeMap<String, u64>)> = BTreeMap::new();
    let mut unnamed = 0;
    for (key, site, callee, count) in tally.calls() {
        let (Some(caller), Some(callee)) = (tally.code(key.caller), tally.code(callee)) else { continue };
        let Some(entry) = describe(key, site, caller, files, redactor) else {
            unnamed += count;
            continue;
        };
        let (_, targets) =
            merged.entry((entry.id, entry.caller.clone())).or_insert_with(|| (entry, BTreeMap::new()));
        *targets.entry(callee.symbol()).or_default() += count;
    }
    let sites = merged
        .into_values()
        .map(|(site, targets)| CallSite { targets: targets.into_iter().map(target).collect(), ..site })
        .collect();
    CallSites { sites, unnamed }
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

fn target((symbol, count): (String, u64)) -> CallTarget {
    CallTarget {
        symbol,
        kind: TargetKind::Py,
        count,
        count_est: None,
        signatures: Vec::new(),
        exceptions: None,
    }
}
