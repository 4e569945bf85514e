//! A child that says what it is and waits to be read.

use molt_user::cpython::debug_offsets::{Checked, layout_of};
use molt_user::cpython::version::Version;
use molt_user::symbolize::memory::ProcessMemory;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running interpreter; killed when dropped.
#[derive(Debug)]
pub(crate) struct Target {
    child: Child,
    /// What it says of itself.
    pub(crate) report: Value,
    /// Its memory.
    pub(crate) memory: ProcessMemory,
    /// Where its `_PyRuntime` is.
    pub(crate) runtime: u64,
    /// How to read it.
    pub(crate) checked: Checked,
}

impl Target {
    /// Runs `tests/programs/code_objects.py` and waits for its report.
    pub(crate) fn start(python: &Path, mode: &str, modules: &[&str]) -> Target {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs/code_objects.py");
        let mut child = Command::new(python)
            .args(["-I", "-B", program, mode])
            .args(modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("failed to run {}: {error}", python.display()));
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("the report is text");
        let report: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("no report from {}: {error}", python.display()));
        let memory = ProcessMemory::new(child.id().cast_signed());
        let runtime = super::runtime::address(child.id());
        let hex = report["hex"].as_u64().expect("a version");
        let version = Version { hex: u32::try_from(hex).expect("32 bits") };
        let checked = layout_of(&memory, version, runtime).expect("a supported version");
        Target { child, report, memory, runtime, checked }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
