//! `cargo xtask soak`: the tests that nothing is harmed, in their long form, and what they measured.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{command, live, marks, project};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often molt comes and goes, is killed, and loses its target
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    cycles: u32,
}

/// The tests, by parts of their names.
const TESTS: [&str; 4] = ["nothing_is_harmed", "two_molts_watch", "stand_still", "stays_flat"];

pub(crate) fn run(args: &Args) -> Result<()> {
    let figures = project::target()?.join("soak-figures");
    if figures.exists() {
        fs::remove_file(&figures)?;
    }
    let began = Instant::now();
    for test in TESTS {
        let variables = [
            ("MOLT_SOAK_CYCLES", args.cycles.to_string()),
            ("MOLT_SOAK_FIGURES", figures.display().to_string()),
        ];
        live::run_with(&live::Args::released(test), &variables)?;
    }
    let figures =
        fs::read_to_string(&figures).with_context(|| format!("failed to read {}", figures.display()))?;
    let text = page(&figures, args.cycles, began.elapsed().as_secs())?;
    marks::write("reliability.md", "soak", &text)
}

/// The figures as a table, and what they were measured on.
fn page(figures: &str, cycles: u32, seconds: u64) -> Result<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let date = command::output(Command::new("date").arg("+%F"))?;
    let mut page = format!(
        "{}, Linux {}, {} processors, load at the end {load}: {cycles} cycles of each kind, {} minutes in all, a \
         release build of molt.\n\n| figure | measured |\n|---|--:|\n",
        date.trim(),
        kernel.trim(),
        std::thread::available_parallelism()?,
        seconds.div_ceil(60),
    );
    for line in figures.lines() {
        let (name, value) = line.split_once('\t').context("a figure has a name and a value")?;
        writeln!(page, "| {name} | {value} |")?;
    }
    Ok(page)
}
