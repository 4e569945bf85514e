//! The door for perf events that aya does not know.

use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, RawFd};

/// `struct perf_event_attr` in its second version (`include/uapi/linux/perf_event.h`, like all numbers here).
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
    config2: u64,
}

/// `PERF_TYPE_SOFTWARE`; `PERF_COUNT_SW_CPU_CLOCK` and `PERF_COUNT_SW_TASK_CLOCK`.
const SOFTWARE: u32 = 1;
const CPU_CLOCK: u64 = 0;
const TASK_CLOCK: u64 = 1;
/// The bits `disabled`, `inherit` and `exclude_idle`.
const DISABLED: u64 = 1;
const INHERIT: u64 = 1 << 1;
const EXCLUDE_IDLE: u64 = 1 << 7;

/// `PERF_FLAG_FD_CLOEXEC`.
const CLOEXEC: libc::c_ulong = 1 << 3;

/// `PERF_EVENT_IOC_ENABLE`, `PERF_EVENT_IOC_DISABLE` and `PERF_EVENT_IOC_SET_BPF`.
const ENABLE: libc::c_ulong = 0x2400;
const DISABLE: libc::c_ulong = 0x2401;
const SET_BPF: libc::c_ulong = 0x4004_2408;

/// A clock in software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Counts the CPU time of a thread and of all that descends from it.
    Of {
        /// Its id.
        thread: u32,
    },
    /// Ticks on a processor that is not idle, once it is enabled.
    On {
        /// Its number.
        cpu: u32,
        /// Nanoseconds between ticks.
        period_ns: u64,
    },
}

/// Makes the event of a clock.
pub(super) fn open(clock: Clock) -> nix::Result<File> {
    let every = Attributes { kind: SOFTWARE, ..Attributes::default() };
    let number = |id: u32| libc::c_int::try_from(id).map_err(|_too_large| Errno::ESRCH);
    let (attributes, thread, cpu) = match clock {
        Clock::Of { thread } => {
            (Attributes { config: TASK_CLOCK, flags: INHERIT, ..every }, number(thread)?, -1)
        }
        Clock::On { cpu, period_ns } => {
            let flags = DISABLED | EXCLUDE_IDLE;
            (Attributes { config: CPU_CLOCK, sample_period: period_ns, flags, ..every }, -1, number(cpu)?)
        }
    };
    // SAFETY: there is no address among the attributes.
    unsafe { open_event(attributes, thread, cpu) }
}

/// A probe at one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uprobe<'a> {
    /// The file, and where in it.
    pub(super) path: &'a CStr,
    pub(super) offset: u64,
    /// Where in the file the counter is that is kept above zero meanwhile; 0 for none.
    pub(super) semaphore: u64,
    /// The process; every one that runs the file if `None`.
    pub(super) pid: Option<u32>,
    /// The return of the function at that place, instead of the place itself.
    pub(super) returns: bool,
}

/// The kernel's kind of events for uprobes, which has a number of its own on each machine.
const UPROBE_KIND: &str = "/sys/bus/event_source/devices/uprobe/type";
/// In `config`: the bit for returns, and where the semaphore's offset begins (`PMU_FORMAT_ATTR`,
/// `kernel/events/core.c`, 4.20 to 6.18).
const RETURNS: u64 = 1;
const SEMAPHORE_SHIFT: u32 = 32;

/// Makes the event of a probe, which is placed at once.
pub(super) fn open_uprobe(probe: &Uprobe<'_>) -> nix::Result<File> {
    let kind = std::fs::read_to_string(UPROBE_KIND).ok().and_then(|kind| kind.trim().parse().ok());
    let attributes = Attributes {
        kind: kind.ok_or(Errno::ENODEV)?,
        config: if probe.returns { RETURNS } else { 0 } | (probe.semaphore << SEMAPHORE_SHIFT),
        config1: probe.path.as_ptr().addr() as u64,
        config2: probe.offset,
        ..Attributes::default()
    };
    // A program runs for every thread and on every processor, whichever one the event is for.
    let (thread, cpu) = match probe.pid {
        Some(pid) => (libc::c_int::try_from(pid).map_err(|_too_large| Errno::ESRCH)?, -1),
        None => (-1, 0),
    };
    // SAFETY: the path is alive and ends in a NUL.
    unsafe { open_event(attributes, thread, cpu) }
}

/// Makes an event.
///
/// # Safety
///
/// Addresses among the attributes must be valid.
unsafe fn open_event(attributes: Attributes, thread: libc::c_int, cpu: libc::c_int) -> nix::Result<File> {
    let attributes = Attributes { size: u32::try_from(size_of::<Attributes>()).unwrap_or(0), ..attributes };
    let no_group: libc::c_int = -1;
    // SAFETY: the kernel reads `size` bytes of the attributes, which are alive and have no padding; the caller answers
    // for what they lead to.
    let number = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attributes, thread, cpu, no_group, CLOEXEC)
    };
    let number = RawFd::try_from(Errno::result(number)?).map_err(|_too_large| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { File::from_raw_fd(number) })
}

/// Runs a program at each tick of an event.
pub(super) fn run(event: &File, program: BorrowedFd<'_>) -> nix::Result<()> {
    control(event, SET_BPF, program.as_raw_fd())
}

/// Lets an event tick, or not.
pub(super) fn enable(event: &File, on: bool) -> nix::Result<()> {
    control(event, if on { ENABLE } else { DISABLE }, 0)
}

fn control(event: &File, request: libc::c_ulong, argument: libc::c_int) -> nix::Result<()> {
    // SAFETY: these requests take a number, and no memory of ours.
    Errno::result(unsafe { libc::ioctl(event.as_raw_fd(), request, argument) }).map(drop)
}
