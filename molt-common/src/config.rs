//! What user space tells the kernel side.

use crate::call::CallLayout;
use crate::layout::WalkLayout;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Set in [`ProcessConfig::flags`] once `runtime` and `layout` are valid. A process without it is traced but
/// its interpreter is not known yet.
pub const PROCESS_READY: u32 = 1;
/// Set in [`ProcessConfig::flags`] when the thread state may be read through glibc's first block of
/// per-thread keys (`tss_key` below 32); otherwise the thread list is searched.
pub const PROCESS_TSS: u32 = 2;
/// Set in [`ProcessConfig::flags`] when children made by `fork` are traced too.
pub const PROCESS_FOLLOW: u32 = 4;
/// Set in [`ProcessConfig::flags`] when the process's main thread is followed with ptrace, so that a
/// [`HOLD_SIGNAL`] stops it for the tracer. The kernel side clears it when it has sent one, and children do not
/// inherit it.
pub const PROCESS_HOLD: u32 = 8;

/// Set in [`ProcessConfig::flags`] when the process's calls are counted where probes see them.
pub const PROCESS_CALLS: u32 = 16;

/// Set in [`ProcessConfig::flags`] when the process's main thread is held, like [`PROCESS_HOLD`], before its
/// interpreter begins: how to read it must be known before the first call. The kernel side clears it then.
pub const PROCESS_HOLD_START: u32 = 32;

/// Set in [`ProcessConfig::flags`] when the process's audit events and system calls are counted.
pub const PROCESS_EFFECTS: u32 = 64;

/// Cookies of the probes that see an interpreter's life.
pub mod milestone {
    /// It begins.
    pub const START: u64 = 1;
    /// It is about to be torn down. Also where a link carries no cookies.
    pub const END: u64 = 0;
}

/// The signal that holds a followed process at the entry of its finalization: `SIGURG` on x86-64 and arm64. The
/// tracer takes it away; without a tracer a process that does not handle it ignores it (`man 7 signal`).
pub const HOLD_SIGNAL: u32 = 23;

/// How to read one traced process. The value of the map `PROCESSES`, keyed by process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ProcessConfig {
    /// Address of `_PyRuntime` in the process.
    pub runtime: u64,
    /// Offsets for its version.
    pub layout: WalkLayout,
    /// What reading its calls needs beyond that; zeros where calls are not hooked.
    pub call: CallLayout,
    /// `PROCESS_*` bits.
    pub flags: u32,
    /// Number of the program that the process runs, under which its calls are counted: a process runs another one
    /// after an exec, and process ids come again.
    pub program: u32,
    /// The key of `autoTSSkey`, as read from the process.
    pub tss_key: u32,
    /// Zero.
    pub reserved: u32,
}

const _: () =
    assert!(size_of::<ProcessConfig>() == 8 + size_of::<WalkLayout>() + size_of::<CallLayout>() + 16);

/// Offsets in the running kernel's structures, from its own BTF, and the pid namespace whose ids are used. The value of
/// the map `KERNEL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct KernelLayout {
    /// `task_struct.pid`, the thread's id, an `i32`.
    pub task_pid: u32,
    /// `task_struct.tgid`, the process's id, an `i32`.
    pub task_tgid: u32,
    /// The thread pointer in `task_struct.thread` (x86-64: `fsbase`); [`crate::layout::ABSENT`] when the
    /// kernel's BTF does not name it.
    pub task_thread_pointer: u32,
    /// Number of the pid namespace by whose ids user space knows processes; 0 for the initial one, whose ids are those
    /// of `task_struct`.
    pub namespace: u32,
    /// What leads to the ids of another namespace; zeros where they are not asked for.
    pub pids: PidLayout,
}

/// How to find the id of a task in any of its pid namespaces (`include/linux/{sched,pid,pid_namespace}.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PidLayout {
    /// `task_struct.group_leader`: the task that the process's id is the thread's id of.
    pub task_group_leader: u32,
    /// `task_struct.thread_pid`, a `struct pid`.
    pub task_thread_pid: u32,
    /// `pid.level`: how many namespaces lie around its own.
    pub pid_level: u32,
    /// `pid.numbers`: a `struct upid` for each namespace, the initial one first.
    pub pid_numbers: u32,
    /// Size of a `struct upid`.
    pub upid_bytes: u32,
    /// `upid.nr`, the id, an `i32`.
    pub upid_nr: u32,
    /// `upid.ns`, a `struct pid_namespace`.
    pub upid_ns: u32,
    /// `pid_namespace.ns.inum`, its number.
    pub namespace_inum: u32,
}

const _: () = assert!(size_of::<KernelLayout>() == 48);
