//! Requests of memory against what tracemalloc says of the same program.
use std::collections::BTreeMap;

use molt_mpa::model::{Artifact, Hotspot, Section, Status};

use crate::support::artifact::{trace, trace_default};
use crate::support::process::Running;
use crate::support::program::script;
use crate::support::pythons::{Interpreter, at_home};

/// Most that all bytes together may be off, in percent.
const PERCENT: u64 = 40;
/// A run that is further off, or has another order, is tried again: there are a dozen windows in it, now and then all of
/// them in its start, and on a busy machine they seem longer than they are, or none is opened.
const RUNS: usize = 6;

/// The five functions of allocations.py that ask for most come in the order in which tracemalloc has them, and what they
/// asked for together is within 40 %. What the kernel maps for the largest of them is there to the byte.
pub(crate) fn allocations_are_ranked_as_tracemalloc_has_them(python: &Interpreter) {
    let expected = told(python);
    let mut ranked: Vec<(&str, u64)> =
        expected.iter().map(|(name, (_, bytes))| (name.as_str(), *bytes)).collect();
    ranked.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let all: u64 = ranked.iter().map(|(_, bytes)| bytes).sum();

    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let (artifact, _) = trace_default(python, &script("allocations"));
        let state = &artifact.collector.sections[Section::HotspotsAlloc.name()];
        if state.status != Status::Sampled {
            runs.push(vec![format!("{state:?}")]);
            continue;
        }
        let rows = rows(&artifact, &expected);
        let is_ranked = rows.iter().map(|(name, _)| *name).eq(ranked.iter().map(|(name, _)| *name));
        for (name, row) in &rows {
            // Each is asked for the same each time, so that the mean of those that were seen is that of all. tracemalloc
            // does not see what is given back.
            let (count, bytes) = expected[*name];
            let (mean, seen) = (bytes / count, row.alloc_bytes.unwrap() / row.alloc_count.unwrap());
            assert!(row.alloc_count_est >= row.alloc_count, "{name}");
            assert!(seen * 10 >= mean * 6 && seen <= mean * 2, "{name}: {seen} bytes each, not {mean}");
        }
        let estimate: u64 = rows.iter().filter_map(|(_, row)| row.alloc_bytes_est).sum();
        let heap: u64 = rows.iter().filter_map(|(_, row)| row.heap_bytes).sum();
        assert!(heap * 10 > all * 8 && heap < all * 2, "{heap} bytes were mapped for {all}");
        if is_ranked && estimate.abs_diff(all) * 100 <= all * PERCENT {
            return;
        }
        let bytes = |(name, row): &(&str, &Hotspot)| format!("{name} {}", row.alloc_bytes_est.unwrap_or(0));
        runs.push(rows.iter().map(bytes).collect::<Vec<_>>());
    }
    panic!("{}: {all} bytes were asked for, {ranked:?}; estimated {runs:?}", python.name);
}

/// Without probes nothing is seen, and the reason is told.
pub(crate) fn allocations_that_are_not_seen_have_a_reason(python: &Interpreter) {
    let (artifact, _) = trace(python, &script("lambdas"));
    let state = &artifact.collector.sections[Section::HotspotsAlloc.name()];
    assert_eq!(state.status, Status::Unavailable);
    assert!(
        state.reason.as_ref().is_some_and(|reason| reason.contains("probes are not placed in this mode"))
    );
    assert!(artifact.hotspots.iter().all(|row| row.alloc_bytes.is_none() && row.rank_alloc.is_none()));
}

/// Blocks and bytes of each function by tracemalloc, in a run of its own.
fn told(python: &Interpreter) -> BTreeMap<String, (u64, u64)> {
    let mut command = python.start();
    at_home(&mut command);
    command.arg("allocations.py").arg("trace");
    let ended = Running::start(&mut command).wait().with_code(0);
    let told: BTreeMap<String, (u64, u64)> = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told.len(), 5, "{told:?}");
    told
}

/// The rows of these functions, by what they asked for.
fn rows<'a>(artifact: &'a Artifact, wanted: &'a BTreeMap<String, (u64, u64)>) -> Vec<(&'a str, &'a Hotspot)> {
    let row = |(name, _): (&'a String, _)| {
        let symbol = format!("__main__.{name}");
        let row = artifact.hotspots.iter().find(|row| row.symbol == symbol);
        (name.as_str(), row.unwrap_or_else(|| panic!("{symbol} asked for nothing")))
    };
    let mut rows: Vec<_> = wanted.iter().map(row).collect();
    rows.sort_by_key(|(_, row)| row.rank_alloc.unwrap_or(u32::MAX));
    rows
}
