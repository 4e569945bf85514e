//! The door for the calls of bpf(2) that load programs for uprobes and link them.

use nix::errno::Errno;
use nix::libc;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// `BPF_PROG_LOAD` (`include/uapi/linux/bpf.h`, like all numbers here), `BPF_BTF_LOAD` and `BPF_LINK_CREATE`.
pub(super) const PROG_LOAD: libc::c_long = 5;
pub(super) const BTF_LOAD: libc::c_long = 18;
pub(super) const LINK_CREATE: libc::c_long = 28;

/// `union bpf_attr` of `BPF_PROG_LOAD`, up to what is used here.
#[repr(C)]
pub(super) struct ProgLoad {
    pub(super) prog_type: u32,
    pub(super) insn_cnt: u32,
    pub(super) insns: u64,
    pub(super) license: u64,
    pub(super) log_level: u32,
    pub(super) log_size: u32,
    pub(super) log_buf: u64,
    pub(super) kern_version: u32,
    pub(super) prog_flags: u32,
    pub(super) prog_name: [u8; 16],
    pub(super) prog_ifindex: u32,
    pub(super) expected_attach_type: u32,
    pub(super) prog_btf_fd: u32,
    pub(super) func_info_rec_size: u32,
    pub(super) func_info: u64,
    pub(super) func_info_cnt: u32,
    pub(super) line_info_rec_size: u32,
}

/// `union bpf_attr` of `BPF_BTF_LOAD`, up to what is used here.
#[repr(C)]
pub(super) struct BtfLoad {
    pub(super) btf: u64,
    pub(super) btf_log_buf: u64,
    pub(super) btf_size: u32,
    pub(super) btf_log_size: u32,
}

/// `union bpf_attr` of `BPF_LINK_CREATE` for many uprobes.
#[repr(C)]
pub(super) struct LinkMany {
    pub(super) prog_fd: u32,
    pub(super) target_fd: u32,
    pub(super) attach_type: u32,
    pub(super) flags: u32,
    pub(super) path: u64,
    pub(super) offsets: u64,
    pub(super) ref_ctr_offsets: u64,
    pub(super) cookies: u64,
    pub(super) cnt: u32,
    pub(super) multi_flags: u32,
    pub(super) pid: u32,
    pub(super) reserved: u32,
}

/// `union bpf_attr` of `BPF_LINK_CREATE` for a perf event.
#[repr(C)]
pub(super) struct LinkEvent {
    pub(super) prog_fd: u32,
    pub(super) target_fd: u32,
    pub(super) attach_type: u32,
    pub(super) flags: u32,
    pub(super) cookie: u64,
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

pub(super) fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

/// A call of bpf(2) that gives a descriptor.
///
/// # Safety
///
/// `attributes` must be the leading part of what `command` takes, without padding, and every address in it must
/// be valid for the length beside it.
pub(super) unsafe fn bpf<T>(command: libc::c_long, attributes: &T) -> nix::Result<OwnedFd> {
    // SAFETY: the caller answers for the attributes; the kernel reads `size_of::<T>()` bytes of them.
    let number =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<T>()) };
    let number = RawFd::try_from(Errno::result(number)?).map_err(|_too_large| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
