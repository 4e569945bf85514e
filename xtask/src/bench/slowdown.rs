//! How much slower a program runs while it is sampled.

use anyhow::Result;

use super::Effort;
use super::page::{Figure, Program};
use super::pairs::{self, Pair};
use super::pyperformance::{PROGRAMS, Suite};
use super::statistics::{geometric_mean, median, quartiles};
use super::tracer::Tracer;

/// The geometric mean over the programs, and each of them.
pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<(Figure, Vec<Program>)> {
    let suite = Suite::install(tracer)?;
    let mut programs = Vec::new();
    for (name, loops) in PROGRAMS {
        println!("slowdown of {name}, {} pairs", effort.pairs);
        let measured =
            pairs::measure(effort.pairs, |kind| suite.run(tracer, kind, (name, loops), effort.values))?;
        let ratios: Vec<_> = measured.iter().map(Pair::ratio).collect();
        programs.push(Program { name, ratio: median(&ratios), quartiles: quartiles(&ratios) });
    }
    let ratios: Vec<_> = programs.iter().map(|program| program.ratio).collect();
    let figure = Figure {
        name: "slowdown of the program",
        value: geometric_mean(&ratios),
        unit: "times",
        goal: 1.01,
        how: "geometric mean of the programs below, each the median of paired ratios; 99 samples a second",
    };
    Ok((figure, programs))
}
