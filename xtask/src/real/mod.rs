//! `cargo xtask real`: programs that others wrote, from the package index, bare and under each of molt's modes. They
//! must do the same, and their artifacts must say what they do.

mod ends;
mod environment;
mod findings;
mod page;
mod programs;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::pythons::Python;
use crate::{command, marks, packages, privilege, project, pythons};
use environment::Environment;
use page::Row;
use programs::{PROGRAMS, Program};
use runs::{Done, Traced};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run a part that takes less than a minute, with molt as built for tests, and print the figures only.
    #[arg(long)]
    short: bool,
    /// Run on this interpreter only, by its name in `cargo xtask pythons`. Can be given several times.
    #[arg(long)]
    python: Vec<String>,
    /// Run only programs whose names contain this. Can be given several times.
    #[arg(long)]
    program: Vec<String>,
    /// Run in this mode only. Can be given several times.
    #[arg(long)]
    mode: Vec<String>,
}

/// What `cargo xtask test` runs.
pub(crate) fn short() -> Args {
    Args { short: true, python: Vec::new(), program: Vec::new(), mode: Vec::new() }
}

/// The interpreter of an environment that has Flask.
pub(crate) fn flask(python: &Path) -> Result<PathBuf> {
    environment::with_packages(python, "flask", &["Flask"])
}

/// molt's modes.
const MODES: [&str; 3] = ["auto", "exact", "sample"];
/// Minor versions of Python, each on one interpreter. Not every package is there for others.
const MINORS: std::ops::RangeInclusive<u32> = 11..=14;
/// The programs and the minor version of the short form.
const SHORT: ([&str; 2], u32) = (["SQLAlchemy", "pytest"], 13);

pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(privilege::is_root(), "this loads eBPF: run it as root");
    packages::ensure(&[&packages::C_COMPILER, &packages::PYTHON])?;
    let molt = build(args.short)?;
    let programs = chosen_programs(args);
    let modes: Vec<_> = MODES
        .into_iter()
        .filter(|mode| args.mode.is_empty() || args.mode.iter().any(|it| it == mode))
        .collect();
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for base in interpreters(args)? {
        let environment = Environment::install(&base, &programs)?;
        for program in &programs {
            let (bare, _) = runs::run(program, &environment, None)?;
            ensure!(bare.is_usual(), "{} does not run on {}", program.name, base.name);
            for mode in &modes {
                let row = one(program, &environment, &bare, &molt, mode)?;
                println!("{}", row.line());
                faults.extend(row.faults.iter().map(|fault| row.told(fault)));
                rows.push(row);
            }
        }
    }
    let whole = !args.short && args.python.is_empty() && args.program.is_empty() && args.mode.is_empty();
    if whole {
        marks::write("real.md", "real", &page::text(&rows, &molt)?)?;
    }
    if !faults.is_empty() {
        bail!("{} faults\n{}", faults.len(), faults.join("\n"));
    }
    Ok(())
}

/// Runs a program once in a mode, and looks at what came of it.
fn one(
    program: &Program,
    environment: &Environment,
    bare: &Done,
    molt: &Path,
    mode: &'static str,
) -> Result<Row> {
    let artifact = environment::scratch().join("artifact.json");
    if artifact.exists() {
        fs::remove_file(&artifact)?;
    }
    let (done, after) = runs::run(program, environment, Some(Traced { molt, mode, artifact: &artifact }))?;
    let mut faults = bare.differences(&done);
    let text = fs::read(&artifact)
        .with_context(|| format!("no artifact of {}: {}", program.name, faults.join("; ")))?;
    let mut validate = Command::new(molt);
    let found = validate.arg("validate").arg(&artifact).output()?;
    if !found.status.success() {
        let said =
            String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr);
        faults.extend(said.lines().take(5).map(str::to_owned));
    }
    let value = serde_json::from_slice(&text)?;
    faults.extend(findings::faults(&value, &program.facts, mode == "exact"));
    Ok(Row {
        program: program.name,
        python: environment.name.clone(),
        mode,
        figures: findings::figures(&value),
        bytes: text.len(),
        after,
        faults,
    })
}

/// molt as it is shipped, or as the tests have built it.
fn build(for_tests: bool) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--bin", "molt"]).args((!for_tests).then_some("--release"));
    command::run(cargo.current_dir(project::root()))?;
    Ok(project::target()?.join(if for_tests { "debug/molt" } else { "release/molt" }))
}

fn chosen_programs(args: &Args) -> Vec<&'static Program> {
    let short = if args.short { SHORT.0.map(str::to_owned).to_vec() } else { Vec::new() };
    let wanted = if args.program.is_empty() { &short } else { &args.program };
    let is_wanted =
        |program: &&Program| wanted.is_empty() || wanted.iter().any(|part| program.name.contains(&**part));
    PROGRAMS.iter().filter(is_wanted).collect()
}

/// The interpreters: those that were named, else for each version the system's own, or pyenv's, or what was fetched.
fn interpreters(args: &Args) -> Result<Vec<Python>> {
    let mut pythons = pythons::at_hand()?;
    if !args.python.is_empty() {
        pythons.retain(|python| args.python.contains(&python.name));
        ensure!(!pythons.is_empty(), "none of the interpreters is called {}", args.python.join(" or "));
        return Ok(pythons);
    }
    let minors = if args.short { SHORT.1..=SHORT.1 } else { MINORS };
    pythons.retain(|python| minors.contains(&python.version[1]) && !python.free_threaded);
    pythons.sort_by_key(|python| {
        let rank = ["system", "pyenv"].iter().position(|from| *from == python.from).unwrap_or(2);
        (python.version[1], rank, std::cmp::Reverse(python.version))
    });
    pythons.dedup_by_key(|python| python.version[1]);
    ensure!(!pythons.is_empty(), "found no Python 3.{} to 3.{}", minors.start(), minors.end());
    Ok(pythons)
}
