//! Whether a process that is not traced is slower while molt sees every call of another one with the same
//! interpreter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Effort;
use super::page::Figure;
use super::pairs::{self, Kind, Pair};
use super::recursion;
use super::statistics::median;
use super::tools::Tool;
use super::tracer::{Tracer, quiet};
use crate::project;

/// Writes the file that its argument names and calls until that file is gone, or a minute has passed.
const PROGRAM: &str = "\
import os
import sys
import time


def call():
    pass


mark = sys.argv[1]
with open(mark, 'w') as file:
    file.write('calls')
end = time.monotonic() + 60
while os.path.exists(mark) and time.monotonic() < end:
    for _ in range(1000):
        call()
";

/// The ratio of a program's processor time beside a traced process to that beside the same process untraced.
pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Figure> {
    println!("another process, {} pairs", effort.pairs);
    recursion::write()?;
    let folder = project::cache().join("bench");
    let (script, mark) = (folder.join("neighbour.py"), folder.join("neighbour"));
    fs::write(&script, PROGRAM).with_context(|| format!("failed to write {}", script.display()))?;
    let pairs = pairs::measure(effort.pairs, |kind| {
        let mut command = match kind {
            Kind::Bare => quiet(&tracer.python),
            Kind::Traced => tracer.trace(&["--mode", "exact"], &tracer.python),
        };
        let neighbour = Neighbour::start(command.arg(&script).arg(&mark), &mark)?;
        let run = recursion::run(tracer, Tool::Bare, &tracer.python);
        neighbour.stop()?;
        Ok(run?.per_call())
    })?;
    Ok(Figure {
        name: "exact: slowdown of another process",
        value: median(&pairs.iter().map(Pair::ratio).collect::<Vec<_>>()),
        unit: "times",
        goal: 1.02,
        how: "a process of the same interpreter that is not traced; processor time, median of pairs of runs beside \
              a process that is traced and beside one that is not",
    })
}

/// A process that calls until it is told to stop.
struct Neighbour {
    child: Child,
    mark: PathBuf,
}

impl Neighbour {
    /// Waits until it has begun.
    fn start(command: &mut Command, mark: &Path) -> Result<Self> {
        if mark.exists() {
            fs::remove_file(mark)?;
        }
        let neighbour = Self { child: command.spawn()?, mark: mark.to_owned() };
        let begin = Instant::now();
        while !mark.exists() {
            ensure!(begin.elapsed() < Duration::from_secs(30), "the program beside does not begin");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(neighbour)
    }

    fn stop(mut self) -> Result<()> {
        fs::remove_file(&self.mark)?;
        ensure!(self.child.wait()?.success(), "the program beside failed");
        Ok(())
    }
}
