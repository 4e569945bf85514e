//! One run of a program, bare or traced, and what a person would see of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::ends::{self, Ran};
use super::environment::{self, Environment};
use super::programs::{Program, Stage};
use crate::{digest, project};

/// How molt traces a run.
#[derive(Clone, Copy)]
pub(super) struct Traced<'a> {
    pub molt: &'a Path,
    pub mode: &'a str,
    pub artifact: &'a Path,
}

/// What a run has done, as far as it must be the same with molt and without.
#[derive(PartialEq, Eq)]
pub(super) struct Done {
    /// Its status as a shell has it; none where a signal ended it.
    status: Option<i32>,
    /// Lines of its standard output and error. They are sorted, since processes that run at once write as they come.
    said: [Vec<String>; 2],
    /// Files that it left, by name, with their digests.
    files: BTreeMap<PathBuf, String>,
}

impl Done {
    /// Where another run differs from this one.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.status != other.status {
            found.push(format!("status {:?}, not {:?}", other.status, self.status));
        }
        for (stream, (one, two)) in ["output", "error"].into_iter().zip(self.said.iter().zip(&other.said)) {
            let extra =
                two.iter().find(|line| !one.contains(line)).or(one.iter().find(|line| !two.contains(line)));
            if one != two {
                found.push(format!("standard {stream} differs: {}", extra.map_or("", String::as_str)));
            }
        }
        if self.files != other.files {
            let name = |files: &BTreeMap<PathBuf, String>| {
                files.keys().map(|name| name.display().to_string()).collect::<Vec<_>>().join(" ")
            };
            found.push(format!("files differ: {}, not {}", name(&other.files), name(&self.files)));
        }
        found
    }

    /// Whether it has done what the program is for: a failed test and a command's refusal are part of that.
    pub(super) fn is_usual(&self) -> bool {
        matches!(self.status, Some(0..=3)) && self.said.iter().any(|lines| !lines.is_empty())
    }
}

/// Runs `program` once. How long its tracer went on after it had ended, if it was traced.
pub(super) fn run(
    program: &Program,
    environment: &Environment,
    traced: Option<Traced>,
) -> Result<(Done, Option<Duration>)> {
    let work = environment::scratch().join("work");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("failed to remove {}", work.display()))?;
    }
    fs::create_dir_all(&work).with_context(|| format!("failed to create {}", work.display()))?;
    let (mut command, depth) = command(program, environment, traced, &work)?;
    let Ran { output, after } = ends::run(&mut command, traced.map(|_| depth))?;
    let lines = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace(&*work.to_string_lossy(), "WORK");
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let mut files = BTreeMap::new();
    collect(&work, &work, &mut files)?;
    let said = [lines(&output.stdout), lines(&output.stderr)];
    Ok((Done { status: output.status.code(), said, files }, after))
}

/// The command, and how many processes below it the program is.
fn command(
    program: &Program,
    environment: &Environment,
    traced: Option<Traced>,
    work: &Path,
) -> Result<(Command, usize)> {
    let mut words: Vec<String> = Vec::new();
    let python = environment.python.display().to_string();
    if let Stage::Asked(requests) = program.stage {
        words.extend([python.clone(), "load.py".into(), requests.to_string()]);
    }
    if let Some(Traced { molt, mode, artifact }) = traced {
        words.push(molt.display().to_string());
        words.extend(["trace", "--quiet", "--mode", mode, "--output"].map(str::to_owned));
        words.extend([artifact.display().to_string(), "--".into()]);
    }
    words.push(python);
    let sources = work.join("sources");
    for argument in program.arguments {
        words.push(match *argument {
            "INTO" => work.join("into").display().to_string(),
            "WHEEL" => environment::wheel()?.display().to_string(),
            "SOURCES" => sources.display().to_string(),
            argument => argument.to_owned(),
        });
    }
    let (first, rest) = words.split_first().context("a command has words")?;
    let mut command = Command::new(first);
    command.args(rest).stdin(Stdio::null()).current_dir(project::root().join("tests/programs/real"));
    // Otherwise molt would run the program as the user who called sudo, and bare runs would not.
    command.env_remove("SUDO_UID").env_remove("SUDO_GID");
    // Every run begins with the same files, and with the same order of sets.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
    command.env("TMPDIR", environment::scratch());
    if let Stage::Sources { pure } = program.stage {
        environment::copy_sources(&sources)?;
        command.env("BLACK_CACHE_DIR", environment::scratch().join("black"));
        if pure {
            command.env("PYTHONPATH", environment::pure());
        }
    }
    Ok((command, if matches!(program.stage, Stage::Asked(_)) { 2 } else { 1 }))
}

/// The files below `folder` by their names from `root`. Of compiled ones the name only: they hold a time.
fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let name = path.strip_prefix(root)?.to_owned();
        let is_compiled = path.extension().is_some_and(|extension| extension == "pyc");
        let content = if is_compiled { String::new() } else { digest::sha256(&fs::read(&path)?) };
        files.insert(name, content);
    }
    Ok(())
}
