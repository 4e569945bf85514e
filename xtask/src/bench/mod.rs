//! `cargo xtask bench`: what molt costs, measured side by side with runs that are not traced, and written to
//! docs/performance.md with the command that measured it.

mod bystander;
mod chains;
mod comparison;
mod environment;
mod estimates;
mod looks;
mod page;
mod pairs;
mod pyperformance;
mod recursion;
mod service;
mod sites;
mod statistics;
mod times;
mod tools;
mod tracer;
mod walk;
mod watch;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::{packages, privilege, project};
use comparison::Comparison;
use tools::Tool;
use tracer::Tracer;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure in a minute or two, with few repetitions, and print the figures only.
    #[arg(long)]
    quick: bool,
    /// The interpreter to trace; without it one that all the tools of the comparison run on.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Measure only this, and print the figures only. Can be given several times.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Write what was measured to docs/performance.md, though it is not everything.
    #[arg(long, conflicts_with = "quick")]
    write: bool,
    /// Compare on these programs only. Can be given several times.
    #[arg(long)]
    program: Vec<String>,
    /// Compare these tools only. Can be given several times.
    #[arg(long, value_enum, value_name = "NAME")]
    tool: Vec<Tool>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// What a call costs in exact mode.
    Call,
    /// molt's modes beside other tools.
    Tools,
    /// Estimated calls beside counted ones.
    Estimates,
    /// Another process of the same interpreter.
    Bystander,
    /// Requests to a service.
    Service,
    /// molt's memory on many calls.
    Sites,
    /// Start-up and end.
    Times,
    /// molt's memory and processor time while it samples.
    Watch,
    /// Looks at a large program.
    Looks,
    /// One sample.
    Walk,
}

/// How often and how long each thing is measured.
struct Effort {
    /// Pairs of runs, bare and traced.
    pairs: usize,
    /// Rounds of runs of each benchmark program under each tool.
    rounds: usize,
    /// Those in which tools that slow it down several times take part.
    heavy_rounds: usize,
    /// Timed values that a benchmark program takes in each run.
    values: usize,
    /// Pairs of short runs: start-up, and the time from the program's end to the file.
    short_pairs: usize,
    /// Time in seconds that the tracer is watched for its memory and processor time, and its walks are timed.
    watched: u32,
}

const THOROUGH: Effort =
    Effort { pairs: 9, rounds: 9, heavy_rounds: 3, values: 4, short_pairs: 15, watched: 20 };
const QUICK: Effort = Effort { pairs: 3, rounds: 1, heavy_rounds: 1, values: 1, short_pairs: 5, watched: 20 };

pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(privilege::is_root(), "the benchmarks load eBPF: run them as root");
    packages::ensure(&[&packages::C_COMPILER, &packages::PYTHON])?;
    let effort = if args.quick { &QUICK } else { &THOROUGH };
    let tracer = Tracer::build(args.python.clone())?;
    let folder = project::cache().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;

    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let mut figures = Vec::new();
    let mut table = None;
    if wanted(Part::Call) {
        figures.extend(recursion::measure(&tracer, effort)?);
    }
    if wanted(Part::Tools) {
        let comparison = Comparison::measure(&tracer, effort, &args.program, &args.tool)?;
        figures.extend(comparison.figures());
        table = Some(comparison);
    }
    if wanted(Part::Estimates) {
        figures.extend(estimates::measure(&tracer, effort, &args.program)?);
    }
    if wanted(Part::Bystander) {
        figures.push(bystander::measure(&tracer, effort)?);
    }
    if wanted(Part::Service) {
        figures.push(service::measure(&tracer, effort)?);
    }
    if wanted(Part::Sites) {
        figures.push(sites::measure(&tracer)?);
    }
    if wanted(Part::Times) {
        figures.extend(times::measure(&tracer, effort)?);
    }
    if wanted(Part::Watch) {
        figures.extend(watch::measure(&tracer, effort)?);
    }
    if wanted(Part::Looks) {
        figures.extend(looks::measure(&tracer, effort)?);
    }
    if wanted(Part::Walk) {
        figures.push(walk::measure(&tracer, effort)?);
    }
    let path = project::root().join("docs/performance.md");
    let is_all = !args.quick && args.only.is_empty() && args.program.is_empty() && args.tool.is_empty();
    let before = if args.write { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let page = page::text(&tracer, &figures, table.as_ref(), &before)?;
    println!("\n{page}");
    if is_all || args.write {
        fs::write(&path, page).with_context(|| format!("failed to write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    let missed: Vec<_> = figures.iter().filter(|figure| !figure.is_met()).map(|figure| figure.name).collect();
    if !missed.is_empty() {
        println!("goals not met: {}", missed.join(", "));
    }
    Ok(())
}
