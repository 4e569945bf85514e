//! Looks for interpreters to trace: on the whole machine, or in a control group.

use super::failure::Failure;
use super::watch::{Considered, Watch};
use crate::discover::parents;
use anyhow::anyhow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How often all processes are looked through, in nanoseconds: where programs that begin are reported, only for those
/// that were moved into the control group, or whose report was lost.
const SCAN_NS: u64 = 1_000_000_000;
/// First pause before a process is looked at again whose dynamic linker is at work, twice as long each time; it is
/// given up after [`MAX_LOOKS`], 2 seconds in all.
const PAUSE_NS: u64 = 500_000;
const MAX_LOOKS: u32 = 13;
/// Most folders of a control group that are looked into.
const MAX_FOLDERS: usize = 10_000;
/// Where control groups are mounted (`man 7 cgroups`): the one hierarchy of version 2, or both versions side by side.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// Where interpreters are looked for.
#[derive(Debug)]
enum Scope {
    Host,
    /// A folder of the cgroup file system, and what is below it.
    Cgroup(PathBuf),
}

/// A process that is to be looked at.
#[derive(Clone, Copy, Debug)]
struct Pending {
    looks: u32,
    due_ns: u64,
}

/// Finds interpreters as long as a run goes on.
#[derive(Debug)]
pub(super) struct Seeker {
    scope: Scope,
    pending: BTreeMap<u32, Pending>,
    /// Processes that run something else, with the programs that they run.
    others: BTreeMap<u32, Option<PathBuf>>,
    scan_ns: u64,
    is_gone: bool,
}

impl Seeker {
    /// On the whole machine.
    pub(super) fn of_host() -> Self {
        Self::new(Scope::Host)
    }

    /// In the control group at `path`: a folder, or the group's name as `/proc/PID/cgroup` has it.
    pub(super) fn of_cgroup(path: &Path) -> Result<Self, Failure> {
        let named = path.strip_prefix("/").unwrap_or(path);
        let places = MOUNTS.map(|mount| Path::new(mount).join(named));
        let mut places = [path.to_owned()].into_iter().chain(places);
        let found = places.find(|place| place.join("cgroup.procs").is_file());
        let folder = found.ok_or_else(|| {
            let advice = "see which group a process is in: cat /proc/PID/cgroup".to_owned();
            Failure::new(anyhow!("{} is no control group", path.display()), [advice])
        })?;
        Ok(Self::new(Scope::Cgroup(folder)))
    }

    fn new(scope: Scope) -> Self {
        Self { scope, pending: BTreeMap::new(), others: BTreeMap::new(), scan_ns: 0, is_gone: false }
    }

    /// Takes under watch what runs Python. When to be called again, if nothing else happens.
    pub(super) fn seek(&mut self, now_ns: u64, watch: &mut Watch) -> u64 {
        let heard: BTreeSet<u32> = std::mem::take(&mut watch.strangers).into_iter().collect();
        let scans = now_ns >= self.scan_ns;
        if scans || (!heard.is_empty() && matches!(self.scope, Scope::Cgroup(_))) {
            let there = self.all();
            let new = |pid: &u32| heard.contains(pid) || (scans && self.is_new(*pid, watch));
            let new: Vec<u32> = there.iter().copied().filter(new).collect();
            if scans {
                self.others.retain(|pid, _| there.contains(pid));
                self.scan_ns = now_ns.saturating_add(SCAN_NS);
            }
            self.expect(new, now_ns);
        } else {
            self.expect(heard, now_ns);
        }
        let due: Vec<(u32, Pending)> = self.pending.iter().map(|(pid, wait)| (*pid, *wait)).collect();
        for (pid, Pending { looks, due_ns }) in due {
            if due_ns > now_ns {
                continue;
            }
            match watch.consider(pid, now_ns) {
                Considered::NotYet if looks < MAX_LOOKS => {
                    let due_ns = now_ns.saturating_add(PAUSE_NS << looks);
                    self.pending.insert(pid, Pending { looks: looks + 1, due_ns });
                }
                Considered::Taken => _ = self.pending.remove(&pid),
                Considered::NotYet | Considered::Other => {
                    self.pending.remove(&pid);
                    self.others.insert(pid, program_of(pid));
                }
            }
        }
        self.pending.values().map(|wait| wait.due_ns).fold(self.scan_ns, u64::min)
    }

    /// Whether the control group was removed.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    fn expect(&mut self, pids: impl IntoIterator<Item = u32>, now_ns: u64) {
        let own = std::process::id();
        let first = Pending { looks: 0, due_ns: now_ns };
        self.pending.extend(pids.into_iter().filter(|pid| *pid != own).map(|pid| (pid, first)));
    }

    /// Whether a look through all processes shows one that was not looked at, or runs another program now.
    fn is_new(&self, pid: u32, watch: &Watch) -> bool {
        let is_other = || self.others.get(&pid).is_some_and(|program| *program == program_of(pid));
        !watch.runs(pid) && !self.pending.contains_key(&pid) && !is_other()
    }

    /// Every process within the scope.
    fn all(&mut self) -> BTreeSet<u32> {
        match &self.scope {
            Scope::Host => parents().into_keys().collect(),
            Scope::Cgroup(folder) => {
                self.is_gone = !folder.is_dir();
                members(folder)
            }
        }
    }
}

/// The processes of a control group and of those below it.
fn members(group: &Path) -> BTreeSet<u32> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![group.to_owned()]);
    let mut left = MAX_FOLDERS;
    while let Some(folder) = folders.pop()
        && left > 0
    {
        left -= 1;
        let list = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        found.extend(list.lines().filter_map(|line| line.parse::<u32>().ok()));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(
            entries
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
    found
}

/// The program that a process runs, where the kernel shows it.
fn program_of(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

#[cfg(test)]
mod tests {
    use super::{Seeker, members};
    use std::path::Path;

    /// Groups lie in folders, and one that is below another belongs to it.
    #[test]
    fn members_of_inner_groups_are_members() {
        let group = tempfile::tempdir().unwrap();
        let inner = group.path().join("inner/most");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(group.path().join("cgroup.procs"), "7\n12\n").unwrap();
        std::fs::write(inner.join("cgroup.procs"), "9\nnothing\n").unwrap();
        assert_eq!(members(group.path()).into_iter().collect::<Vec<_>>(), [7, 9, 12]);
        assert!(Seeker::of_cgroup(group.path()).is_ok());
    }

    /// What is no control group is named.
    #[test]
    fn absent_group_is_refused_by_name() {
        let refused = Seeker::of_cgroup(Path::new("/absent/group")).unwrap_err();
        assert_eq!(refused.error.to_string(), "/absent/group is no control group");
    }
}
