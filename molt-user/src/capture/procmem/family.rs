//! Threads and processes that begin, run another program, and end: found by looking, some hundred times a second.
//!
//! What begins and ends between two looks passes unseen, as does a child whose parent has ended before it was found.

use super::cpu;
use super::header;
use super::queue::Queue;
use super::sampler::Sampled;
use molt_common::config::{PROCESS_FOLLOW, PROCESS_HOLD, PROCESS_HOLD_START};
use molt_common::event::process::Birth;
use molt_common::event::{KIND_BIRTH, KIND_END};
use procfs::process::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use zerocopy::IntoBytes;

/// Shortest pause between two looks, in nanoseconds.
const PAUSE_NS: u64 = 10_000_000;
/// Looking takes at most one part in this many of a processor's time.
const SHARE: u64 = 10;

/// The program that a process runs, as far as its address space tells: an exec gives a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    code: u64,
    stack: u64,
}

impl Image {
    /// Of process `pid`; nothing if it has none, as at its end, or the kernel does not show it.
    pub(super) fn of(pid: u32) -> Self {
        let stat = Process::new(pid.cast_signed()).and_then(|process| process.stat());
        stat.map_or(Self { code: 0, stack: 0 }, |stat| Self { code: stat.startcode, stack: stat.startstack })
    }

    /// Whether both are there and differ.
    pub(super) fn is_other_than(self, before: Self) -> bool {
        self.stack != 0 && before.stack != 0 && self != before
    }
}

/// What was found at the last look.
#[derive(Debug, Default)]
pub(super) struct Family {
    next_ns: u64,
    /// What `/proc/loadavg` says last: the newest id that was given to a thread or process.
    newest: String,
    /// Processes that are no children of those that are sampled.
    strangers: BTreeSet<u32>,
}

impl Family {
    pub(super) fn is_due(&self, now_ns: u64) -> bool {
        now_ns >= self.next_ns
    }

    /// Looks at all `processes`, adds their children to them and tells of what has changed. Those that have ended.
    pub(super) fn look(
        &mut self,
        now_ns: u64,
        processes: &mut BTreeMap<u32, Sampled>,
        queue: &Queue,
    ) -> Vec<u32> {
        let began_ns = cpu::own_ns();
        let newest = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let newest = newest.split_ascii_whitespace().last().unwrap_or_default();
        if newest != self.newest || newest.is_empty() {
            newest.clone_into(&mut self.newest);
            self.find_children(processes, queue);
        }
        let mut ended = Vec::new();
        for (pid, process) in processes {
            if is_alive(*pid) {
                process.check_image(*pid, Image::of(*pid), queue);
                tell_threads(*pid, process, queue);
            } else {
                queue.push_header(KIND_END, *pid, *pid);
                ended.push(*pid);
            }
        }
        // What it waited for a processor does not count.
        let took_ns = cpu::own_ns().saturating_sub(began_ns);
        self.next_ns = now_ns + PAUSE_NS.max(SHARE * took_ns);
        ended
    }

    /// Adds children of those processes whose children are followed, and theirs.
    fn find_children(&mut self, processes: &mut BTreeMap<u32, Sampled>, queue: &Queue) {
        let present: BTreeSet<u32> = all_processes().collect();
        self.strangers.retain(|pid| present.contains(pid));
        let mut new: Vec<(u32, u32)> = present
            .iter()
            .filter(|pid| !processes.contains_key(pid) && !self.strangers.contains(pid))
            .filter_map(|pid| Some((*pid, parent_of(*pid)?)))
            .collect();
        loop {
            let before = new.len();
            new.retain(|(pid, parent)| {
                match processes.get(parent).map(|parent| (parent.config, parent.image)) {
                    Some((config, image)) if config.flags & PROCESS_FOLLOW != 0 => {
                        let mut child = config;
                        child.flags &= !(PROCESS_HOLD | PROCESS_HOLD_START);
                        let mut child = Sampled::new(*pid, &child);
                        tell_birth(*parent, *pid, *pid, queue);
                        // It was found after its exec, or it is a copy of its parent.
                        let now = std::mem::replace(&mut child.image, image);
                        child.check_image(*pid, now, queue);
                        processes.insert(*pid, child);
                        false
                    }
                    _ => true,
                }
            });
            if new.len() == before {
                break;
            }
        }
        self.strangers.extend(new.into_iter().map(|(pid, _)| pid));
    }
}

fn tell_threads(pid: u32, process: &mut Sampled, queue: &Queue) {
    let now = cpu::threads(pid);
    if now.iter().copied().eq(process.threads()) {
        return;
    }
    let before: BTreeSet<u32> = process.threads().collect();
    let after: BTreeSet<u32> = now.iter().copied().collect();
    for tid in after.difference(&before) {
        tell_birth(pid, pid, *tid, queue);
    }
    for tid in before.difference(&after).filter(|tid| **tid != pid) {
        queue.push_header(KIND_END, pid, *tid);
    }
    process.set_threads(pid, &now);
}

fn tell_birth(parent: u32, child_pid: u32, child_tid: u32, queue: &Queue) {
    let birth = Birth { header: header(KIND_BIRTH, parent, parent), child_pid, child_tid };
    queue.push(birth.as_bytes());
}

/// Whether there is such a process and it has not ended: one that nobody has waited for has.
fn is_alive(pid: u32) -> bool {
    let stat = Process::new(pid.cast_signed()).and_then(|process| process.stat());
    stat.is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X') || cpu::threads(pid).len() > 1)
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = Process::new(pid.cast_signed()).and_then(|process| process.stat());
    stat.ok()?.ppid.try_into().ok()
}

fn all_processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
