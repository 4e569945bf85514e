//! What a long run of the tests measures, for the page that `cargo xtask soak` writes.
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

/// How often each test does what may do harm: a few times, or as often as `cargo xtask soak` says.
pub(crate) fn cycles() -> u32 {
    std::env::var("MOLT_SOAK_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(3)
}

/// How long molt is stopped.
pub(crate) fn stop() -> Duration {
    if is_long() { Duration::from_secs(10) } else { Duration::from_secs(2) }
}

/// How long molt watches a target that makes new things without end: a second for each cycle, 20 minutes at most.
pub(crate) fn churn() -> Duration {
    Duration::from_secs(u64::from(cycles()).clamp(4, 1200))
}

/// Whether this is a long run.
pub(crate) fn is_long() -> bool {
    std::env::var_os("MOLT_SOAK_CYCLES").is_some()
}

/// Notes a figure.
pub(crate) fn note(name: &str, value: &str) {
    if let Some(path) = std::env::var_os("MOLT_SOAK_FIGURES") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{name}\t{value}").unwrap();
    }
}
