//! What molt itself takes while it traces: memory, processor time, and the time of its programs in the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::page::Figure;
use super::pairs::Kind;
use super::tracer::{DEFAULT_FREQUENCY, Tracer, artifact};
use super::{Effort, chains};
use crate::project;

/// The kernel counts the time of eBPF programs while this holds 1 (`Documentation/admin-guide/sysctl/kernel.rst`).
const BPF_STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";
/// `BPF_PROG_TYPE_PERF_EVENT` of `include/uapi/linux/bpf.h`.
const PERF_EVENT: u64 = 7;
/// Clock ticks in a second, the unit of /proc/PID/stat: 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// What is seen of molt as long as it runs.
#[derive(Default)]
struct Seen {
    /// Most memory ever resident, in KiB.
    peak_kib: u64,
    /// User and system time, in clock ticks.
    ticks: u64,
    /// Time in the sampling programs, in ns.
    walk_ns: u64,
}

pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Vec<Figure>> {
    println!("memory, processor time and walk, {} s each", effort.watched);
    chains::write("objects.py", 50, 100)?;
    let (seen, wall) = watch(tracer, "objects.py", DEFAULT_FREQUENCY, effort.watched)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let (peak_mb, cpu) =
        (seen.peak_kib as f64 * 1024.0 / 1e6, seen.ticks as f64 / TICKS / wall.as_secs_f64());

    chains::write("walk.py", 1, 29)?;
    let stats = StatsOn::new()?;
    let (seen, _) = watch(tracer, "walk.py", 999, effort.watched)?;
    drop(stats);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let walk_us = seen.walk_ns as f64 / 1000.0 / samples()? as f64;
    Ok(vec![
        Figure {
            name: "molt's memory, 5,000 functions",
            value: peak_mb,
            unit: "MB",
            goal: 60.0,
            how: "most ever resident (VmHWM)",
        },
        Figure {
            name: "molt's share of a core, 5,000 functions",
            value: cpu * 100.0,
            unit: "%",
            goal: 3.0,
            how: "user and system time over the time of the run, start and end included",
        },
        Figure {
            name: "one sample of 30 frames, in the kernel",
            value: walk_us,
            unit: "µs",
            goal: 5.0,
            how: "bpf_stats: time in the sampling program, other processes' samples included, over samples taken",
        },
    ])
}

/// Traces `program` for `seconds` and looks at molt every few milliseconds, since what is to be known of a
/// process is gone with it.
fn watch(tracer: &Tracer, program: &str, frequency: u32, seconds: u32) -> Result<(Seen, Duration)> {
    let mark = project::cache().join("bench/end").display().to_string();
    let arguments = [program, &seconds.to_string(), &mark];
    let begin = Instant::now();
    let mut molt = tracer.command(Kind::Traced, frequency, &tracer.python, &arguments).spawn()?;
    let mut seen = Seen::default();
    let status = loop {
        look(&molt, &mut seen);
        if let Some(status) = molt.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    if !status.success() || seen.peak_kib == 0 {
        bail!("tracing {program} ended with {status}");
    }
    Ok((seen, begin.elapsed()))
}

/// Takes what can be read; a process that has just ended leaves what was seen before.
fn look(molt: &Child, seen: &mut Seen) {
    let folder = PathBuf::from(format!("/proc/{}", molt.id()));
    if let Some(peak) = fs::read_to_string(folder.join("status")).ok().and_then(|text| field(&text, "VmHWM"))
    {
        seen.peak_kib = peak;
    }
    if let Some(ticks) = fs::read_to_string(folder.join("stat")).ok().and_then(|text| cpu_ticks(&text)) {
        seen.ticks = ticks;
    }
    seen.walk_ns = seen.walk_ns.max(walk_ns(&folder));
}

/// The number behind `name:` in a file of /proc.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// `utime` and `stime` of /proc/PID/stat: fields 14 and 15, counted behind the name, which may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// The time of all perf event programs that the process holds.
fn walk_ns(folder: &Path) -> u64 {
    let infos = fs::read_dir(folder.join("fdinfo")).into_iter().flatten().flatten();
    infos
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .filter(|text| field(text, "prog_type") == Some(PERF_EVENT))
        .filter_map(|text| field(&text, "run_time_ns"))
        .sum()
}

/// Samples in the artifact: those of all hot spots' own time.
fn samples() -> Result<u64> {
    let text = fs::read(artifact()).context("the traced run wrote no artifact")?;
    let artifact: Value = serde_json::from_slice(&text)?;
    let hotspots =
        artifact.get("hotspots").and_then(Value::as_array).context("the artifact has no hotspots")?;
    let total = hotspots.iter().filter_map(|hotspot| hotspot.get("samples")?.as_u64()).sum();
    if total == 0 {
        bail!("the artifact has no samples");
    }
    Ok(total)
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
    use super::*;

    // A program's name may look like the fields behind it.
    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) S 1 (b) S 1 42 42 0 -1 4194304 100 0 0 0 7 5 30 40 20 0 1 0 100 200 300";
        assert_eq!(cpu_ticks(stat), Some(12));
        assert_eq!(cpu_ticks("42 (a"), None);
    }

    // Fields stand one a line, with blanks and a unit around the number.
    #[test]
    fn fields_are_found_by_their_whole_name() {
        assert_eq!(field("VmHWMx:\t1 kB\nVmHWM:\t  5120 kB\n", "VmHWM"), Some(5120));
        assert_eq!(field("prog_type:\t7\n", "run_time_ns"), None);
    }
}
