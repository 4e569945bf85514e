//! What molt adds before a program runs and after it ended.

use std::fs;
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result};

use super::page::Figure;
use super::pairs::{self, Pair};
use super::statistics::median;
use super::tracer::{DEFAULT_FREQUENCY, Tracer};
use super::{Effort, chains};
use crate::{command, project};

/// Enough samples that each of the many functions is seen.
const DENSE: &str = "3";
const DENSE_FREQUENCY: u32 = 999;

/// Start-up added, and the time from the program's end to the file.
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
    ])
}

fn added_ms(pairs: &[Pair]) -> f64 {
    median(&pairs.iter().map(|pair| pair.difference() * 1000.0).collect::<Vec<_>>())
}
