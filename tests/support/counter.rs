//! Counts how often the kernel passes a place in a file, through the uprobe events of perf: no eBPF in it.
use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

/// `PERF_FLAG_FD_CLOEXEC` (`linux/perf_event.h`).
const CLOSE_ON_EXEC: libc::c_ulong = 8;
/// Bytes of `struct perf_event_attr` up to and with `config2` (`PERF_ATTR_SIZE_VER1`).
const ATTRIBUTE_BYTES: u64 = 72;
/// Bit of the configuration: count returns of the function (`format/retprobe` of the event source).
const RETPROBE: u64 = 1;

/// One counted place.
#[derive(Debug)]
pub(crate) struct Counter(File);

impl Counter {
    /// Counts from now on how often the main thread of `pid` passes `offset` of the file `path`; with
    /// `returns`, how often the function that begins there returns.
    pub(crate) fn start(pid: Pid, path: &Path, offset: u64, returns: bool) -> Self {
        let kind = fs::read_to_string("/sys/bus/event_source/devices/uprobe/type").unwrap();
        let kind: u64 = kind.trim().parse().unwrap();
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        let config = if returns { RETPROBE } else { 0 };
        // The struct in words: type and size, config, period, sample type, read format, flags, wakeup,
        // config1 (the path), config2 (the offset).
        let attribute = [
            ATTRIBUTE_BYTES << 32 | kind,
            config,
            0,
            0,
            0,
            0,
            0,
            path.as_ptr().expose_provenance() as u64,
            offset,
        ];
        // SAFETY: perf_event_open reads the attribute, whose size is in it, and the path that it points to;
        // both live until it returns, and it keeps neither.
        let fd = unsafe {
            libc::syscall(libc::SYS_perf_event_open, attribute.as_ptr(), pid.as_raw(), -1, -1, CLOSE_ON_EXEC)
        };
        let fd = Errno::result(fd).unwrap_or_else(|error| panic!("{path:?}+{offset:#x}: {error}"));
        // SAFETY: the kernel has just made this descriptor, and nothing else owns it.
        Self(unsafe { File::from_raw_fd(i32::try_from(fd).unwrap()) })
    }

    /// The count so far.
    pub(crate) fn read(&mut self) -> u64 {
        let mut count = [0; 8];
        self.0.read_exact(&mut count).unwrap();
        u64::from_ne_bytes(count)
    }
}
