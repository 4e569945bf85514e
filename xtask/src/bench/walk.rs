//! What one sample takes in the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::page::Figure;
use super::pairs::Kind;
use super::statistics::median;
use super::tracer::{Tracer, artifact};
use super::watch::field;
use super::{Effort, chains};
use crate::project;

/// The kernel counts the time of eBPF programs while this holds 1 (`Documentation/admin-guide/sysctl/kernel.rst`).
const BPF_STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";
/// `BPF_PROG_TYPE_PERF_EVENT` of `include/uapi/linux/bpf.h`.
const PERF_EVENT: u64 = 7;
/// How often a second the program may run on all CPUs together, so that a look mostly finds one run.
const RUNS: usize = 1000;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_micros(200);

/// What the kernel has counted of a program so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    runs: u64,
    time_ns: u64,
}

/// Samples a program that keeps every CPU busy on a stack of 30 frames, and looks often enough at what the kernel
/// counts that most differences are single runs.
///
/// Some runs find another process on their CPU and end at once. As many as took no sample are left out, the
/// shortest ones; what is left are walks.
pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Figure> {
    println!("walk, {} s", effort.watched);
    chains::write("walk.py", 1, 29)?;
    let stats = StatsOn::new()?;
    let cpus = thread::available_parallelism()?.get();
    let hz = u32::try_from(RUNS / cpus)?.max(10);
    let (seconds, mark) =
        (effort.watched.to_string(), project::cache().join("bench/end").display().to_string());
    let arguments = ["walk.py", &seconds, &mark, "everywhere"];
    let mut molt = tracer.command(Kind::Traced, hz, &tracer.python, &arguments).spawn()?;
    let looked = look(&PathBuf::from(format!("/proc/{}/fdinfo", molt.id())));
    ensure!(molt.wait()?.success(), "tracing walk.py failed");
    drop(stats);
    let (last, single) = looked?;
    let value = median(&walks(single, last.runs, samples()?)) / 1000.0;
    Ok(Figure {
        name: "one sample of 30 frames, in the kernel",
        value,
        unit: "µs",
        goal: 5.0,
        how: "median of single runs of the sampling program that found the program on their CPU, by bpf_stats: \
              thread, walk and record; user space is woken only for code that is new",
    })
}

/// What was counted in the end, and the single runs, in ns.
fn look(infos: &Path) -> Result<(Counted, Vec<u64>)> {
    let (info, mut last) = find(infos)?;
    let mut single = Vec::new();
    // The descriptor goes with molt, or before.
    while let Some(now) = counted(&info) {
        if now.runs == last.runs + 1 {
            single.push(now.time_ns.saturating_sub(last.time_ns));
        }
        last = now;
        thread::sleep(PAUSE);
    }
    ensure!(!single.is_empty(), "no look found a single run of the sampling program");
    Ok((last, single))
}

/// Waits until molt has loaded its sampling program.
fn find(infos: &Path) -> Result<(PathBuf, Counted)> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        for entry in fs::read_dir(infos).into_iter().flatten().flatten() {
            if let Some(counted) = counted(&entry.path()) {
                return Ok((entry.path(), counted));
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    bail!("{} names no program of type perf event", infos.display())
}

fn counted(info: &Path) -> Option<Counted> {
    let text = fs::read_to_string(info).ok()?;
    (field(&text, "prog_type") == Some(PERF_EVENT)).then_some(())?;
    Some(Counted { runs: field(&text, "run_cnt")?, time_ns: field(&text, "run_time_ns")? })
}

/// The runs without the shortest, of which there are as many among `all` as took none of the `samples`.
fn walks(mut runs: Vec<u64>, all: u64, samples: u64) -> Vec<f64> {
    runs.sort_unstable();
    let idle = all.saturating_sub(samples);
    let skip = runs.len() as u64 * idle / all.max(1);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    runs.into_iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).map(|run| run as f64).collect()
}

/// Samples that molt took.
fn samples() -> Result<u64> {
    let text = fs::read(artifact()).context("the traced run wrote no artifact")?;
    let artifact: Value = serde_json::from_slice(&text)?;
    let taken = artifact.pointer("/collector/samples/taken").and_then(Value::as_u64);
    taken.context("the artifact counts no samples")
}

/// Keeps the kernel counting as long as it lives.
struct StatsOn {
    before: String,
}

impl StatsOn {
    fn new() -> Result<Self> {
        let before = fs::read_to_string(BPF_STATS).with_context(|| format!("failed to read {BPF_STATS}"))?;
        fs::write(BPF_STATS, "1").with_context(|| format!("failed to write {BPF_STATS}"))?;
        Ok(Self { before })
    }
}

impl Drop for StatsOn {
    fn drop(&mut self) {
        if let Err(reason) = fs::write(BPF_STATS, &self.before) {
            eprintln!("failed to set {BPF_STATS} back to {}: {reason}", self.before.trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::walks;

    // Of ten runs four took no sample: so did two of the five that were seen alone, the shortest.
    #[test]
    fn runs_that_took_no_sample_are_left_out() {
        assert_eq!(walks(vec![5000, 300, 4900, 200, 5100], 10, 6), [4900.0, 5000.0, 5100.0]);
        assert_eq!(walks(vec![7], 0, 0), [7.0]);
    }
}
