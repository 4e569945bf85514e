//! The figures as a person reads them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::findings::Figures;
use super::{MODES, PROGRAMS};
use crate::command;

/// What came of one traced run.
pub(super) struct Row {
    pub program: &'static str,
    pub python: String,
    pub mode: &'static str,
    pub figures: Figures,
    pub bytes: usize,
    /// From the program's end to molt's.
    pub after: Option<Duration>,
    pub faults: Vec<String>,
}

impl Row {
    /// For a terminal.
    pub(super) fn line(&self) -> String {
        format!("{:<24} {:<14} {:<7} {}", self.program, self.python, self.mode, self.cells().join("  "))
    }

    /// A fault, with where it was found.
    pub(super) fn told(&self, fault: &str) -> String {
        format!("{}, {}, {}: {fault}", self.program, self.python, self.mode)
    }

    /// The figures, in the order of [`HEADS`].
    fn cells(&self) -> [String; 8] {
        let Figures { samples, unresolved, symbols, call_sites, types, modules } = self.figures;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let megabytes = self.bytes as f64 / 1e6;
        [
            samples.to_string(),
            format!("{:.2} %", unresolved * 100.0),
            symbols.to_string(),
            call_sites.to_string(),
            types.to_string(),
            modules.to_string(),
            format!("{megabytes:.1} MB"),
            self.after.map_or_else(|| "?".into(), |after| format!("{:.2} s", after.as_secs_f64())),
        ]
    }
}

const HEADS: [&str; 8] =
    ["samples", "unresolved", "symbols", "call sites", "types", "modules", "file", "to write"];

/// A table for each mode.
pub(super) fn text(rows: &[Row], molt: &Path) -> Result<String> {
    let mut page = format!("{}\n", setting(molt)?);
    for mode in MODES {
        writeln!(page, "\n### `--mode {mode}`\n\n| program | interpreter | {} |", HEADS.join(" | "))?;
        writeln!(page, "|---|---|{}", "--:|".repeat(HEADS.len()))?;
        for program in PROGRAMS {
            for row in rows.iter().filter(|row| row.mode == mode && row.program == program.name) {
                writeln!(page, "| {} | {} | {} |", row.program, row.python, row.cells().join(" | "))?;
            }
        }
    }
    let faults: Vec<_> = rows.iter().flat_map(|row| row.faults.iter().map(|fault| row.told(fault))).collect();
    if !faults.is_empty() {
        writeln!(page, "\nFaults of this run:\n")?;
        for fault in faults {
            writeln!(page, "* {fault}")?;
        }
    }
    Ok(page)
}

/// What was run on what.
fn setting(molt: &Path) -> Result<String> {
    let version = command::output(Command::new(molt).arg("--version"))?;
    let date = command::output(Command::new("date").arg("+%F"))?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(format!(
        "{}, {}, Linux {}, {} processors, load at the end {}.",
        date.trim(),
        version.trim(),
        kernel.trim(),
        std::thread::available_parallelism()?,
        load.split(' ').next().unwrap_or_default(),
    ))
}
