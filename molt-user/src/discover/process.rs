//! What `/proc` tells of a process.

use super::error::DiscoverError;
use super::maps::without_mark;
use crate::clock::boot_ns;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use procfs::ProcError;
use procfs::process::Process as ProcDir;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IoSliceMut, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Set in a task's flags when it is a kernel thread (`include/linux/sched.h`).
const PF_KTHREAD: u32 = 0x0020_0000;
/// Most bytes read of a command line or an environment. The kernel allows a quarter of the stack limit.
const MAX_TEXT_BYTES: u64 = 8 << 20;

/// Whether a process shares molt's own namespaces. A process in others is seen under other paths and ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SameNamespaces {
    /// Process ids.
    pub pid: bool,
    /// Mounts: the meaning of paths.
    pub mnt: bool,
    /// User ids.
    pub user: bool,
}

/// A process as it was when it was looked at. What the kernel does not show to this user is none.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id in molt's namespace.
    pub pid: i32,
    /// Its id in its own namespace.
    pub inner_pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// When it started, in clock ticks since boot. With the pid it names one process, also after the pid is
    /// used again.
    pub start_ticks: u64,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
    /// The executable's path, which may lead nowhere by now.
    pub exe: Option<PathBuf>,
    /// The working folder.
    pub cwd: Option<PathBuf>,
    /// The command and its arguments; a process may overwrite them.
    pub command: Vec<OsString>,
    /// The variables that decide which Python runs and how, as they were at exec, sorted.
    pub environment: Vec<(OsString, OsString)>,
    /// Whether it shares molt's namespaces.
    pub namespaces: Option<SameNamespaces>,
}

impl Process {
    /// The ids of all processes that the kernel shows.
    pub fn all() -> Vec<i32> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
    }

    /// Looks at a process.
    pub fn read(pid: i32) -> Result<Self, DiscoverError> {
        let root = proc_path(pid, "");
        let failed = |what: &str| {
            let path = root.join(what);
            move |error| from_procfs(pid, path, error)
        };
        let dir = ProcDir::new(pid).map_err(|error| match from_procfs(pid, root.clone(), error) {
            DiscoverError::Vanished { pid } => DiscoverError::NoSuchProcess { pid },
            error => error,
        })?;
        let stat = dir.stat().map_err(failed("stat"))?;
        if stat.flags & PF_KTHREAD != 0 {
            return Err(DiscoverError::KernelThread { pid });
        }
        if matches!(stat.state, 'Z' | 'X') {
            return Err(DiscoverError::Vanished { pid });
        }
        let status = dir.status().map_err(failed("status"))?;
        Ok(Self {
            pid,
            inner_pid: status.nspid.and_then(|pids| pids.last().copied()).unwrap_or(pid),
            parent: stat.ppid,
            start_ticks: stat.starttime,
            uid: status.euid,
            gid: status.egid,
            exe: fs::read_link(root.join("exe"))
                .ok()
                .map(|exe| without_mark(exe.into_os_string().into_vec()).0),
            cwd: fs::read_link(root.join("cwd")).ok(),
            command: read_texts(&root.join("cmdline")).unwrap_or_default(),
            environment: read_environment(&root.join("environ")).unwrap_or_default(),
            namespaces: compare_namespaces(&root),
        })
    }

    /// Whether this very process still runs: not ended, not a zombie, and not another one with its id.
    pub fn is_alive(&self) -> bool {
        let stat = ProcDir::new(self.pid).and_then(|dir| dir.stat());
        stat.is_ok_and(|stat| stat.starttime == self.start_ticks && !matches!(stat.state, 'Z' | 'X'))
    }

    /// When it started, to the clock tick; `None` where the clocks contradict each other. (From `btime` of `/proc/stat`
    /// it could be told to the second.)
    pub fn started(&self) -> Option<SystemTime> {
        let ticks = self.start_ticks.checked_mul(1000)?.checked_div(procfs::ticks_per_second())?;
        let age = Duration::from_nanos(boot_ns()).checked_sub(Duration::from_millis(ticks))?;
        SystemTime::now().checked_sub(age)
    }
}

/// The ids of a process's threads. Empty where the kernel does not tell.
pub fn threads_of(pid: u32) -> Vec<u32> {
    let Ok(tasks) = ProcDir::new(pid.cast_signed()).and_then(|dir| dir.tasks()) else {
        return Vec::new();
    };
    tasks.flatten().filter_map(|task| task.tid.try_into().ok()).collect()
}

/// Every process that there is, with its parent's id.
pub fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent =
        |pid: u32| ProcDir::new(pid.cast_signed()).and_then(|dir| dir.stat()).ok()?.ppid.try_into().ok();
    pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

/// `/proc/PID/NAME`.
pub(super) fn proc_path(pid: i32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

/// Reads 8 bytes of a process's memory.
pub(crate) fn read_word(pid: i32, address: u64) -> Option<u64> {
    let mut word = [0; 8];
    let remote = RemoteIoVec { base: address.try_into().ok()?, len: word.len() };
    let read = process_vm_readv(Pid::from_raw(pid), &mut [IoSliceMut::new(&mut word)], &[remote]);
    (read == Ok(word.len())).then(|| u64::from_le_bytes(word))
}

fn from_procfs(pid: i32, path: PathBuf, error: ProcError) -> DiscoverError {
    let source = match error {
        ProcError::PermissionDenied(_) => io::ErrorKind::PermissionDenied.into(),
        ProcError::NotFound(_) | ProcError::Incomplete(_) => io::ErrorKind::NotFound.into(),
        ProcError::Io(source, _) => source,
        other @ (ProcError::Other(_) | ProcError::InternalError(_)) => io::Error::other(other.to_string()),
    };
    DiscoverError::from_proc(pid, path, source)
}

/// Texts that each end with NUL.
fn read_texts(path: &Path) -> io::Result<Vec<OsString>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_TEXT_BYTES).read_to_end(&mut bytes)?;
    let texts = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    Ok(texts.split(|&byte| byte == 0).map(|text| OsStr::from_bytes(text).to_owned()).collect())
}

fn read_environment(path: &Path) -> io::Result<Vec<(OsString, OsString)>> {
    const CHOSEN: [&[u8]; 3] = [b"PYTHON", b"PYENV_VERSION", b"VIRTUAL_ENV"];
    let mut chosen: Vec<_> = read_texts(path)?
        .iter()
        .filter(|text| CHOSEN.iter().any(|prefix| text.as_bytes().starts_with(prefix)))
        .filter_map(|text| {
            let equals = text.as_bytes().iter().position(|&byte| byte == b'=')?;
            let (name, value) = text.as_bytes().split_at(equals);
            Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value.get(1..)?).to_owned()))
        })
        .collect();
    chosen.sort();
    Ok(chosen)
}

fn compare_namespaces(root: &Path) -> Option<SameNamespaces> {
    let same = |kind: &str| {
        let theirs = fs::read_link(root.join("ns").join(kind)).ok()?;
        Some(theirs == fs::read_link(Path::new("/proc/self/ns").join(kind)).ok()?)
    };
    Some(SameNamespaces { pid: same("pid")?, mnt: same("mnt")?, user: same("user")? })
}
