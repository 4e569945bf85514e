//! Benchmark programs that others wrote: the package pyperformance.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::tools::Tool;
use super::tracer::Tracer;
use crate::{command, project};

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

/// Values that are not counted, before those that are: `auto` spends what it may spend at once, a fifth of a second.
const WARM_UPS: &str = "3";

/// The programs, and the environment's interpreter.
pub(crate) struct Suite {
    python: PathBuf,
    programs: PathBuf,
}

impl Suite {
    /// Copies the programs out of the environment: tools that look at types leave out what is installed.
    pub(crate) fn copy(python: &Path) -> Result<Self> {
        let mut ask = Command::new(python);
        let package =
            command::output(ask.args(["-c", "import pyperformance; print(pyperformance.__path__[0])"]))?;
        let programs = project::cache().join("bench/programs");
        for (name, _) in PROGRAMS {
            let folder = format!("bm_{name}");
            let (from, to) = (
                Path::new(package.trim_end()).join("data-files/benchmarks").join(&folder),
                programs.join(folder),
            );
            fs::create_dir_all(&to).with_context(|| format!("failed to create {}", to.display()))?;
            // Some have modules beside them.
            for entry in fs::read_dir(&from).with_context(|| format!("failed to read {}", from.display()))? {
                let file = entry?.path();
                if let Some(name) =
                    file.file_name().filter(|_| file.extension().is_some_and(|end| end == "py"))
                {
                    fs::copy(&file, to.join(name))
                        .with_context(|| format!("failed to copy {}", file.display()))?;
                }
            }
        }
        Ok(Self { python: python.to_owned(), programs })
    }

    /// Runs `program` once under `tool`: the mean of its `values` timed parts, in seconds, without start-up.
    pub(crate) fn run(
        &self,
        tracer: &Tracer,
        tool: Tool,
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
        let arguments =
            [&script, "--worker", "-w", WARM_UPS, "-n", &values, "-l", &loops, "-o", &result_text];
        command::run(&mut tool.command(tracer, &self.python, &arguments)?)?;
        let text = fs::read(&result).with_context(|| format!("{name} wrote no result"))?;
        mean(&serde_json::from_slice(&text)?).with_context(|| format!("the result of {name} has no values"))
    }
}

/// The mean of the values of a pyperf result: `benchmarks[0].runs[].values[]`.
fn mean(result: &Value) -> Option<f64> {
    let runs = result.pointer("/benchmarks/0/runs")?.as_array()?;
    let values: Vec<_> = runs
        .iter()
        .filter_map(|run| run.get("values")?.as_array())
        .flatten()
        .filter_map(Value::as_f64)
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a few measurements")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean > 0.0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::mean;

    // A result without timed values must not count as infinitely fast.
    #[test]
    fn takes_the_mean_of_all_runs_and_wants_some() {
        let runs = json!({"benchmarks": [{"runs": [{"warmups": [[1, 9.0]]}, {"values": [0.5, 0.25]}]}]});
        assert_eq!(mean(&runs), Some(0.375));
        assert_eq!(mean(&json!({"benchmarks": [{"runs": [{"values": []}]}]})), None);
        assert_eq!(mean(&json!({})), None);
    }
}
