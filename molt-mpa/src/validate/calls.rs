//! Counts of calls: what is a part of another count is not above it, and estimates are not below what was seen.
use super::Findings;
use super::place::{self, Step};
use crate::model::{Artifact, CallSite, CallTarget, Symbol};

pub(super) fn check(artifact: &Artifact, findings: &mut Findings) {
    for (name, symbol) in &artifact.symbols {
        if symbol.calls_est.is_some_and(|estimate| estimate < symbol.calls.unwrap_or(0)) {
            let path = || place::of(&[Step::Key("symbols"), Step::Key(name), Step::Key("calls_est")]);
            findings.add(path, || "estimate is below the calls seen".to_owned());
        }
    }
    for (index, site) in artifact.call_sites.iter().enumerate() {
        check_site(index, site, findings);
    }
    for (name, count) in &artifact.call_counts {
        if let Some(calls) = artifact.symbols.get(name).and_then(Symbol::all_calls)
            && calls != *count
        {
            let path = || place::of_entry("call_counts", name);
            findings.add(path, || format!("count is {count}, that of the symbol is {calls}"));
        }
    }
}

fn check_site(index: usize, site: &CallSite, findings: &mut Findings) {
    let (mut all, mut typed) = (0_u64, site.signatures_dropped);
    for (rank, target) in site.targets.iter().enumerate() {
        let mut fault = |key: &str, problem: &str| {
            findings.add(|| format!(".call_sites[{index}].targets[{rank}].{key}"), || problem.to_owned());
        };
        if target.count_est.is_some_and(|estimate| estimate < target.count) {
            fault("count_est", "estimate is below the calls seen");
        }
        if with_types(target).saturating_add(target.undetailed) > target.count {
            fault("count", "signatures and undetailed calls are more than all calls");
        }
        if target.exceptions.is_some_and(|exceptions| exceptions > target.count) {
            fault("exceptions", "calls that ended in an exception are more than all calls");
        }
        let by_type = sum(target.exception_types.values());
        if !target.exception_types.is_empty() && target.exceptions != Some(by_type) {
            fault("exception_types", "types do not add up to exceptions");
        }
        all = all.saturating_add(target.count);
        typed = typed.saturating_add(with_types(target)).saturating_add(target.undetailed);
    }
    // Each signature dropped was that of a call.
    if typed > all && site.signatures_dropped > 0 {
        findings.add(
            || format!(".call_sites[{index}].signatures_dropped"),
            || "signatures are more than the site's calls".to_owned(),
        );
    }
}

fn with_types(target: &CallTarget) -> u64 {
    sum(target.signatures.iter().map(|signature| &signature.count))
}

fn sum<'a>(counts: impl Iterator<Item = &'a u64>) -> u64 {
    counts.fold(0, |sum, count| sum.saturating_add(*count))
}
