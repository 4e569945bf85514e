//! A child that says what it is and waits to be read.

use molt_user::cpython::debug_offsets::{Checked, layout_of};
use molt_user::cpython::version::Version;
use molt_user::symbolize::memory::ProcessMemory;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A running interpreter; killed when dropped.
#[derive(Debug)]
pub(crate) struct Target {
    child: Child,
    output: BufReader<ChildStdout>,
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
        let mut args = vec![mode];
        args.extend(modules);
        Self::run(python, &["-E", "-s", "-S", "-B"], "code_objects.py", &args)
    }

    /// Runs a program of `tests/programs` and waits for the line that it prints.
    pub(crate) fn run(python: &Path, flags: &[&str], program: &str, args: &[&str]) -> Target {
        let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs");
        let mut child = Command::new(python)
            .args(flags)
            .arg(program)
            .args(args)
            .current_dir(programs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("failed to run {}: {error}", python.display()));
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let report = read_report(&mut output);
        let memory = ProcessMemory::new(child.id().cast_signed());
        let runtime = super::runtime::address(child.id());
        let hex = report["hex"].as_u64().expect("a version");
        let version = Version { hex: u32::try_from(hex).expect("32 bits") };
        let checked = layout_of(&memory, version, runtime).expect("a supported version");
        Target { child, output, report, memory, runtime, checked }
    }

    /// Writes a line to its input and waits for the line that it answers.
    pub(crate) fn ask(&mut self) -> Value {
        self.child.stdin.as_mut().expect("piped").write_all(b"\n").expect("the target reads its input");
        read_report(&mut self.output)
    }

    /// Waits until its main thread sleeps in the kernel: it has gone on from its report to its last call.
    pub(crate) fn wait_until_it_sleeps(&self) {
        let stat = format!("/proc/{}/syscall", self.pid());
        let deadline = Instant::now() + Duration::from_secs(30);
        // System call 0 is read, argument 0 is standard input.
        while !std::fs::read_to_string(&stat).is_ok_and(|text| text.starts_with("0 0x0 ")) {
            assert!(Instant::now() < deadline, "{stat}: the target does not wait for its input");
            std::thread::yield_now();
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

fn read_report(output: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    output.read_line(&mut line).expect("the report is text");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("no report: {error}"))
}

impl Drop for Target {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
