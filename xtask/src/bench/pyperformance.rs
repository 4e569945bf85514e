//! Benchmark programs that others wrote: the package pyperformance, in an environment of the project's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::pairs::Kind;
use super::tracer::{DEFAULT_FREQUENCY, Tracer};
use crate::{command, packages, project};

/// Programs that need nothing but the standard library, of different kinds: objects and methods, floats,
/// generators, text, C code called from Python. With the loops that take about a third of a second a value.
pub(crate) const PROGRAMS: [(&str, u32); 8] = [
    ("richards", 5),
    ("deltablue", 50),
    ("chaos", 4),
    ("nbody", 3),
    ("generators", 5),
    ("regex_compile", 2),
    ("json_dumps", 30),
    ("go", 2),
];

/// The environment's interpreter, and the folder of the benchmark programs.
pub(crate) struct Suite {
    python: PathBuf,
    programs: PathBuf,
}

impl Suite {
    /// Makes the environment, where it was not made of this interpreter before.
    pub(crate) fn install(tracer: &Tracer) -> Result<Self> {
        let venv = project::cache().join("venv");
        let made_of = venv.join("made-of");
        let python = venv.join("bin/python");
        let stamp = tracer.python.display().to_string();
        if fs::read_to_string(&made_of).is_ok_and(|found| found != stamp) {
            fs::remove_dir_all(&venv).with_context(|| format!("failed to remove {}", venv.display()))?;
        }
        if !made_of.exists() {
            if !command::succeeds(Command::new(&tracer.python).args(["-c", "import ensurepip, venv"])) {
                packages::ensure(&[&packages::PYTHON_VENV])?;
            }
            println!("installing pyperformance into {}", venv.display());
            command::run(Command::new(&tracer.python).args(["-m", "venv"]).arg(&venv))?;
            let mut pip = Command::new(&python);
            command::run(pip.args(["-m", "pip", "--quiet", "install", "pyperformance"]))?;
            fs::write(&made_of, stamp)?;
        }
        let mut ask = Command::new(&python);
        let package =
            command::output(ask.args(["-c", "import pyperformance; print(pyperformance.__path__[0])"]))?;
        Ok(Self { python, programs: Path::new(package.trim_end()).join("data-files/benchmarks") })
    }

    /// Runs `program` once: the time in seconds that its `values` timed parts took together, without start-up.
    pub(crate) fn run(
        &self,
        tracer: &Tracer,
        kind: Kind,
        program: (&str, u32),
        values: usize,
    ) -> Result<f64> {
        let (name, loops) = program;
        let script = self.programs.join(format!("bm_{name}/run_benchmark.py")).display().to_string();
        let result = project::cache().join("bench/pyperformance.json");
        if result.exists() {
            fs::remove_file(&result)?;
        }
        let (values, loops, result_text) =
            (values.to_string(), loops.to_string(), result.display().to_string());
        let arguments = [&script, "--worker", "-w", "1", "-n", &values, "-l", &loops, "-o", &result_text];
        command::run(&mut tracer.command(kind, DEFAULT_FREQUENCY, &self.python, &arguments))?;
        let text = fs::read(&result).with_context(|| format!("{name} wrote no result"))?;
        total(&serde_json::from_slice(&text)?).with_context(|| format!("the result of {name} has no values"))
    }
}

/// The sum of the values of a pyperf result: `benchmarks[0].runs[].values[]`.
fn total(result: &Value) -> Option<f64> {
    let runs = result.pointer("/benchmarks/0/runs")?.as_array()?;
    let values = runs.iter().filter_map(|run| run.get("values")?.as_array()).flatten();
    let total: f64 = values.filter_map(Value::as_f64).sum();
    (total > 0.0).then_some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::total;

    // A result without timed values must not count as infinitely fast.
    #[test]
    fn adds_the_values_of_all_runs_and_wants_some() {
        let runs = json!({"benchmarks": [{"runs": [{"warmups": [[1, 9.0]]}, {"values": [0.5, 0.25]}]}]});
        assert_eq!(total(&runs), Some(0.75));
        assert_eq!(total(&json!({"benchmarks": [{"runs": [{"values": []}]}]})), None);
        assert_eq!(total(&json!({})), None);
    }
}
