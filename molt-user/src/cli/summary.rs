//! What is said at the end of a run, and while it goes on.

mod calls;

use crate::trace::{Progress, Summary};
use indicatif::{ProgressBar, ProgressStyle};
use molt_mpa::model::{Artifact, Hotspot, Samples};
use std::io::IsTerminal;
use std::time::Duration;

/// Functions listed at the end.
const HOTTEST: usize = 5;

/// What there is to say of an artifact, a line each.
pub(super) fn lines(written: &Summary) -> Vec<String> {
    let Summary { artifact, bytes, .. } = written;
    let mut lines: Vec<String> =
        artifact.hotspots.iter().take(HOTTEST).filter(|row| row.samples > 0).map(hot).collect();
    lines.push(counts(artifact));
    lines.extend(calls::lines(artifact));
    lines.push(format!("{}, {}", place(written), size(*bytes)));
    lines
}

/// The same of one among many.
pub(super) fn line(written: &Summary) -> String {
    let Summary { artifact, bytes, .. } = written;
    format!("{}, {}: {}", place(written), size(*bytes), counts(artifact))
}

fn place(written: &Summary) -> String {
    written.path.as_ref().map_or("standard output".to_owned(), |path| path.display().to_string())
}

fn hot(row: &Hotspot) -> String {
    format!("{:5.1} %  {}", percent(row.score.as_millionths()), row.symbol)
}

#[expect(clippy::cast_precision_loss, reason = "a share is at most a million millionths")]
fn percent(millionths: u64) -> f64 {
    millionths as f64 / 10_000.0
}

/// Samples and losses of the run in one line.
fn counts(artifact: &Artifact) -> String {
    let samples = artifact.collector.samples.unwrap_or_default();
    let Samples { taken, kept, cut, torn, lost, unresolved, .. } = samples;
    let run = Duration::from_micros(artifact.header.run_metadata.duration_ms.as_micros());
    format!(
        "{taken} samples in {:.1} s: {kept} of Python code, {lost} lost, {torn} torn, {cut} cut, {unresolved} unresolved",
        run.as_secs_f64()
    )
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// One line that shows how far a run has come, where somebody looks at a terminal.
#[derive(Debug)]
pub(super) struct StatusLine {
    bar: ProgressBar,
    /// Whole seconds shown last.
    shown: u64,
}

impl StatusLine {
    /// A status line, or nothing where standard error is no terminal or silence was asked for.
    pub(super) fn new(quiet: bool) -> Option<Self> {
        if quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("molt: {msg}").ok()?);
        Some(Self { bar, shown: 0 })
    }

    /// Shows where the run is, once a second.
    pub(super) fn show(&mut self, progress: Progress) {
        let seconds = progress.elapsed.as_secs();
        if seconds > self.shown {
            self.shown = seconds;
            self.bar.set_message(format!("{seconds} s, {} samples", progress.samples));
            self.bar.tick();
        }
    }

    /// Lets something else be said.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}
