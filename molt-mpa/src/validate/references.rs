//! What one section says of another: names exist, ids are those of their places.
use std::collections::BTreeSet;

use super::Findings;
use super::place::{self, shown};
use crate::ids::{Sha256Hash, SiteId};
use crate::model::{Artifact, CallSite, EventKind, IdBasis, TargetKind};

pub(super) fn check(artifact: &Artifact, findings: &mut Findings) {
    for (name, symbol) in &artifact.symbols {
        if name.strip_prefix(&symbol.module).and_then(|rest| rest.strip_prefix('.')) != Some(&symbol.qualname)
        {
            findings.add(
                || place::of_entry("symbols", name),
                || format!("key is not {}", shown(&format!("{}.{}", symbol.module, symbol.qualname))),
            );
        }
    }
    let mut seen = BTreeSet::new();
    for (index, site) in artifact.call_sites.iter().enumerate() {
        check_site(artifact, index, site, findings);
        if !seen.insert((site.id, &site.caller)) {
            findings.add(|| format!(".call_sites[{index}].id"), || "call site is there twice".to_owned());
        }
    }
    let mut seen = BTreeSet::new();
    for (index, row) in artifact.hotspots.iter().enumerate() {
        expect_symbol(artifact, &row.symbol, || format!(".hotspots[{index}].symbol"), findings);
        if !seen.insert((&row.symbol, &row.native)) {
            findings.add(|| format!(".hotspots[{index}]"), || "function is there twice".to_owned());
        }
    }
    for name in artifact.call_counts.keys() {
        expect_symbol(artifact, name, || place::of_entry("call_counts", name), findings);
    }
    check_containers(artifact, findings);
    check_processes(artifact, findings);
}

fn check_site(artifact: &Artifact, index: usize, site: &CallSite, findings: &mut Findings) {
    expect_symbol(artifact, &site.caller, || format!(".call_sites[{index}].caller"), findings);
    for (rank, target) in site.targets.iter().enumerate() {
        if target.kind == TargetKind::Py {
            let path = || format!(".call_sites[{index}].targets[{rank}].symbol");
            expect_symbol(artifact, &target.symbol, path, findings);
        }
    }
    if let (Some(code_hash), Some(caller)) = (site.code_hash, artifact.symbols.get(&site.caller))
        && !caller.codes.iter().any(|code| code.code_hash == code_hash)
    {
        let path = || format!(".call_sites[{index}].code_hash");
        findings.add(path, || format!("{} has no such code", shown(&site.caller)));
    }
    if let Some(id) = id_of(site)
        && id != site.id
    {
        findings.add(|| format!(".call_sites[{index}].id"), || format!("id is not that of its place, {id}"));
    }
}

/// The id computed again, where the file holds all that goes into it.
fn id_of(site: &CallSite) -> Option<Sha256Hash> {
    let basis = match site.id_basis {
        None | Some(IdBasis::Line) => SiteId::Text { col: site.col?, expr: site.expr.as_deref()? },
        Some(IdBasis::Position) => {
            SiteId::Position { col: site.col?, end_line: site.end_line?, end_col: site.end_col? }
        }
        Some(IdBasis::Code) => SiteId::Code { code_hash: site.code_hash?, offset: site.offset? },
    };
    Some(basis.hash(&site.file, site.line))
}

/// A container's key is the id of a call site or a symbol, `#`, and what of it. No name has a `#`.
fn check_containers(artifact: &Artifact, findings: &mut Findings) {
    if artifact.containers.is_empty() {
        return;
    }
    let ids: BTreeSet<Sha256Hash> = artifact.call_sites.iter().map(|site| site.id).collect();
    for key in artifact.containers.keys() {
        let (owner, part) = key.rsplit_once('#').unwrap_or((key, ""));
        let known = if let Ok(id) = owner.parse() {
            let argument = part.strip_prefix("arg:").and_then(|index| index.parse::<u32>().ok());
            ids.contains(&id) && (part == "ret" || argument.is_some())
        } else {
            let local = part.strip_prefix("param:").or_else(|| part.strip_prefix("local:"));
            artifact.symbols.contains_key(owner) && (part == "ret" || local.is_some())
        };
        if !known {
            let path = || place::of_entry("containers", key);
            findings.add(path, || "key names no call site's or symbol's value".to_owned());
        }
    }
}

fn check_processes(artifact: &Artifact, findings: &mut Findings) {
    let processes = &artifact.collector.processes;
    let is_known = |place: u32| usize::try_from(place).is_ok_and(|place| place < processes.len());
    for (index, process) in processes.iter().enumerate() {
        if process.parent.is_some_and(|parent| usize::try_from(parent).is_ok_and(|parent| parent >= index)) {
            let path = || format!(".collector.processes[{index}].parent");
            findings.add(path, || "parent does not stand before its child".to_owned());
        }
    }
    for (index, event) in artifact.events.iter().enumerate() {
        if event.process.is_some_and(|place| !is_known(place)) {
            findings.add(|| format!(".events[{index}].process"), || "there is no such process".to_owned());
        }
        match &event.what {
            EventKind::ProcessStart { parent: Some(parent) } if !is_known(*parent) => {
                findings.add(|| format!(".events[{index}].parent"), || "there is no such process".to_owned());
            }
            EventKind::Loss { cause, .. } if !artifact.collector.loss.contains_key(cause) => {
                let path = || format!(".events[{index}].cause");
                findings.add(path, || format!("{} is not in collector.loss", shown(cause)));
            }
            _ => {}
        }
    }
}

fn expect_symbol(artifact: &Artifact, name: &str, place: impl FnOnce() -> String, findings: &mut Findings) {
    if !artifact.symbols.contains_key(name) {
        findings.add(place, || format!("{} is not in symbols", shown(name)));
    }
}
