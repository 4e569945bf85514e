//! What molt itself takes while it traces: memory and processor time.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::page::Figure;
use super::pairs::Kind;
use super::tracer::{DEFAULT_FREQUENCY, Tracer};
use super::{Effort, chains};
use crate::command::shown;
use crate::project;

/// Clock ticks in a second, the unit of /proc/PID/stat: 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// What is seen of molt as long as it runs.
#[derive(Default)]
pub(super) struct Seen {
    /// Most memory ever resident, in KiB.
    peak_kib: u64,
    /// User and system time, in clock ticks.
    ticks: u64,
}

impl Seen {
    /// Most memory ever resident, in MB.
    pub(super) fn peak_mb(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let bytes = (self.peak_kib * 1024) as f64;
        bytes / 1e6
    }
}

pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Vec<Figure>> {
    println!("memory and processor time, {} s", effort.watched);
    chains::write("objects.py", 50, 100)?;
    let mark = project::cache().join("bench/end").display().to_string();
    let arguments = ["objects.py", &effort.watched.to_string(), &mark];
    let mut command = tracer.command(Kind::Traced, DEFAULT_FREQUENCY, &tracer.python, &arguments);
    let (seen, wall) = watch(&mut command)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let cpu = seen.ticks as f64 / TICKS / wall.as_secs_f64();
    Ok(vec![
        Figure {
            name: "molt's memory, 5,000 functions",
            value: seen.peak_mb(),
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
    ])
}

/// Runs molt and looks at it every few milliseconds, since what is to be known of a process is gone with it.
pub(super) fn watch(command: &mut Command) -> Result<(Seen, Duration)> {
    let begin = Instant::now();
    let mut molt = command.spawn()?;
    let mut seen = Seen::default();
    let status = loop {
        look(&molt, &mut seen);
        if let Some(status) = molt.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    if !status.success() || seen.peak_kib == 0 {
        bail!("{} ended with {status}", shown(command));
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
}

/// The number behind `name:` in a file of /proc.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// `utime` and `stime` of /proc/PID/stat: fields 14 and 15, counted behind the name, which may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
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
