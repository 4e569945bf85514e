//! How near the default mode's estimates are to the truth, which exact mode counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::page::Figure;
use super::pyperformance::{PROGRAMS, Suite};
use super::statistics::{median, quantile};
use super::tools::Tool;
use super::tracer::{self, Tracer};
use super::{Effort, environment};

/// Timed values of a run, for one of a few seconds.
const VALUES: usize = 8;
/// Most runs of the default mode for one of exact mode: each has many functions.
const MOST_RUNS: usize = 5;
/// Calls from which on an estimate must be good.
const OFTEN: u64 = 10_000;
/// Share of the self time from which on a function must be seen with its callers and types.
const HOT: f64 = 0.01;

/// What one program's runs have shown.
struct Compared {
    /// What was estimated over what was counted, less one, of every function and run.
    off: Vec<f64>,
    /// Hot functions, and those of them that no call site with types calls.
    hot: usize,
    unseen: usize,
}

pub(crate) fn measure(tracer: &Tracer, effort: &Effort, wanted: &[String]) -> Result<Vec<Figure>> {
    let python = environment::install(&tracer.python)?;
    let suite = Suite::copy(&python)?;
    let mut all = Compared { off: Vec::new(), hot: 0, unseen: 0 };
    for program in PROGRAMS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == program.0) {
            continue;
        }
        let traced = |tool| -> Result<Value> {
            suite.run(tracer, tool, program, VALUES)?;
            let text = fs::read(tracer::artifact()).context("failed to read the artifact")?;
            Ok(serde_json::from_slice(&text)?)
        };
        let exact = traced(Tool::Exact)?;
        let truth = calls(&exact);
        for _ in 0..effort.rounds.min(MOST_RUNS) {
            let artifact = traced(Tool::Auto)?;
            let seen = compare(&truth, &artifact);
            println!(
                "{}: {} functions, estimates off by {:+.0} % in the middle, from {:+.0} to {:+.0} %; {} of {} hot ones unseen",
                program.0,
                seen.off.len(),
                100.0 * median(&seen.off),
                100.0 * quantile(&seen.off, 0.0),
                100.0 * quantile(&seen.off, 1.0),
                seen.unseen,
                seen.hot,
            );
            all.off.extend(seen.off);
            all.hot += seen.hot;
            all.unseen += seen.unseen;
        }
    }
    let distance: Vec<f64> = all.off.iter().map(|off| 100.0 * off.abs()).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few functions")]
    let unseen = 100.0 * all.unseen as f64 / all.hot.max(1) as f64;
    let how = "of functions called more than 10,000 times in the programs below, beside exact mode's counts";
    Ok(vec![
        Figure {
            name: "auto: estimates of calls, off in the middle",
            value: median(&distance),
            unit: "%",
            goal: 20.0,
            how,
        },
        Figure {
            name: "auto: nine of ten estimates, off by at most",
            value: quantile(&distance, 0.9),
            unit: "%",
            goal: 20.0,
            how,
        },
        Figure {
            name: "auto: hot functions without types",
            value: unseen,
            unit: "%",
            goal: 0.0,
            how: "of functions with more than 1 % of the self time: those that no call site with signatures calls",
        },
    ])
}

/// Calls of each function, counted or estimated.
fn calls(artifact: &Value) -> BTreeMap<&str, u64> {
    let counts = artifact["call_counts"].as_object().into_iter().flatten();
    counts.filter_map(|(name, count)| Some((name.as_str(), count.as_u64()?))).collect()
}

fn compare(truth: &BTreeMap<&str, u64>, artifact: &Value) -> Compared {
    let estimated = calls(artifact);
    let off = |(name, counted): (&&str, &u64)| {
        let seen = estimated.get(name).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let ratio = seen as f64 / *counted as f64;
        (*counted > OFTEN).then_some(ratio - 1.0)
    };
    let hot = hot(artifact);
    let typed = typed(artifact);
    let unseen = hot.iter().filter(|name| !typed.contains(*name)).count();
    Compared { off: truth.iter().filter_map(off).collect(), hot: hot.len(), unseen }
}

/// Functions with much of the self time. Nothing calls a module.
fn hot(artifact: &Value) -> Vec<&str> {
    let rows = artifact["hotspots"].as_array().into_iter().flatten();
    let is_hot = |row: &&Value| row["score"].as_f64().is_some_and(|score| score > HOT);
    let names = rows.filter(is_hot).filter_map(|row| row["symbol"].as_str());
    names.filter(|name| !name.ends_with("<module>")).collect()
}

/// Functions that were called with types seen.
fn typed(artifact: &Value) -> BTreeSet<&str> {
    let sites = artifact["call_sites"].as_array().into_iter().flatten();
    let targets = sites.filter_map(|site| site["targets"].as_array()).flatten();
    let is_typed = |target: &&Value| target["signatures"].as_array().is_some_and(|all| !all.is_empty());
    targets.filter(is_typed).filter_map(|target| target["symbol"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is too much, too little and not there at all is found, and a hot function needs types, not only a call.
    #[test]
    fn estimates_are_set_beside_counts() {
        let exact = json!({"call_counts": {"m.f": 20_000, "m.g": 20_000, "m.h": 20_000, "m.rare": 10_000}});
        let auto = json!({
            "call_counts": {"m.f": 30_000, "m.g": 10_000, "m.other": 5},
            "hotspots": [
                {"symbol": "m.f", "score": 0.6},
                {"symbol": "m.g", "score": 0.3},
                {"symbol": "m.<module>", "score": 0.095},
                {"symbol": "m.h", "score": 0.005},
            ],
            "call_sites": [{"targets": [
                {"symbol": "m.f", "signatures": [{"args": []}]},
                {"symbol": "m.g"},
            ]}],
        });
        let compared = compare(&calls(&exact), &auto);
        assert_eq!(compared.off, [0.5, -0.5, -1.0]);
        assert_eq!((compared.hot, compared.unseen), (2, 1));
    }
}
