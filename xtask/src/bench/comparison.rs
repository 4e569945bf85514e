//! How much slower programs run under each of molt's modes, and under other tools.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::page::Figure;
use super::pyperformance::{PROGRAMS, Suite};
use super::statistics::{geometric_mean, median, quartiles};
use super::tools::{TOOLS, Tool};
use super::tracer::Tracer;
use super::{Effort, environment, recursion};

/// The name of the program that does nothing but call.
const RECURSION: &str = "recursion";

/// What was measured: a row for each program, with a column for each tool.
pub(crate) struct Comparison {
    tools: Vec<Tool>,
    rows: Vec<Row>,
}

struct Row {
    program: &'static str,
    /// The ratios of each tool's times to the bare ones of the same rounds, in the order of the tools.
    ratios: Vec<Vec<f64>>,
}

impl Comparison {
    /// Runs the programs, or those of them that are `wanted`, under each tool, or each that is `chosen`.
    pub(crate) fn measure(
        tracer: &Tracer,
        effort: &Effort,
        wanted: &[String],
        chosen: &[Tool],
    ) -> Result<Self> {
        let python = environment::install(&tracer.python)?;
        let suite = Suite::copy(&python)?;
        recursion::write()?;
        let is_chosen = |tool: &Tool| chosen.is_empty() || chosen.contains(tool);
        let tools: Vec<_> =
            TOOLS.into_iter().filter(|tool| is_chosen(tool) && tool.is_there(&python)).collect();
        let mut rows = Vec::new();
        let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
        let programs = PROGRAMS.into_iter().chain([(RECURSION, 0)]);
        for (name, loops) in programs.filter(|(name, _)| is_wanted(name)) {
            println!("{name} under each tool, {} rounds", effort.rounds);
            let ratios = rounds(effort, &tools, |tool| {
                if name == RECURSION {
                    return Ok(recursion::run(tracer, tool, &python)?.wall);
                }
                let values = if tool.is_heavy() { 1 } else { effort.values };
                suite.run(tracer, tool, (name, loops), values)
            })?;
            rows.push(Row { program: name, ratios });
        }
        Ok(Self { tools, rows })
    }

    /// The figures that have goals, of the tools that took part.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let sample = self.medians(Tool::Sample);
        let auto = self.medians(Tool::Auto);
        let beside = self.medians(Tool::Exact).into_iter().zip(self.medians(Tool::MonkeyType));
        let mut figures = vec![
            Figure {
                name: "sample: slowdown",
                value: geometric_mean(&sample),
                unit: "times",
                goal: 1.01,
                how: "geometric mean of the programs below; 99 samples a second",
            },
            Figure {
                name: "auto: slowdown",
                value: geometric_mean(&auto),
                unit: "times",
                goal: 1.01,
                how: "geometric mean of the programs below",
            },
            Figure {
                name: "auto: slowdown of the slowest",
                value: greatest(auto),
                unit: "times",
                goal: 1.03,
                how: "the greatest of them",
            },
            Figure {
                name: "exact: time beside MonkeyType's",
                value: greatest(beside.map(|(exact, monkeytype)| exact / monkeytype)),
                unit: "times",
                goal: 1.0,
                how: "the program on which exact does worst beside it",
            },
        ];
        figures.retain(|figure| !figure.value.is_nan());
        figures
    }

    /// The median of each program's ratios.
    fn medians(&self, tool: Tool) -> Vec<f64> {
        let Some(column) = self.tools.iter().position(|found| *found == tool) else { return Vec::new() };
        self.rows.iter().filter_map(|row| Some(median(row.ratios.get(column)?))).collect()
    }

    /// The rows as Markdown.
    pub(crate) fn table(&self) -> Result<String> {
        let mut table = String::from("\n| program |");
        for tool in &self.tools {
            write!(table, " {} |", tool.name())?;
        }
        writeln!(table, "\n|---|{}", "--:|".repeat(self.tools.len()))?;
        for row in &self.rows {
            write!(table, "| {} |", row.program)?;
            for ratios in &row.ratios {
                write!(table, " {} |", cell(ratios))?;
            }
            writeln!(table)?;
        }
        write!(table, "| geometric mean |")?;
        for tool in &self.tools {
            write!(table, " {} |", shown(geometric_mean(&self.medians(*tool))))?;
        }
        writeln!(
            table,
            "\n\nThe time of each program's own timed part, without start-up and end, beside its time without any \
             tool: the median over rounds in which each tool runs once, and in brackets what half of the rounds lie \
             between. Each tool has its own defaults; RightTyper's are to look at calls only as long as that takes \
             5 %. Untimed, the program runs for a second before."
        )?;
        Ok(table)
    }
}

/// Runs each tool once a round, in an order that turns. The ratios of each to the bare run of its round.
fn rounds(
    effort: &Effort,
    tools: &[Tool],
    mut run: impl FnMut(Tool) -> Result<f64>,
) -> Result<Vec<Vec<f64>>> {
    let mut ratios = vec![Vec::new(); tools.len()];
    for round in 0..effort.rounds {
        let takes_part = |tool: &Tool| round < effort.heavy_rounds || !tool.is_heavy();
        let mut order: Vec<_> = [Tool::Bare].iter().chain(tools).copied().filter(takes_part).collect();
        let turn = round % order.len();
        order.rotate_left(turn);
        let mut times = Vec::new();
        for tool in order {
            times.push((tool, run(tool).with_context(|| format!("failed to measure {}", tool.name()))?));
        }
        let time = |wanted| times.iter().find(|(tool, _)| *tool == wanted).map(|(_, time)| *time);
        let bare = time(Tool::Bare).unwrap_or(f64::NAN);
        for (tool, ratios) in tools.iter().zip(&mut ratios) {
            ratios.extend(time(*tool).map(|time| time / bare));
        }
    }
    Ok(ratios)
}

fn greatest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NAN, f64::max)
}

/// The median, and what half of the values lie between where there are enough of them.
fn cell(ratios: &[f64]) -> String {
    let (low, high) = quartiles(ratios);
    if ratios.len() < 5 {
        return shown(median(ratios));
    }
    format!("{} ({} to {})", shown(median(ratios)), shown(low), shown(high))
}

/// As many digits as mean something.
fn shown(ratio: f64) -> String {
    if ratio < 2.0 { format!("{ratio:.3}") } else { format!("{ratio:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Heavy tools stay out of later rounds, and each ratio is to the bare run of its own round.
    #[test]
    fn ratios_are_taken_within_rounds() {
        let effort = Effort { pairs: 0, rounds: 3, heavy_rounds: 1, values: 1, short_pairs: 0, watched: 0 };
        let mut runs = Vec::new();
        let ratios = rounds(&effort, &[Tool::Auto, Tool::CProfile], |tool| {
            runs.push(tool);
            let round = if runs.len() <= 3 { 1.0 } else { 10.0 };
            Ok(round * if tool == Tool::Bare { 2.0 } else { 3.0 })
        })
        .unwrap();
        assert_eq!(ratios, [vec![1.5, 1.5, 1.5], vec![1.5]]);
        assert_eq!(runs.iter().filter(|tool| **tool == Tool::CProfile).count(), 1);
        assert_ne!(runs[0], runs[3], "the order turns");
    }
}
