use super::*;
use crate::model::EventKind;
use crate::quantity::Millis;
use crate::tests::full::full;

fn signature(name: &str, count: u64) -> Signature {
    Signature { args: vec![name.to_owned()], ret: None, count }
}

fn event(micros: u64, what: EventKind) -> Event {
    Event { t_ms: Millis::from_micros(micros), process: None, what }
}

// Whatever order the stages before hand over, the file is the same.
#[test]
fn order_in_changes_nothing() {
    let expected = full();
    let mut artifact = expected.clone();
    artifact.call_sites.reverse();
    artifact.call_sites.iter_mut().for_each(|site| site.targets.reverse());
    artifact.hotspots.reverse();
    artifact.events.reverse();
    artifact.symbols.values_mut().for_each(|symbol| symbol.effects.reverse());
    artifact.modules.values_mut().for_each(|module| module.mutations.reverse());
    artifact.types.values_mut().for_each(|facts| {
        facts.forms.reverse();
        facts.attrs.values_mut().for_each(|attribute| {
            attribute.types.reverse();
            attribute.class_types.reverse();
        });
    });
    assert_ne!(artifact, expected);
    artifact.normalize();
    assert_eq!(artifact, expected);
    artifact.normalize();
    assert_eq!(artifact, expected, "doing it again changed something");
}

// The cap is per site, over all its targets; the rarest signatures go and are counted.
#[test]
fn the_commonest_signatures_of_a_site_are_kept() {
    let mut artifact = full();
    let site = &mut artifact.call_sites[0];
    site.signatures_dropped = 0;
    site.targets.truncate(2);
    for (target, base) in site.targets.iter_mut().zip([100, 110]) {
        target.signatures = (0..20).map(|extra| signature(&format!("t{extra:02}"), base + extra)).collect();
    }
    artifact.normalize();
    let site = &artifact.call_sites[0];
    assert_eq!(site.signatures_dropped, 8);
    let kept: Vec<usize> = site.targets.iter().map(|target| target.signatures.len()).collect();
    assert_eq!(kept, [12, 20], "counts below 108 belong to the first target alone");
    assert!(site.targets[0].signatures.is_sorted_by(|left, right| left.count > right.count));
}

// A flood of imports must not hide how the run ended.
#[test]
fn frequent_events_are_dropped_before_rare_ones() {
    let mut artifact = full();
    artifact.collector.dropped.clear();
    artifact.events = (0..).take(MAX_EVENTS + 5).map(|at| event(at, EventKind::WindowOpen)).collect();
    artifact.events.push(event(1_000_000, EventKind::Signal { signal: "SIGKILL".to_owned() }));
    artifact.normalize();
    assert_eq!(artifact.events.len(), MAX_EVENTS);
    assert_eq!(artifact.collector.dropped["events"], 6);
    assert!(matches!(artifact.events.last().unwrap().what, EventKind::Signal { .. }));
    assert_eq!(artifact.events[MAX_EVENTS - 2].t_ms, Millis::from_micros(MAX_EVENTS as u64 - 2));
}

// Sites seen least go, and the rest stands along the source again.
#[test]
fn the_most_often_seen_call_sites_are_kept() {
    let mut artifact = full();
    let mut site = artifact.call_sites[0].clone();
    site.targets.truncate(1);
    site.targets[0].signatures.clear();
    let dropped = format!("{}#ret", Sha256Hash::of(b"another site"));
    let container = artifact.containers["app.f#ret"].clone();
    artifact.containers.insert(dropped.clone(), container);
    artifact.call_sites = (0..3)
        .chain(0..)
        .take(MAX_CALL_SITES + 3)
        .map(|line| {
            site.line = line;
            site.targets[0].count = if line < 2 { 1 } else { 2 };
            site.clone()
        })
        .collect();
    artifact.normalize();
    assert_eq!(artifact.call_sites.len(), MAX_CALL_SITES);
    assert!(artifact.containers.contains_key(&format!("{}#ret", site.id)));
    assert!(!artifact.containers.contains_key(&dropped), "it stands at a site that went");
    assert_eq!(artifact.collector.dropped["call_sites"], 3);
    assert_eq!(artifact.call_sites[..3].iter().map(|site| site.line).collect::<Vec<_>>(), [0, 2, 2]);
}

// Ranks count from 1, ties go by name, and rows without allocations have no rank by them.
#[test]
fn ranks_follow_time_and_bytes() {
    let mut artifact = full();
    let row = artifact.hotspots[0].clone();
    artifact.hotspots = [("app.b", 5, Some(1)), ("app.a", 5, None), ("app.c", 9, Some(7))]
        .map(|(symbol, micros, alloc_bytes)| Hotspot {
            symbol: symbol.to_owned(),
            time_ms: Millis::from_micros(micros),
            alloc_bytes,
            alloc_bytes_est: None,
            ..row.clone()
        })
        .to_vec();
    artifact.normalize();
    let ranks: Vec<_> =
        artifact.hotspots.iter().map(|row| (row.symbol.as_str(), row.rank_time, row.rank_alloc)).collect();
    assert_eq!(ranks, [("app.c", 1, Some(1)), ("app.a", 2, None), ("app.b", 3, Some(2))]);
}

// Where there is an estimate it decides: what was seen depends on when windows were open.
#[test]
fn ranks_follow_estimates() {
    let mut artifact = full();
    let row = artifact.hotspots[0].clone();
    artifact.hotspots = [("app.a", 90, Some(100)), ("app.b", 10, Some(1_000))]
        .map(|(symbol, bytes, alloc_bytes_est)| Hotspot {
            symbol: symbol.to_owned(),
            alloc_bytes: Some(bytes),
            alloc_bytes_est,
            ..row.clone()
        })
        .to_vec();
    artifact.normalize();
    let ranks: Vec<_> = artifact.hotspots.iter().map(|row| (row.symbol.as_str(), row.rank_alloc)).collect();
    assert_eq!(ranks, [("app.a", Some(2)), ("app.b", Some(1))]);
}

// Dicts with very many keys, and places with very many kinds of dicts.
#[test]
fn key_sets_are_capped_and_counted() {
    let mut artifact = full();
    let container = artifact.containers.values_mut().next().unwrap();
    let dict = container.dict.as_mut().unwrap();
    dict.key_sets_dropped = 0;
    dict.key_sets = (0..40)
        .map(|count| KeySet {
            keys: (0..70).rev().map(|key| format!("k{key:02}")).collect(),
            key_types: Vec::new(),
            keys_dropped: 0,
            value_types: vec!["int".to_owned()],
            count,
        })
        .collect();
    artifact.normalize();
    let dict = artifact.containers.values().next().unwrap().dict.clone().unwrap();
    assert_eq!((dict.key_sets.len(), dict.key_sets_dropped), (MAX_KEY_SETS, 8));
    assert_eq!(dict.key_sets[0].count, 39);
    assert_eq!((dict.key_sets[0].keys.len(), dict.key_sets[0].keys_dropped), (MAX_KEYS, 6));
    assert_eq!(dict.key_sets[0].keys[0], "k00");
}
