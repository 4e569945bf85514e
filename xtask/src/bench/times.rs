//! What molt adds before a program runs and after it ended, and how soon it sees one that runs already.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, ensure};

use super::page::Figure;
use super::pairs::{self, Pair};
use super::statistics::median;
use super::tracer::{DEFAULT_FREQUENCY, Tracer, artifact, quiet};
use super::{Effort, chains};
use crate::{command, project};

/// Enough samples that each of the many functions is seen.
const DENSE: &str = "3";
const DENSE_FREQUENCY: u32 = 999;

/// Start-up added, the time from the program's end to the file, and that from molt's start to the first sample.
pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Vec<Figure>> {
    println!("start-up and end, {} pairs each", effort.short_pairs);
    let start = pairs::measure(effort.short_pairs, |kind| {
        let mut command = tracer.command(kind, DEFAULT_FREQUENCY, &tracer.python, &["-c", "pass"]);
        let begin = Instant::now();
        command::run(&mut command)?;
        Ok(begin.elapsed().as_secs_f64())
    })?;

    chains::write("many.py", 25, 400)?;
    let mark = project::cache().join("bench/end");
    let mark_text = mark.display().to_string();
    let end = pairs::measure(effort.short_pairs.min(7), |kind| {
        let arguments = ["many.py", DENSE, &mark_text];
        command::run(&mut tracer.command(kind, DENSE_FREQUENCY, &tracer.python, &arguments))?;
        let done = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64();
        let ended: f64 = fs::read_to_string(&mark)?.parse().context("the program wrote no time")?;
        Ok(done - ended)
    })?;
    let busy = Busy::start(tracer)?;
    let attach: Vec<f64> =
        (0..effort.short_pairs).map(|_| first_sample_ms(tracer, &busy)).collect::<Result<_>>()?;
    Ok(vec![
        Figure {
            name: "start-up and end added to `python3 -c pass`",
            value: added_ms(&start),
            unit: "ms",
            goal: 150.0,
            how: "median of paired differences of the whole run",
        },
        Figure {
            name: "from the program's end to the file, 10,000 functions",
            value: added_ms(&end),
            unit: "ms",
            goal: 300.0,
            how: "25 chains of 400 functions, sampled 999 times a second; from the last statement to the end of \
                  molt, less the same without molt",
        },
        Figure {
            name: "from molt's start to the first sample of a running program",
            value: median(&attach),
            unit: "ms",
            goal: 300.0,
            how: "median of times from the start of `molt trace --pid`, in its default mode, until it says that it has \
                  a sample of a program that computes",
        },
    ])
}

/// A program that computes until it is killed, which it is when this is dropped.
struct Busy(Child);

impl Busy {
    /// Waits until it has begun.
    fn start(tracer: &Tracer) -> Result<Self> {
        let mut command = quiet(&tracer.python);
        command.args(["-c", "print(flush=True)\nwhile True: sum(range(1000))"]).stdout(Stdio::piped());
        let mut busy = Self(command.spawn()?);
        let said = busy.0.stdout.take().context("the program has no output")?;
        ensure!(BufReader::new(said).read_line(&mut String::new())? > 0, "the program does not begin");
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // It may have been killed by someone else.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn first_sample_ms(tracer: &Tracer, busy: &Busy) -> Result<f64> {
    let mut command: Command = quiet(&tracer.molt);
    command.args(["trace", "-v", "--duration", "1s", "--pid", &busy.0.id().to_string(), "-o"]);
    command.arg(artifact()).stderr(Stdio::piped());
    let begin = Instant::now();
    let mut molt = command.spawn()?;
    let said = BufReader::new(molt.stderr.take().context("molt has no standard error")?);
    let mut first = None;
    // To its end: molt would fail to say more to nobody.
    for line in said.lines() {
        if line?.contains("first sample") {
            first.get_or_insert_with(|| begin.elapsed());
        }
    }
    ensure!(molt.wait()?.success(), "molt failed");
    Ok(first.context("molt took no sample within a second")?.as_secs_f64() * 1000.0)
}

fn added_ms(pairs: &[Pair]) -> f64 {
    median(&pairs.iter().map(|pair| pair.difference() * 1000.0).collect::<Vec<_>>())
}
