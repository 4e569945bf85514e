//! Running other programs.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Runs `command` with this terminal as its output; an error if it does not end with success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to run {}", shown(command)))?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

/// What `command` writes to its standard output; what it writes to its standard error goes to this terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let result = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to run {}", shown(command)))?;
    ensure!(result.status.success(), "{} ended with {}", shown(command), result.status);
    String::from_utf8(result.stdout).with_context(|| format!("{} wrote what is not UTF-8", shown(command)))
}

/// Whether `command` can be run and ends with success. Says nothing on the terminal.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
