//! `cargo xtask bench`: what molt costs, measured side by side with runs that are not traced, and written to
//! docs/performance.md with the command that measured it.

mod chains;
mod page;
mod pairs;
mod pyperformance;
mod slowdown;
mod statistics;
mod times;
mod tracer;
mod walk;
mod watch;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::{packages, privilege, project};
use tracer::Tracer;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure in a minute or two, with few repetitions, and print the figures only.
    #[arg(long)]
    quick: bool,
    /// The interpreter to trace; without it the system's own, or the newest.
    #[arg(long)]
    python: Option<PathBuf>,
}

/// How often and how long each thing is measured.
struct Effort {
    /// Pairs of runs, bare and traced, of each benchmark program.
    pairs: usize,
    /// Timed values that a benchmark program takes in each run.
    values: usize,
    /// Pairs of short runs: start-up, and the time from the program's end to the file.
    short_pairs: usize,
    /// Time in seconds that the tracer is watched for its memory and processor time, and its walks are timed.
    watched: u32,
}

const THOROUGH: Effort = Effort { pairs: 9, values: 4, short_pairs: 15, watched: 20 };
const QUICK: Effort = Effort { pairs: 3, values: 1, short_pairs: 5, watched: 20 };

pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(privilege::is_root(), "the benchmarks load eBPF: run them as root");
    packages::ensure(&[&packages::C_COMPILER, &packages::PYTHON])?;
    let effort = if args.quick { &QUICK } else { &THOROUGH };
    let tracer = Tracer::build(args.python.clone())?;
    let folder = project::cache().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;

    let (slowdown, programs) = slowdown::measure(&tracer, effort)?;
    let mut figures = vec![slowdown];
    figures.extend(times::measure(&tracer, effort)?);
    figures.extend(watch::measure(&tracer, effort)?);
    figures.push(walk::measure(&tracer, effort)?);
    let page = page::text(&tracer, &figures, &programs)?;
    println!("\n{page}");
    if !args.quick {
        let path = project::root().join("docs/performance.md");
        fs::write(&path, page).with_context(|| format!("failed to write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    let missed: Vec<_> = figures.iter().filter(|figure| !figure.is_met()).map(|figure| figure.name).collect();
    if !missed.is_empty() {
        println!("goals not met: {}", missed.join(", "));
    }
    Ok(())
}
