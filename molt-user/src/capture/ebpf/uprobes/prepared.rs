//! The object's programs, loaded for uprobes: aya 0.14 loads none for a link to many.

use super::UprobeError;
use super::program::{Links, UprobeProgram};
use super::syscall::{BTF_LOAD, BtfLoad, PROG_LOAD, ProgLoad, address, bpf, count};
use crate::capture::ebpf::refusal;
use aya::Ebpf;
use aya::maps::Map;
use aya_obj::Object;
use aya_obj::btf::Btf;
use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// `BPF_PROG_TYPE_KPROBE` (`include/uapi/linux/bpf.h`).
const PROG_TYPE_KPROBE: u32 = 2;
/// Most bytes of the verifier's log.
const MAX_LOG: usize = 1 << 22;

/// An object's programs, with the maps of an [`Ebpf`] in their places.
pub(in crate::capture::ebpf) struct Prepared {
    object: Object,
    /// The object's types, which the kernel checks functions against; `None` where it did not take them.
    types: Option<OwnedFd>,
    links: Links,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("types", &self.types).finish_non_exhaustive()
    }
}

impl Prepared {
    /// Prepares `object`, which `ebpf` was loaded from and still holds all maps of.
    pub(in crate::capture::ebpf) fn new(object: &[u8], ebpf: &Ebpf) -> Result<Self, UprobeError> {
        let failed = |error: &dyn std::error::Error| UprobeError::Object(error.to_string());
        let mut object = Object::parse(object).map_err(|error| failed(&error))?;
        let text: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        let maps = object.maps.clone();
        let fds: Vec<(&str, RawFd)> =
            ebpf.maps().filter_map(|(name, map)| Some((name, fd_of(map)?))).collect();
        let known = maps.iter().filter_map(|(name, map)| {
            let (_, fd) = fds.iter().find(|(known, _)| known == name)?;
            Some((name.as_str(), *fd, map))
        });
        let types = match aya::features().btf() {
            Some(known) => {
                object.fixup_and_sanitize_btf(known).map_err(|error| failed(&error))?.map(Btf::to_bytes)
            }
            None => None,
        };
        object.relocate_maps(known, &text).map_err(|error| failed(&error))?;
        object.relocate_calls(&text).map_err(|error| failed(&error))?;
        Ok(Self { object, types: types.and_then(|types| load_types(&types).ok()), links: Links::wanted() })
    }

    /// Loads program `name`.
    pub(in crate::capture::ebpf) fn load(&self, name: &'static str) -> Result<UprobeProgram, UprobeError> {
        let missing = || UprobeError::Object(format!("it has no program {name}"));
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
            expected_attach_type: self.links.attach_type(),
            prog_btf_fd: self.types.as_ref().map_or(0, |types| types.as_raw_fd().cast_unsigned()),
            func_info_rec_size: count(function.func_info_rec_size),
            func_info: address(functions.as_ptr()),
            func_info_cnt: if self.types.is_some() { count(functions.len()) } else { 0 },
            line_info_rec_size: 0,
        };
        // SAFETY: instructions, licence and functions are alive and as long as the attributes say.
        if let Ok(loaded) = unsafe { bpf(PROG_LOAD, &attributes) } {
            return Ok(UprobeProgram::new(loaded, self.links));
        }
        let mut log = vec![0u8; MAX_LOG];
        attributes.log_level = 1;
        attributes.log_size = count(log.len());
        attributes.log_buf = address(log.as_mut_ptr());
        // SAFETY: as above, and the log is alive, writable and as long as the attributes say.
        let loaded = unsafe { bpf(PROG_LOAD, &attributes) };
        loaded.map(|loaded| UprobeProgram::new(loaded, self.links)).map_err(|source| {
            let log = String::from_utf8_lossy(&log);
            let log = log.trim_end_matches('\0');
            tracing::debug!("the verifier's log of program {name}:\n{log}");
            UprobeError::Program { name, reason: refusal::reason(log).unwrap_or_default(), source }
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
