//! Runs a command and notes when a process below it ends.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::command::shown;

/// A command that has ended.
pub(super) struct Ran {
    pub output: Output,
    /// How long it went on after the process that was looked for had ended.
    pub after: Option<Duration>,
}

/// How often processes are looked at.
const PAUSE: Duration = Duration::from_millis(2);

/// Runs `command`. `depth` processes below it is one whose end is noted: each is its parent's first child.
pub(super) fn run(command: &mut Command, depth: Option<usize>) -> Result<Ran> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.with_context(|| format!("failed to run {}", shown(command)))?;
    let (root, done) = (child.id(), &AtomicBool::new(false));
    let (output, ended) = thread::scope(|scope| {
        let watcher = depth.map(|depth| scope.spawn(move || end_of(root, depth, done)));
        let output = child.wait_with_output();
        done.store(true, Ordering::Relaxed);
        (output, watcher.and_then(|watcher| watcher.join().ok().flatten()))
    });
    let after = ended.map(|ended| ended.elapsed());
    Ok(Ran { output: output.with_context(|| format!("failed to wait for {}", shown(command)))?, after })
}

/// When the process `depth` below `root` was found to have ended.
fn end_of(root: u32, depth: usize, done: &AtomicBool) -> Option<Instant> {
    let mut chain = vec![root];
    while !done.load(Ordering::Relaxed) {
        let last = chain.last().copied()?;
        if chain.len() <= depth {
            chain.extend(first_child(last));
        } else if has_ended(last) {
            return Some(Instant::now());
        }
        thread::sleep(PAUSE);
    }
    None
}

/// The first child that any of a process's threads has made.
fn first_child(pid: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    children.filter_map(|children| children.split_whitespace().next()?.parse().ok()).min()
}

/// Whether a process is gone, or waits for its parent to be told of its end (`Z` in proc(5)).
fn has_ended(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X'])))
}
