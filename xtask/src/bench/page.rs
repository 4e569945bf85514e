//! The page that the figures are written to.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;

use super::comparison::Comparison;
use super::tracer::Tracer;
use crate::command;

/// A figure that has a goal. Less is better.
pub(crate) struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub goal: f64,
    pub how: &'static str,
}

impl Figure {
    pub(crate) fn is_met(&self) -> bool {
        self.value <= self.goal
    }
}

pub(crate) fn text(tracer: &Tracer, figures: &[Figure], comparison: Option<&Comparison>) -> Result<String> {
    let mut page =
        String::from("# What molt costs\n\nMeasured with `cargo xtask bench`, which writes this page.\n\n");
    writeln!(page, "{}\n", machine(tracer)?)?;
    writeln!(page, "| figure | measured | goal | how |\n|---|--:|--:|---|")?;
    for Figure { name, value, unit, goal, how } in figures {
        let digits = if *goal < 2.0 { 3 } else { 1 };
        writeln!(page, "| {name} | {value:.digits$} {unit} | {goal} {unit} | {how} |")?;
    }
    if let Some(comparison) = comparison {
        page.push_str(&comparison.table()?);
    }
    writeln!(
        page,
        "\nEach pair is a run without molt and one with it, close together, in alternating order."
    )?;
    Ok(page)
}

/// What was measured on what.
fn machine(tracer: &Tracer) -> Result<String> {
    let molt = command::output(Command::new(&tracer.molt).arg("--version"))?;
    let python = command::output(Command::new(&tracer.python).arg("--version"))?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    Ok(format!(
        "{}, {}, Linux {}, {} processors ({}).",
        molt.trim(),
        python.trim(),
        kernel.trim(),
        thread::available_parallelism()?,
        model.unwrap_or("model unknown").trim()
    ))
}
