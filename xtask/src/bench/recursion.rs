//! What a call costs while each of them is seen: a program that does nothing but call, 100 deep.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Effort;
use super::page::Figure;
use super::pairs::{self, Kind};
use super::statistics::median;
use super::tools::Tool;
use super::tracer::Tracer;
use crate::{command, project};

/// Its arguments: seconds to warm up, seconds to measure, and the file to write to.
///
/// The innermost call takes the time, so that the way down has only beginnings of calls in it and the way up only
/// ends.
const PROGRAM: &str = "\
import json
import sys
import time

wall = time.perf_counter
cpu = time.process_time


def descend(left):
    return cpu() if left == 0 else descend(left - 1)


def measure(seconds):
    start = now = wall()
    rounds = down = up = 0
    while now < start + seconds:
        for _ in range(20):
            begin = cpu()
            bottom = descend(99)
            end = cpu()
            down += bottom - begin
            up += end - bottom
        rounds += 20
        now = wall()
    return {'down': down / rounds / 100, 'up': up / rounds / 100, 'wall': (now - start) / rounds}


measure(float(sys.argv[1]))
result = measure(float(sys.argv[2]))
with open(sys.argv[3], 'w') as file:
    json.dump(result, file)
";

/// How long a run is measured, after a second in which `auto` spends what it may spend at once.
const SECONDS: &str = "1.5";

/// What a run has measured.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    /// Processor time of the beginning of a call, in seconds.
    down: f64,
    /// Processor time of the end of a call, in seconds.
    up: f64,
    /// Time of a descent and its way back, in seconds.
    pub wall: f64,
}

impl Run {
    /// Processor time of a call, in seconds.
    pub(crate) fn per_call(&self) -> f64 {
        self.down + self.up
    }
}

/// Writes the program.
pub(crate) fn write() -> Result<()> {
    let path = script();
    fs::write(&path, PROGRAM).with_context(|| format!("failed to write {}", path.display()))
}

fn script() -> PathBuf {
    project::cache().join("bench/recursion.py")
}

/// Runs the program once under `tool`.
pub(crate) fn run(tracer: &Tracer, tool: Tool, python: &Path) -> Result<Run> {
    let result = project::cache().join("bench/recursion.json");
    let (script, result_text) = (script().display().to_string(), result.display().to_string());
    let mut command = tool.command(tracer, python, &[&script, "1", SECONDS, &result_text])?;
    command::run(&mut command)?;
    let text = fs::read(&result).with_context(|| format!("{script} wrote no result"))?;
    let result: Value = serde_json::from_slice(&text)?;
    let field = |name: &str| {
        result.get(name).and_then(Value::as_f64).with_context(|| format!("the result lacks {name}"))
    };
    Ok(Run { down: field("down")?, up: field("up")?, wall: field("wall")? })
}

/// What exact counting adds to a call.
pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Vec<Figure>> {
    println!("cost of a call, {} pairs", effort.pairs);
    write()?;
    let pairs = pairs::measure(effort.pairs, |kind| {
        let tool = if kind == Kind::Bare { Tool::Bare } else { Tool::Exact };
        run(tracer, tool, &tracer.python)
    })?;
    let added = |part: fn(&Run) -> f64| {
        let differences: Vec<_> =
            pairs.iter().map(|pair| (part(&pair.traced) - part(&pair.bare)) * 1e6).collect();
        median(&differences)
    };
    Ok(vec![
        Figure {
            name: "exact: beginning of a call",
            value: added(|run| run.down),
            unit: "µs",
            goal: 0.75,
            how: "recursion 100 deep, the way down; median of paired differences of the processor time per call",
        },
        Figure {
            name: "exact: beginning and end of a call",
            value: added(Run::per_call),
            unit: "µs",
            goal: 1.5,
            how: "the same, the way up as well",
        },
    ])
}
