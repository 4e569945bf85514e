//! Many uprobes with one link: `BPF_TRACE_UPROBE_MULTI` (Linux 6.6).
//!
//! aya 0.14 loads no program for this kind of link, so probes are loaded here, by two calls of bpf(2). It is worth
//! it: a link is taken away in one wait, where each perf uprobe waits some 100 ms by itself and the waits follow
//! each other; and it can be for one process, so that others that run the same file are not slowed.

use super::refusal;
use super::urgent::Urgent;
use aya::Ebpf;
use aya::maps::Map;
use aya_obj::Object;
use aya_obj::btf::{Btf, BtfFeatures};
use nix::errno::Errno;
use nix::libc;
use std::collections::HashSet;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `BPF_PROG_LOAD` (`include/uapi/linux/bpf.h`), like those below.
const PROG_LOAD: libc::c_long = 5;
const BTF_LOAD: libc::c_long = 18;
const LINK_CREATE: libc::c_long = 28;
const PROG_TYPE_KPROBE: u32 = 2;
const TRACE_UPROBE_MULTI: u32 = 48;

/// `BPF_F_UPROBE_MULTI_RETURN`.
const RETURN: u32 = 1;

/// Most bytes of the verifier's log.
const MAX_LOG: usize = 1 << 22;

/// A place for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where in the file.
    pub(super) offset: u64,
    /// What the program is told there.
    pub(super) cookie: u64,
}

/// Which hits of a link the program sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// The process; every one that runs the file if `None`.
    pub(super) pid: Option<u32>,
    /// Returns of the functions at the places, instead of the places themselves.
    pub(super) returns: bool,
}

/// Why a program could not be loaded for such a link, or the link not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MultiError {
    /// The object cannot be prepared a second time.
    #[error("failed to prepare the embedded eBPF object: {0}")]
    Object(String),
    /// The kernel refused a program. The verifier's log goes to molt's own log.
    #[error("failed to load eBPF program {name} for many uprobes: {reason}")]
    Program {
        /// The program's name.
        name: &'static str,
        /// The line of the log that says why; empty if there is none.
        reason: String,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
    /// The kernel refused; before Linux 6.6 it knows no such link.
    #[error("failed to {what} for many uprobes")]
    Refused {
        /// What was tried.
        what: &'static str,
        /// Its answer.
        #[source]
        source: Errno,
    },
}

/// `union bpf_attr` of `BPF_PROG_LOAD`, up to what is used here.
#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
}

/// `union bpf_attr` of `BPF_BTF_LOAD`, up to what is used here.
#[repr(C)]
struct BtfLoad {
    btf: u64,
    btf_log_buf: u64,
    btf_size: u32,
    btf_log_size: u32,
}

/// `union bpf_attr` of `BPF_LINK_CREATE` for many uprobes.
#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    path: u64,
    offsets: u64,
    ref_ctr_offsets: u64,
    cookies: u64,
    cnt: u32,
    multi_flags: u32,
    pid: u32,
    reserved: u32,
}

/// A program that can be linked to many places.
#[derive(Debug)]
pub(super) struct MultiProgram(OwnedFd);

/// An object's programs, with the maps of an [`Ebpf`] in their places.
pub(super) struct Prepared {
    object: Object,
    /// The object's types, which the kernel checks functions against; `None` where it did not take them.
    types: Option<OwnedFd>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("types", &self.types).finish_non_exhaustive()
    }
}

impl Prepared {
    /// Prepares `object`, which `ebpf` was loaded from and still holds all maps of.
    pub(super) fn new(object: &[u8], ebpf: &Ebpf) -> Result<Self, MultiError> {
        let failed = |error: &dyn std::error::Error| MultiError::Object(error.to_string());
        let mut object = Object::parse(object).map_err(|error| failed(&error))?;
        let text: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        let maps = object.maps.clone();
        let fds: Vec<(&str, RawFd)> =
            ebpf.maps().filter_map(|(name, map)| Some((name, fd_of(map)?))).collect();
        let known = maps.iter().filter_map(|(name, map)| {
            let (_, fd) = fds.iter().find(|(known, _)| known == name)?;
            Some((name.as_str(), *fd, map))
        });
        // Kernels that have these links know every kind of type.
        let features = BtfFeatures::new(true, true, true, true, true, true, true, true);
        let types =
            object.fixup_and_sanitize_btf(&features).map_err(|error| failed(&error))?.map(Btf::to_bytes);
        object.relocate_maps(known, &text).map_err(|error| failed(&error))?;
        object.relocate_calls(&text).map_err(|error| failed(&error))?;
        Ok(Self { object, types: types.and_then(|types| load_types(&types).ok()) })
    }

    /// Loads program `name`.
    pub(super) fn load(&self, name: &'static str) -> Result<MultiProgram, MultiError> {
        let missing = || MultiError::Object(format!("it has no program {name}"));
        let program = self.object.programs.get(name).ok_or_else(missing)?;
        let function = self.object.functions.get(&program.function_key()).ok_or_else(missing)?;
        let mut prog_name = [0; 16];
        // The last byte stays 0.
        for (byte, letter) in prog_name.iter_mut().zip(name.bytes().take(15)) {
            *byte = letter;
        }
        let functions = &function.func_info.func_info;
        let mut attributes = ProgLoad {
            prog_type: PROG_TYPE_KPROBE,
            insn_cnt: count(function.instructions.len()),
            insns: address(function.instructions.as_ptr()),
            license: address(program.license.as_ptr()),
            log_level: 0,
            log_size: 0,
            log_buf: 0,
            kern_version: 0,
            prog_flags: 0,
            prog_name,
            prog_ifindex: 0,
            expected_attach_type: TRACE_UPROBE_MULTI,
            prog_btf_fd: self.types.as_ref().map_or(0, |types| types.as_raw_fd().cast_unsigned()),
            func_info_rec_size: count(function.func_info_rec_size),
            func_info: address(functions.as_ptr()),
            func_info_cnt: if self.types.is_some() { count(functions.len()) } else { 0 },
            line_info_rec_size: 0,
        };
        // SAFETY: instructions, licence and functions are alive and as long as the attributes say.
        if let Ok(loaded) = unsafe { bpf(PROG_LOAD, &attributes) } {
            return Ok(MultiProgram(loaded));
        }
        let mut log = vec![0u8; MAX_LOG];
        attributes.log_level = 1;
        attributes.log_size = count(log.len());
        attributes.log_buf = address(log.as_mut_ptr());
        // SAFETY: as above, and the log is alive, writable and as long as the attributes say.
        let loaded = unsafe { bpf(PROG_LOAD, &attributes) };
        loaded.map(MultiProgram).map_err(|source| {
            let log = String::from_utf8_lossy(&log);
            let log = log.trim_end_matches('\0');
            tracing::debug!("the verifier's log of program {name}:\n{log}");
            MultiError::Program { name, reason: refusal::reason(log).unwrap_or_default(), source }
        })
    }
}

/// Hands an object's types to the kernel.
fn load_types(types: &[u8]) -> nix::Result<OwnedFd> {
    let attributes = BtfLoad {
        btf: address(types.as_ptr()),
        btf_log_buf: 0,
        btf_size: count(types.len()),
        btf_log_size: 0,
    };
    // SAFETY: the types are alive and as long as the attributes say.
    unsafe { bpf(BTF_LOAD, &attributes) }
}

impl MultiProgram {
    /// Places a probe at each of `places` in the file `path`. They stay until the link is dropped.
    pub(super) fn attach(&self, path: &CStr, places: &[Place], scope: Scope) -> Result<OwnedFd, MultiError> {
        self.attach_raising(path, places, &[], scope)
    }

    /// As [`Self::attach`], and keeps a 16-bit counter above zero for each of them as long as they stay: the one at
    /// its offset in `semaphores`, 0 for none, in the memory of each process in the scope. The kernel takes that back
    /// however molt ends (`update_ref_ctr`, `kernel/events/uprobes.c`).
    pub(super) fn attach_raising(
        &self,
        path: &CStr,
        places: &[Place],
        semaphores: &[u64],
        scope: Scope,
    ) -> Result<OwnedFd, MultiError> {
        // The kernel reads one for each place.
        let raises = semaphores.len() == places.len() && semaphores.iter().any(|offset| *offset != 0);
        let offsets: Vec<u64> = places.iter().map(|place| place.offset).collect();
        let cookies: Vec<u64> = places.iter().map(|place| place.cookie).collect();
        let attributes = LinkCreate {
            prog_fd: self.0.as_raw_fd().cast_unsigned(),
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
        let _urgent = Urgent::begin();
        // SAFETY: path, offsets, cookies and semaphores are alive, the path ends in a NUL, and there are `cnt` of each.
        let linked = unsafe { bpf(LINK_CREATE, &attributes) };
        linked.map_err(|source| MultiError::Refused { what: "make a link", source })
    }
}

/// The descriptor of a map of the kinds that the object has.
fn fd_of(map: &Map) -> Option<RawFd> {
    match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::RingBuf(data) => Some(data.fd().as_fd().as_raw_fd()),
        _ => None,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

/// A call of bpf(2) that gives a descriptor.
///
/// # Safety
///
/// `attributes` must be the leading part of what `command` takes, without padding, and every address in it must
/// be valid for the length beside it.
unsafe fn bpf<T>(command: libc::c_long, attributes: &T) -> nix::Result<OwnedFd> {
    // SAFETY: the caller answers for the attributes; the kernel reads `size_of::<T>()` bytes of them.
    let number =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<T>()) };
    let number = RawFd::try_from(Errno::result(number)?).map_err(|_too_large| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
