//! `cargo xtask fuzz`: random input for every parser of foreign bytes.
//!
//! The instrumentation is asked of stable rustc by its own flags, so that no nightly toolchain is needed. No
//! sanitizer: the parsers contain no unsafe code, and what is looked for is a panic, a hang, an overflow or an
//! allocation without bound.

mod seeds;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::{command, packages, project};

/// Longest time for one input, in seconds, and most memory in MiB. How much one allocation may take, the targets'
/// allocator decides.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// What a fuzzing engine needs to see which branches an input takes.
const INSTRUMENTATION: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Processor time in seconds for all targets together.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// The targets to run: files of tests/fuzz/targets, without `.rs`. All if none is named.
    targets: Vec<String>,
}

/// What `cargo xtask test` runs: long enough that those over a process's memory have more than a minute together.
pub(crate) const SHORT: Args = Args { seconds: 110, targets: Vec::new() };

pub(crate) fn run(args: &Args) -> Result<()> {
    packages::ensure(&[&packages::C_COMPILER, &packages::CPP_COMPILER])?;
    let known = targets()?;
    let chosen = if args.targets.is_empty() { &known } else { &args.targets };
    for name in chosen {
        ensure!(known.contains(name), "no target {name} in tests/fuzz/targets: {}", known.join(", "));
    }
    let binaries = build()?;
    check_allocator(&binaries.join("check_allocation"))?;
    let each = each(args.seconds, chosen.len());
    // An engine has one thread, and all of them take the same time.
    let together = thread::available_parallelism()?.get();
    for names in chosen.chunks(together) {
        thread::scope(|scope| {
            let mut engines = Vec::new();
            for name in names {
                let binary = binaries.join(name);
                engines.push(scope.spawn(move || fuzz(name, &binary, each)));
            }
            engines
                .into_iter()
                .try_for_each(|engine| engine.join().unwrap_or_else(|_| bail!("a thread panicked")))
        })?;
    }
    Ok(())
}

/// Time in seconds for one of so many targets.
fn each(seconds: u64, targets: usize) -> u64 {
    (seconds / targets as u64).max(1)
}

fn folder() -> PathBuf {
    project::root().join("tests/fuzz")
}

fn targets() -> Result<Vec<String>> {
    let targets = folder().join("targets");
    let entries = fs::read_dir(&targets).with_context(|| format!("failed to read {}", targets.display()))?;
    let mut names: Vec<_> =
        entries.flatten().filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// Builds all targets; the folder of their executables.
fn build() -> Result<PathBuf> {
    let rustc = command::output(Command::new("rustc").arg("-vV"))?;
    let host =
        rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    let target = project::cache().join("build/fuzz");
    let mut cargo = Command::new("cargo");
    // A named target keeps the instrumentation out of build scripts and macros.
    cargo.args(["build", "--locked", "--release", "--bins", "--target", host]).current_dir(folder());
    cargo.env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\x1f")).env("CARGO_TARGET_DIR", &target);
    command::run(&mut cargo)?;
    Ok(target.join(host).join("release"))
}

/// The largest allocation is no fault, and one byte more is: otherwise none would ever be found.
fn check_allocator(binary: &Path) -> Result<()> {
    let folder = project::cache().join("fuzz");
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let input = folder.join("allocation");
    for beyond in [0, 1] {
        fs::write(&input, [beyond]).with_context(|| format!("failed to write {}", input.display()))?;
        let passes = command::succeeds(Command::new(binary).arg(&input));
        ensure!(passes == (beyond == 0), "an allocation {beyond} bytes beyond the bound: passes = {passes}");
    }
    Ok(())
}

fn fuzz(name: &str, binary: &Path, seconds: u64) -> Result<()> {
    // What the engine finds worth keeping; a later run begins where this one ended.
    let found = project::cache().join("fuzz").join(name);
    fs::create_dir_all(&found).with_context(|| format!("failed to create {}", found.display()))?;
    seeds::write(name, &found)?;
    let faults = project::cache().join("fuzz/faults");
    fs::create_dir_all(&faults).with_context(|| format!("failed to create {}", faults.display()))?;

    let log = faults.join(format!("{name}.log"));
    let output = File::create(&log).with_context(|| format!("failed to create {}", log.display()))?;
    let mut engine = Command::new(binary);
    engine.args(LIMITS).arg(format!("-max_total_time={seconds}"));
    engine.args(["-print_final_stats=1", "-verbosity=0", "-print_funcs=0", "-max_len=262144"]);
    engine.arg(format!("-artifact_prefix={}/{name}-", faults.display())).arg(&found);
    let result = command::run(engine.stdout(output.try_clone()?).stderr(output));
    let said = fs::read_to_string(&log).with_context(|| format!("failed to read {}", log.display()))?;
    if result.is_err() {
        println!("{said}");
    }
    println!("{name:<16} {seconds:>4} s, {} inputs", statistic(&said, "number_of_executed_units"));
    result.with_context(|| {
        format!(
            "target {name} found a fault: its input is named above\nRun it alone with `{} INPUT`.",
            binary.display()
        )
    })
}

/// A number that the engine printed at its end.
fn statistic<'a>(said: &'a str, name: &str) -> &'a str {
    let value =
        said.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':'));
    value.map_or("an unknown number of", str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The walk and the symbolizer read any memory: together they are fuzzed for at least a minute.
    #[test]
    fn targets_over_memory_have_a_minute() {
        let names = targets().unwrap();
        let source =
            |name: &String| fs::read_to_string(folder().join("targets").join(name).with_extension("rs"));
        let over_memory =
            names.iter().filter(|name| source(name).unwrap().contains("symbolize::fuzz")).count();
        assert!(over_memory >= 7, "{names:?}");
        assert!(each(SHORT.seconds, names.len()) * over_memory as u64 >= 60);
    }
}
