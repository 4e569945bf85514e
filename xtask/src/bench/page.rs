//! The page that the figures are written to.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;

use super::comparison::Comparison;
use super::tracer::Tracer;
use crate::command;

/// A figure that has a goal. Less is better.
pub(crate) struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub goal: f64,
    pub how: &'static str,
}

impl Figure {
    pub(crate) fn is_met(&self) -> bool {
        self.value <= self.goal
    }

    /// Its row of the table.
    fn row(&self) -> String {
        let Self { name, value, unit, goal, how } = self;
        let digits = if *goal < 2.0 { 3 } else { 1 };
        let verdict = if self.is_met() { "" } else { ", not met" };
        format!("| {name} | {value:.digits$} {unit} | {goal} {unit}{verdict} | {how} |")
    }
}

/// What the page says, row by row.
struct Page {
    machine: String,
    /// The figures, each with its name.
    rows: Vec<(String, String)>,
    /// How much slower programs run, a table with its explanation.
    programs: String,
}

const TITLE: &str = "# What molt costs\n\nMeasured with `cargo xtask bench`, which writes this page; with `--only PART \
                     --write` it replaces the rows of that part.\n\n";
const HEAD: &str = "| figure | measured | goal | how |\n|---|--:|--:|---|\n";
const FOOT: &str =
    "\nEach pair is a run without molt and one with it, close together, in alternating order.\n";

/// The page with these figures in their places, and the others as `before` has them.
pub(crate) fn text(
    tracer: &Tracer,
    figures: &[Figure],
    comparison: Option<&Comparison>,
    before: &str,
) -> Result<String> {
    let mut page = Page::read(before);
    page.machine = machine(tracer)?;
    page.replace(figures);
    if let Some(comparison) = comparison {
        page.programs = comparison.table()?;
    }
    Ok(page.text())
}

impl Page {
    fn read(text: &str) -> Self {
        let body = text.strip_prefix(TITLE).unwrap_or_default();
        let (machine, rest) = body.split_once(HEAD).unwrap_or_default();
        let rows = rest.split_inclusive('\n').take_while(|line| line.starts_with("| "));
        let (table, after) = rest.split_at(rows.map(str::len).sum());
        let name = |row: &str| row.split('|').nth(1).unwrap_or_default().trim().to_owned();
        let rows = table.lines().map(|row| (name(row), row.to_owned())).collect();
        let programs = after.strip_suffix(FOOT).unwrap_or_default().to_owned();
        Self { machine: machine.trim().to_owned(), rows, programs }
    }

    fn replace(&mut self, figures: &[Figure]) {
        for figure in figures {
            match self.rows.iter_mut().find(|(name, _)| name == figure.name) {
                Some((_, row)) => *row = figure.row(),
                None => self.rows.push((figure.name.to_owned(), figure.row())),
            }
        }
    }

    fn text(&self) -> String {
        let mut rows = String::new();
        for (_, row) in &self.rows {
            rows.push_str(row);
            rows.push('\n');
        }
        format!("{TITLE}{}\n\n{HEAD}{rows}{}{FOOT}", self.machine, self.programs)
    }
}

/// What was measured on what.
fn machine(tracer: &Tracer) -> Result<String> {
    let molt = command::output(Command::new(&tracer.molt).arg("--version"))?;
    let python = command::output(Command::new(&tracer.python).arg("--version"))?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    Ok(format!(
        "{}, {}, Linux {}, {} processors ({}).",
        molt.trim(),
        python.trim(),
        kernel.trim(),
        thread::available_parallelism()?,
        model.unwrap_or("model unknown").trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &'static str, value: f64) -> Figure {
        Figure { name, value, unit: "ms", goal: 10.0, how: "somehow" }
    }

    /// A part that is measured anew replaces its rows, and leaves all else as it was.
    #[test]
    fn rows_are_replaced_one_by_one() {
        let programs = "\n| program | tool |\n|---|--:|\n| go | 1.0 |\n\nIn rounds.\n".to_owned();
        let mut page = Page { machine: "A machine.".to_owned(), rows: Vec::new(), programs };
        page.replace(&[figure("start", 5.0), figure("end", 7.0)]);
        let mut again = Page::read(&page.text());
        assert_eq!(again.text(), page.text());
        again.replace(&[figure("start", 11.0)]);
        assert_eq!(again.text(), page.text().replace("5.0 ms | 10 ms |", "11.0 ms | 10 ms, not met |"));
    }

    /// Of a page that is not this one nothing is kept.
    #[test]
    fn another_page_has_no_rows() {
        assert_eq!(Page::read("# Another\n\n| figure | 1 |\n").rows, []);
        assert_eq!(Page::read("").programs, "");
    }
}
