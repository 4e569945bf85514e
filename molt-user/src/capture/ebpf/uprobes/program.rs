//! A program, and the places where it runs.

use super::syscall::{LINK_CREATE, LinkEvent, LinkMany, address, bpf, count};
use super::{Place, Scope, UprobeError};
use crate::capture::ebpf::perf_event::{self, Uprobe};
use crate::capture::ebpf::urgent::Urgent;
use nix::errno::Errno;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, OwnedFd};

/// `BPF_TRACE_UPROBE_MULTI` and `BPF_PERF_EVENT` (`include/uapi/linux/bpf.h`).
const TRACE_UPROBE_MULTI: u32 = 48;
const PERF_EVENT: u32 = 41;
/// `BPF_F_UPROBE_MULTI_RETURN`.
const RETURN: u32 = 1;

/// Whether the environment asks for probes that are placed one by one, as where the kernel has no links to many.
pub fn are_placed_one_by_one() -> bool {
    std::env::var_os("MOLT_UPROBES_ONE_BY_ONE").is_some()
}

/// How programs are linked to places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// To many at once; to each by itself where the kernel refuses that. One that knows no such links takes programs for
    /// them all the same (`bpf_prog_load_check_attach`, `kernel/bpf/syscall.c`, Linux 5.17).
    Many,
    /// To each by itself.
    Single,
}

impl Links {
    pub(super) fn wanted() -> Self {
        if are_placed_one_by_one() { Self::Single } else { Self::Many }
    }

    /// What the kernel is told of a program that is loaded for them.
    pub(super) const fn attach_type(self) -> u32 {
        match self {
            Self::Many => TRACE_UPROBE_MULTI,
            Self::Single => 0,
        }
    }
}

/// A program that can be linked to places.
#[derive(Debug)]
pub(in crate::capture::ebpf) struct UprobeProgram {
    program: OwnedFd,
    links: Links,
}

impl UprobeProgram {
    pub(super) const fn new(program: OwnedFd, links: Links) -> Self {
        Self { program, links }
    }

    /// Places a probe at each of `places` in the file `path`. They stay until the links are dropped.
    pub(in crate::capture::ebpf) fn attach(
        &self,
        path: &CStr,
        places: &[Place],
        scope: Scope,
    ) -> Result<Vec<OwnedFd>, UprobeError> {
        self.attach_raising(path, places, &[], scope)
    }

    /// As [`Self::attach`], and keeps a 16-bit counter above zero for each of them as long as they stay: the one at
    /// its offset in `semaphores`, 0 for none, in the memory of each process in the scope. The kernel takes that back
    /// however molt ends (`update_ref_ctr`, `kernel/events/uprobes.c`).
    pub(in crate::capture::ebpf) fn attach_raising(
        &self,
        path: &CStr,
        places: &[Place],
        semaphores: &[u64],
        scope: Scope,
    ) -> Result<Vec<OwnedFd>, UprobeError> {
        let _urgent = Urgent::begin();
        if self.links == Links::Many {
            match self.link_many(path, places, semaphores, scope) {
                // An unknown kind of link, or one that this architecture has not.
                Err(Errno::EINVAL | Errno::EOPNOTSUPP) => {}
                linked => return linked.map(|link| vec![link]).map_err(UprobeError::Many),
            }
        }
        let semaphore = |index: usize| semaphores.get(index).copied().unwrap_or(0);
        let place = |(index, place)| self.link_one(path, place, semaphore(index), scope);
        places.iter().enumerate().map(place).collect::<nix::Result<_>>().map_err(UprobeError::One)
    }

    fn link_many(
        &self,
        path: &CStr,
        places: &[Place],
        semaphores: &[u64],
        scope: Scope,
    ) -> nix::Result<OwnedFd> {
        // The kernel reads one for each place.
        let raises = semaphores.len() == places.len() && semaphores.iter().any(|offset| *offset != 0);
        let offsets: Vec<u64> = places.iter().map(|place| place.offset).collect();
        let cookies: Vec<u64> = places.iter().map(|place| place.cookie).collect();
        let attributes = LinkMany {
            prog_fd: self.program.as_raw_fd().cast_unsigned(),
            target_fd: 0,
            attach_type: TRACE_UPROBE_MULTI,
            flags: 0,
            path: address(path.as_ptr()),
            offsets: address(offsets.as_ptr()),
            ref_ctr_offsets: if raises { address(semaphores.as_ptr()) } else { 0 },
            cookies: address(cookies.as_ptr()),
            cnt: count(places.len()),
            multi_flags: if scope.returns { RETURN } else { 0 },
            pid: scope.pid.unwrap_or(0),
            reserved: 0,
        };
        // SAFETY: path, offsets, cookies and semaphores are alive, the path ends in a NUL, and there are `cnt` of each.
        unsafe { bpf(LINK_CREATE, &attributes) }
    }

    /// The link holds the perf event.
    fn link_one(&self, path: &CStr, place: &Place, semaphore: u64, scope: Scope) -> nix::Result<OwnedFd> {
        let Place { offset, cookie } = *place;
        let Scope { pid, returns } = scope;
        let event = perf_event::open_uprobe(&Uprobe { path, offset, semaphore, pid, returns })?;
        let attributes = LinkEvent {
            prog_fd: self.program.as_raw_fd().cast_unsigned(),
            target_fd: event.as_raw_fd().cast_unsigned(),
            attach_type: PERF_EVENT,
            flags: 0,
            cookie,
        };
        // SAFETY: there is no address among the attributes.
        unsafe { bpf(LINK_CREATE, &attributes) }
    }
}
