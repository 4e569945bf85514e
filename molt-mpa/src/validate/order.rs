//! Whether every list has its documented order and is within its cap: normalizing must change nothing.
use std::collections::BTreeMap;

use super::{Findings, place};
use crate::model::{Artifact, Hotspot};

const MESSAGE: &str = "a list is not in its documented order or above its cap";

pub(super) fn check(artifact: &Artifact, findings: &mut Findings) {
    let mut normal = artifact.clone();
    normal.normalize();
    compare_maps("modules", &artifact.modules, &normal.modules, findings);
    compare_maps("symbols", &artifact.symbols, &normal.symbols, findings);
    compare_maps("types", &artifact.types, &normal.types, findings);
    compare_maps("containers", &artifact.containers, &normal.containers, findings);
    compare_lists("call_sites", &artifact.call_sites, &normal.call_sites, findings);
    compare_lists("events", &artifact.events, &normal.events, findings);
    compare_lists("collector.windows", &artifact.collector.windows, &normal.collector.windows, findings);
    compare_hotspots(&artifact.hotspots, &normal.hotspots, findings);
}

fn compare_maps<T: PartialEq>(
    section: &str,
    found: &BTreeMap<String, T>,
    normal: &BTreeMap<String, T>,
    findings: &mut Findings,
) {
    for ((name, found), normal) in found.iter().zip(normal.values()) {
        if found != normal {
            findings.add(|| place::of_entry(section, name), || MESSAGE.to_owned());
        }
    }
}

/// Names the first place only: behind it everything may be shifted.
fn compare_lists<T: PartialEq>(section: &str, found: &[T], normal: &[T], findings: &mut Findings) {
    let first_wrong = found.iter().zip(normal).position(|(found, normal)| found != normal);
    let first_above = (found.len() > normal.len()).then_some(normal.len());
    if let Some(index) = first_wrong.or(first_above) {
        findings.add(|| format!(".{section}[{index}]"), || MESSAGE.to_owned());
    }
}

fn compare_hotspots(found: &[Hotspot], normal: &[Hotspot], findings: &mut Findings) {
    for (index, (found, normal)) in found.iter().zip(normal).enumerate() {
        if (&found.symbol, &found.native) != (&normal.symbol, &normal.native) {
            findings
                .add(|| format!(".hotspots[{index}]"), || "row is not in the order of self time".to_owned());
            return;
        }
        if found.rank_time != normal.rank_time {
            findings.add(
                || format!(".hotspots[{index}].rank_time"),
                || format!("rank is {}, by self time it is {}", found.rank_time, normal.rank_time),
            );
        }
        if found.rank_alloc != normal.rank_alloc {
            findings.add(
                || format!(".hotspots[{index}].rank_alloc"),
                || "rank is not that of its bytes allocated".to_owned(),
            );
        }
    }
}
