//! molt's memory when it has seen ten million calls from a thousand places.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use super::page::Figure;
use super::tracer::Tracer;
use super::watch;
use crate::project;

/// Calls that the program makes: rounds over all places.
const ROUNDS: usize = 10_000;
/// Functions that call, and the places in each.
const CALLERS: usize = 50;
const PLACES: usize = 20;

pub(crate) fn measure(tracer: &Tracer) -> Result<Figure> {
    println!("memory of exact counting");
    let path = project::cache().join("bench/sites.py");
    fs::write(&path, program()?).with_context(|| format!("failed to write {}", path.display()))?;
    let mut command = tracer.trace(&["--mode", "exact"], &tracer.python);
    let (seen, _) = watch::watch(command.arg("sites.py"))?;
    Ok(Figure {
        name: "exact: molt's memory, 10 million calls from 1,000 places",
        value: seen.peak_mb(),
        unit: "MB",
        goal: 100.0,
        how: "most ever resident (VmHWM)",
    })
}

/// Each place passes other types than the one before it.
fn program() -> Result<String> {
    let mut source = String::from("def called(first, second):\n    return first\n\n\n");
    for caller in 0..CALLERS {
        writeln!(source, "def caller{caller}():")?;
        for place in 0..PLACES {
            let values = ["1", "'a'", "1.5", "None", "()", "b''"];
            let value = |at: usize| values.get(at % values.len()).copied().unwrap_or_default();
            writeln!(source, "    called({}, {})", value(caller + place), value(place))?;
        }
        writeln!(source)?;
    }
    let callers: Vec<_> = (0..CALLERS).map(|caller| format!("caller{caller}()")).collect();
    writeln!(source, "for _ in range({ROUNDS}):\n    {}", callers.join("\n    "))?;
    Ok(source)
}
