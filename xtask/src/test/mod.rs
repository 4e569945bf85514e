//! `cargo xtask test`: everything that must hold before a change is done, in an order that finds the cheap
//! faults first.

mod steps;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{failure, live};
use steps::{Outcome, STEPS, Step};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run these steps only, in the usual order.
    #[arg(value_parser = STEPS.map(|step| step.name))]
    steps: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| args.steps.is_empty() || args.steps.iter().any(|name| name == step.name))
        .collect();
    let begin = Instant::now();
    let mut report = Vec::new();
    let mut failed = None;
    for (index, step) in chosen.iter().enumerate() {
        println!("\n=== {}/{} {}: {}", index + 1, chosen.len(), step.name, step.what);
        let begin = Instant::now();
        let outcome = (step.work)().and_then(require);
        report.push(line(step, &outcome, begin.elapsed()));
        if let Err(reason) = &outcome {
            println!("=== {} failed: {}", step.name, failure::text(reason));
            failed = Some(step.name);
            break;
        }
    }
    println!("\n=== summary");
    println!("{}", report.join("\n"));
    for step in chosen.iter().skip(report.len()) {
        println!("{:<14} not run", step.name);
    }
    println!("{} of {} steps in {} s", report.len(), chosen.len(), begin.elapsed().as_secs());
    match failed {
        None => Ok(()),
        Some(step) => bail!("step {step} failed\nRun it alone with `cargo xtask test {step}`."),
    }
}

/// Where everything is required, what was left out has failed.
fn require(outcome: Outcome) -> Result<Outcome> {
    match outcome {
        Outcome::LeftOut(reason) if live::is_required() => bail!("{reason}"),
        outcome => Ok(outcome),
    }
}

fn line(step: &Step, outcome: &Result<Outcome>, took: Duration) -> String {
    let said = match outcome {
        Ok(Outcome::Passed) => "passed".to_owned(),
        Ok(Outcome::LeftOut(reason)) => format!("left out: {reason}"),
        Err(_) => "FAILED".to_owned(),
    };
    format!("{:<14} {:>5} s  {said}", step.name, took.as_secs())
}
