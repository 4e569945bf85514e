//! What this kernel and molt's own privileges allow.

mod obstacles;

use std::fmt;
use std::fs;
use std::path::Path;

/// Capabilities that molt uses (`include/uapi/linux/capability.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// To read other users' processes.
    SysPtrace = 19,
    /// Stands for the two below, on kernels older than them as well.
    SysAdmin = 21,
    /// To take samples and place uprobes.
    Perfmon = 38,
    /// To load eBPF programs.
    Bpf = 39,
    /// To open mapped files that were deleted.
    CheckpointRestore = 40,
}

impl Capability {
    /// All of them, by number.
    pub const ALL: [Self; 5] =
        [Self::SysPtrace, Self::SysAdmin, Self::Perfmon, Self::Bpf, Self::CheckpointRestore];
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SysPtrace => "CAP_SYS_PTRACE",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::Perfmon => "CAP_PERFMON",
            Self::Bpf => "CAP_BPF",
            Self::CheckpointRestore => "CAP_CHECKPOINT_RESTORE",
        })
    }
}

/// What the kernel keeps from root as well (`man 7 kernel_lockdown`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lockdown {
    /// Nothing, or the kernel has no lockdown.
    None,
    /// Changes of the kernel. molt changes nothing.
    Integrity,
    /// Reading the kernel's memory too, and with it eBPF tracing.
    Confidentiality,
}

/// The oldest kernel with the helper `bpf_loop` (`kernel/bpf/bpf_iter.c`).
const OLDEST_KERNEL: (u32, u32) = (5, 17);
/// The number of the first pid namespace (`PROC_PID_INIT_INO`, `include/linux/proc_ns.h`).
const FIRST_PID_NAMESPACE: u32 = 0xEFFF_FFFC;
/// `uid_map` of the first user namespace: all ids, as they are.
const ALL_IDS: [&str; 3] = ["0", "0", "4294967295"];

/// Facts about the kernel and about molt's own process. What could not be read is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, one line each in `molt doctor`")]
pub struct Privileges {
    /// The kernel's release, such as `6.1.0-18-amd64`.
    pub kernel: String,
    /// The effective capabilities, a bit each.
    pub capabilities: u64,
    /// The effective user is 0.
    pub root: bool,
    /// The kernel describes its own types, which is how eBPF programs find their way in it.
    pub btf: bool,
    /// The kernel has uprobes (as a perf event source).
    pub uprobes: bool,
    /// tracefs is mounted at one of its two places. Only tracepoints need it.
    pub tracefs: bool,
    /// What the kernel keeps from root.
    pub lockdown: Lockdown,
    /// `kernel.perf_event_paranoid`: above 2, distributions let nobody without privileges use perf events.
    pub perf_event_paranoid: Option<i32>,
    /// `kernel.unprivileged_bpf_disabled`: above 0, eBPF needs `CAP_BPF`.
    pub unprivileged_bpf_disabled: Option<i32>,
    /// `kernel.yama.ptrace_scope`: 3 forbids ptrace to everyone.
    pub ptrace_scope: Option<i32>,
    /// A seccomp filter decides which system calls molt may make, as in most containers.
    pub seccomp_filter: bool,
    /// The AppArmor profile that confines molt, if one does.
    pub apparmor: Option<String>,
    /// molt runs in a user namespace: its capabilities are not those of the machine.
    pub user_namespace: bool,
    /// molt runs in another pid namespace than the first, in which processes have other ids.
    pub pid_namespace: bool,
    /// `/proc` shows the processes of another pid namespace than molt's.
    pub foreign_proc: bool,
    /// molt runs in a container that leaves one of the usual marks.
    pub container: bool,
}

/// Something that keeps molt from tracing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What is missing, in one sentence without a full stop.
    pub what: String,
    /// What to do about it: a command, or a few words where no command can help.
    pub remedy: String,
    /// It surely keeps molt from tracing. Otherwise it may.
    pub certain: bool,
}

impl Privileges {
    /// Reads the facts.
    pub fn read() -> Self {
        Self::read_below(Path::new("/"))
    }

    fn read_below(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let number = |path: &str| text(path).trim().parse().ok();
        let exists = |path: &str| root.join(path).exists();
        let status = text("proc/self/status");
        let field =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        Self {
            kernel: text("proc/sys/kernel/osrelease").trim().to_owned(),
            capabilities: u64::from_str_radix(field("CapEff:"), 16).unwrap_or(0),
            root: field("Uid:").split_ascii_whitespace().nth(1) == Some("0"),
            btf: exists("sys/kernel/btf/vmlinux"),
            uprobes: exists("sys/bus/event_source/devices/uprobe/type"),
            tracefs: exists("sys/kernel/tracing/events") || exists("sys/kernel/debug/tracing/events"),
            lockdown: parse_lockdown(&text("sys/kernel/security/lockdown")),
            perf_event_paranoid: number("proc/sys/kernel/perf_event_paranoid"),
            unprivileged_bpf_disabled: number("proc/sys/kernel/unprivileged_bpf_disabled"),
            ptrace_scope: number("proc/sys/kernel/yama/ptrace_scope"),
            seccomp_filter: field("Seccomp:") == "2",
            apparmor: ["proc/self/attr/apparmor/current", "proc/self/attr/current"]
                .into_iter()
                .find_map(|path| text(path).trim_end().strip_suffix(" (enforce)").map(str::to_owned)),
            user_namespace: !text("proc/self/uid_map").split_ascii_whitespace().eq(ALL_IDS),
            pid_namespace: namespace_below(root).is_some(),
            foreign_proc: fs::read_link(root.join("proc/self"))
                .is_ok_and(|own| own.as_os_str() != std::process::id().to_string().as_str()),
            container: exists(".dockerenv") || exists("run/.containerenv") || exists("run/systemd/container"),
        }
    }

    /// Whether a capability is effective. `CAP_SYS_ADMIN` stands for those that were split from it.
    pub fn has(&self, capability: Capability) -> bool {
        let bit = |capability| self.capabilities >> (capability as u8) & 1 == 1;
        bit(capability) || (capability != Capability::SysPtrace && bit(Capability::SysAdmin))
    }

    /// Whether `CAP_SYS_ADMIN` has to stand for others, or is needed to place uprobes one by one: kernels before 6.6 know
    /// no other way.
    pub(crate) fn needs_admin(&self) -> bool {
        let split = [Capability::Bpf, Capability::Perfmon, Capability::CheckpointRestore];
        let has_all = split.into_iter().all(|capability| self.capabilities >> (capability as u8) & 1 == 1);
        !has_all || parse_release(&self.kernel).is_none_or(|release| release < (6, 6))
    }

    /// The capabilities that molt needs and has not.
    fn lacking(&self) -> impl Iterator<Item = Capability> {
        let needed = [Capability::Bpf, Capability::Perfmon, Capability::SysPtrace];
        needed.into_iter().filter(|&needed| !self.has(needed))
    }
}

/// The number of molt's pid namespace, if that is another one than the first.
pub fn pid_namespace() -> Option<u32> {
    namespace_below(Path::new("/"))
}

fn namespace_below(root: &Path) -> Option<u32> {
    let name = fs::read_link(root.join("proc/self/ns/pid")).ok()?;
    let number = name.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()?;
    (number != FIRST_PID_NAMESPACE).then_some(number)
}

/// The active mode stands in brackets: `none [integrity] confidentiality`.
fn parse_lockdown(text: &str) -> Lockdown {
    match text.split_once('[').and_then(|(_, tail)| tail.split_once(']')) {
        Some(("integrity", _)) => Lockdown::Integrity,
        Some(("confidentiality", _)) => Lockdown::Confidentiality,
        _ => Lockdown::None,
    }
}

fn parse_release(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|char: char| !char.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
