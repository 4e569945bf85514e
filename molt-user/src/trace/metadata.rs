//! The artifact's header: which Python ran what, and how.

use super::Options;
use super::failure::Failure;
use super::watch::{FirstPython, Watch};
use crate::aggregate::code::Files;
use crate::aggregate::entrypoint::{Entry, parse};
use crate::clock::monotonic_ns;
use crate::discover::Process;
use anyhow::anyhow;
use molt_mpa::ids::{env_fingerprint, inputs_fingerprint};
use molt_mpa::model::{Header, Platform, RunMetadata};
use molt_mpa::redact::{Category, Redactor};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

/// The header of a run whose first Python was `process`.
pub(super) fn header(
    options: &Options,
    watch: &Watch,
    python: &FirstPython,
    files: &Files,
    redactor: &mut Redactor,
) -> Result<Header, Failure> {
    let FirstPython { process, version } = python;
    let platform =
        Platform::of_this_build().ok_or_else(|| anyhow!("the format has no name for this platform"))?;
    let command: Vec<String> =
        process.command.iter().map(|text| text.to_string_lossy().into_owned()).collect();
    let line = parse(&command);
    let name = entry_name(&line.entry, process, redactor);
    let entrypoint = if options.target.is_attached() { format!("<attached>:{name}") } else { name };
    let inputs = watch.modules.sources(files).chain(options.inputs.iter().cloned());
    let run_metadata = RunMetadata {
        entrypoint,
        argv: line.arguments.iter().map(|argument| redactor.redact(Category::Argv, argument)).collect(),
        env_fingerprint: env_fingerprint(
            process.environment.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())),
        ),
        inputs_fingerprint: inputs_fingerprint(inputs),
        duration_ms: watch.since(monotonic_ns()),
        gc: None,
    };
    Ok(Header::cpython(version, platform, run_metadata, SystemTime::now()))
}

/// What the interpreter was told to run, as the artifact names it.
fn entry_name(entry: &Entry, process: &Process, redactor: &mut Redactor) -> String {
    match entry {
        Entry::Module(module) => format!("{module}:__main__"),
        Entry::Command => "-c".to_owned(),
        Entry::Stdin => "<stdin>".to_owned(),
        Entry::Script(script) => {
            let path = Path::new(script);
            let within = match &process.cwd {
                Some(cwd) if path.is_absolute() => path.strip_prefix(cwd).ok(),
                _ if path.is_absolute() || script.starts_with("..") => None,
                _ => Some(path.strip_prefix(".").unwrap_or(path)),
            };
            within.map_or_else(|| redactor.redact(Category::Path, script), shown)
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
