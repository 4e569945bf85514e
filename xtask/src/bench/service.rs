//! How many requests a Flask service answers with molt beside it: two clients in another process ask as fast as they
//! are answered.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Effort;
use super::page::Figure;
use super::pairs::{self, Kind};
use super::statistics::median;
use super::tracer::{Tracer, quiet};
use crate::{command, project, real};

/// Requests of a run, some five seconds of them.
const REQUESTS: &str = "4000";

pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Figure> {
    println!("requests to a Flask service, {} pairs", effort.pairs);
    let python = real::flask(&tracer.python)?;
    let rates = pairs::measure(effort.pairs, |kind| rate(tracer, kind, &python))?;
    let ratios: Vec<_> = rates.iter().map(|pair| pair.bare / pair.traced).collect();
    Ok(Figure {
        name: "auto: a Flask service's requests a second, those without molt over those with it",
        value: median(&ratios),
        unit: "times",
        goal: 1.02,
        how: "median of pairs; 4,000 requests of two clients in another process, after 400 to warm up; all on the processors of this machine",
    })
}

/// Requests answered in a second.
fn rate(tracer: &Tracer, kind: Kind, python: &Path) -> Result<f64> {
    let programs = project::root().join("tests/programs/real");
    let mut service = match kind {
        Kind::Bare => quiet(python),
        Kind::Traced => tracer.trace(&["--mode", "auto"], python),
    };
    service.arg(programs.join("flask_service.py"));
    let rate = project::cache().join("bench/rate");
    let mut load: Command = quiet(python);
    load.arg(programs.join("load.py")).arg(REQUESTS).env("LOAD_RATE", &rate);
    command::run(load.arg(service.get_program()).args(service.get_args()))?;
    let text = fs::read_to_string(&rate).with_context(|| format!("failed to read {}", rate.display()))?;
    text.trim().parse().context("the clients wrote no rate")
}
