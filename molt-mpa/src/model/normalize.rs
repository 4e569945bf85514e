//! The order of every list, and the caps.
use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Artifact, CallSite, CallTarget, Container, Event, Hotspot, KeySet, Section, Signature, Symbol};
use crate::ids::Sha256Hash;

/// Most signatures of a call site, over all its targets; the commonest are kept.
pub const MAX_SIGNATURES: usize = 32;

/// Most key sets of dicts at one place; the commonest are kept.
pub const MAX_KEY_SETS: usize = 32;

/// Most keys of a key set; the first in order are kept.
pub const MAX_KEYS: usize = 64;

/// Most call sites; the most often seen are kept. More than large programs show, and without signatures about
/// a fifth of [`crate::read::MAX_BYTES`].
pub const MAX_CALL_SITES: usize = 100_000;

/// Most events; those of the frequent kinds go first, from the latest on.
pub const MAX_EVENTS: usize = 10_000;

impl Artifact {
    /// Puts every list into its documented order, gives hotspots their ranks and symbols their first line,
    /// and applies the caps, counting what they cut off. Doing it again changes nothing.
    pub fn normalize(&mut self) {
        for module in self.modules.values_mut() {
            module.mutations.iter_mut().for_each(|mutation| mutation.by.sort());
            module.mutations.sort();
        }
        self.symbols.values_mut().for_each(sort_symbol);
        self.call_sites.iter_mut().for_each(CallSite::normalize);
        let dropped = cap_call_sites(&mut self.call_sites);
        if dropped > 0 {
            self.drop_containers_of_dropped_sites();
        }
        self.count_dropped(Section::CallSites, dropped);
        for facts in self.types.values_mut() {
            for attribute in facts.attrs.values_mut() {
                attribute.types.sort();
                attribute.class_types.sort();
            }
            facts.forms.sort();
            facts.mutations.sort();
        }
        self.containers.values_mut().for_each(sort_container);
        rank(&mut self.hotspots);
        let dropped = cap_events(&mut self.events);
        self.count_dropped(Section::Events, dropped);
        self.collector.windows.sort_by_key(|window| (window.start_ms, window.duration_ms));
    }

    fn drop_containers_of_dropped_sites(&mut self) {
        let ids: BTreeSet<Sha256Hash> = self.call_sites.iter().map(|site| site.id).collect();
        self.containers.retain(|place, _| {
            let owner = place.rsplit_once('#').and_then(|(owner, _)| owner.parse().ok());
            owner.is_none_or(|id| ids.contains(&id))
        });
    }

    fn count_dropped(&mut self, section: Section, count: u64) {
        if count > 0 {
            *self.collector.dropped.entry(section.name().to_owned()).or_default() += count;
        }
    }
}

fn sort_symbol(symbol: &mut Symbol) {
    symbol.codes.sort_by_key(|code| (code.first_line, code.code_hash));
    if let Some(first) = symbol.codes.first() {
        symbol.first_line = Some(first.first_line);
    }
    symbol.effects.sort();
    symbol.exceptions.sort();
}

impl CallSite {
    /// Puts targets and signatures into their documented order and applies the cap on signatures, counting
    /// what it cuts off. Doing it again changes nothing.
    pub fn normalize(&mut self) {
        self.signatures_dropped += cap_signatures(&mut self.targets);
        self.targets.sort_by(|left, right| target_order(left).cmp(&target_order(right)));
        for target in &mut self.targets {
            target.signatures.sort_by(|left, right| signature_order(left).cmp(&signature_order(right)));
        }
    }
}

/// The most often seen first, then by symbol and kind.
pub(crate) fn target_order(target: &CallTarget) -> impl Ord + '_ {
    (Reverse(target.count), &target.symbol, target.kind)
}

/// The commonest first, then by types.
pub(crate) fn signature_order(signature: &Signature) -> impl Ord + '_ {
    (Reverse(signature.count), &signature.args, &signature.ret)
}

/// Along the source text, file by file.
pub(crate) fn site_order(site: &CallSite) -> impl Ord + '_ {
    (&site.file, site.line, site.col, site.end_line, site.end_col, site.id, &site.caller)
}

/// The longest self time first, then by symbol; a C function after the Python function that called it.
pub(crate) fn hotspot_order(row: &Hotspot) -> impl Ord + '_ {
    (Reverse(row.time_ms), &row.symbol, &row.native)
}

/// The commonest first, then by keys.
pub(crate) fn key_set_order(set: &KeySet) -> impl Ord + '_ {
    (Reverse(set.count), &set.keys, set.keys_dropped, &set.key_types, &set.value_types)
}

/// Keeps the [`MAX_SIGNATURES`] commonest signatures of all targets. Returns how many went.
fn cap_signatures(targets: &mut [CallTarget]) -> u64 {
    let total: usize = targets.iter().map(|target| target.signatures.len()).sum();
    if total <= MAX_SIGNATURES {
        return 0;
    }
    let mut all: Vec<(String, Signature)> = Vec::with_capacity(total);
    for target in targets.iter_mut() {
        // Not drained: what is left would keep the room of all.
        let signatures = std::mem::take(&mut target.signatures);
        all.extend(signatures.into_iter().map(|signature| (target.symbol.clone(), signature)));
    }
    all.sort_by(|(left_symbol, left), (right_symbol, right)| {
        (signature_order(left), left_symbol).cmp(&(signature_order(right), right_symbol))
    });
    all.truncate(MAX_SIGNATURES);
    for (symbol, signature) in all {
        if let Some(target) = targets.iter_mut().find(|target| target.symbol == symbol) {
            target.signatures.push(signature);
        }
    }
    (total - MAX_SIGNATURES) as u64
}

fn cap_call_sites(sites: &mut Vec<CallSite>) -> u64 {
    let dropped = sites.len().saturating_sub(MAX_CALL_SITES);
    if dropped > 0 {
        let seen = |site: &CallSite| site.targets.iter().map(|target| target.count).sum::<u64>();
        sites.sort_by(|left, right| {
            (Reverse(seen(left)), site_order(left)).cmp(&(Reverse(seen(right)), site_order(right)))
        });
        sites.truncate(MAX_CALL_SITES);
    }
    sites.sort_by(|left, right| site_order(left).cmp(&site_order(right)));
    dropped as u64
}

fn cap_events(events: &mut Vec<Event>) -> u64 {
    let dropped = events.len().saturating_sub(MAX_EVENTS);
    if dropped > 0 {
        events.sort_by(|left, right| (left.is_frequent(), left).cmp(&(right.is_frequent(), right)));
        events.truncate(MAX_EVENTS);
    }
    events.sort();
    dropped as u64
}

fn sort_container(container: &mut Container) {
    if let Some(dict) = &mut container.dict {
        for set in &mut dict.key_sets {
            set.keys.sort();
            set.keys_dropped += set.keys.len().saturating_sub(MAX_KEYS) as u64;
            set.keys.truncate(MAX_KEYS);
            set.key_types.sort();
            set.value_types.sort();
        }
        dict.key_sets.sort_by(|left, right| key_set_order(left).cmp(&key_set_order(right)));
        dict.key_sets_dropped += dict.key_sets.len().saturating_sub(MAX_KEY_SETS) as u64;
        dict.key_sets.truncate(MAX_KEY_SETS);
    }
    for facts in [&mut container.list, &mut container.tuple, &mut container.set].into_iter().flatten() {
        facts.element_types.sort();
    }
}

/// Sorts rows by self time and numbers them, by time and by bytes allocated.
fn rank(rows: &mut [Hotspot]) {
    rows.sort_by(|left, right| hotspot_order(left).cmp(&hotspot_order(right)));
    for (place, row) in (1..).zip(rows.iter_mut()) {
        row.rank_time = place;
        row.rank_alloc = None;
    }
    let mut by_bytes: Vec<&mut Hotspot> = rows.iter_mut().filter(|row| row.alloc_bytes.is_some()).collect();
    by_bytes.sort_by_key(|row| (Reverse(row.alloc_bytes_est.or(row.alloc_bytes)), row.rank_time));
    for (place, row) in (1..).zip(by_bytes) {
        row.rank_alloc = Some(place);
    }
}

#[cfg(test)]
mod tests;
