//! What a file and a process tell of a Python interpreter.

use super::binary_version::{VersionSource, find_runtime, find_version, read_debug_offsets, version_in_name};
use super::elf::{Elf, ElfError, Linking};
use super::known::FileKind;
use super::notes::{Probe, read_probes};
use crate::cpython::allocator::{AllocationSites, NoAllocator, find_allocations};
use crate::cpython::calls::fits;
use crate::cpython::layout::Layout;
use crate::cpython::sites::{HookSites, NoSites, find_sites};
use crate::cpython::version::{NEWEST_MINOR, OLDEST_MINOR, Version};
use std::collections::BTreeSet;
use std::fmt;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Where the interpreter's code lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// In a library, libpython.
    SharedLibrary,
    /// In the executable, which loads other libraries.
    Executable,
    /// In an executable that loads none.
    StaticExecutable,
}

/// The C library, which decides where a thread's data lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libc {
    /// GNU's, with its minor version (2.N) if its file tells.
    Glibc {
        /// N of 2.N.
        minor: Option<u16>,
    },
    /// musl.
    Musl,
    /// None that is known, or linked into the executable.
    Unknown,
}

/// Exported functions that every way out of the interpreter passes, but for `os._exit`, signals and exec.
const FINALIZERS: [&[u8]; 2] = [b"Py_FinalizeEx", b"Py_Exit"];

/// Exported functions of which every interpreter passes one before it runs any code.
const STARTERS: [&[u8]; 4] = [b"Py_BytesMain", b"Py_Main", b"Py_InitializeFromConfig", b"Py_InitializeEx"];

/// Offsets in an interpreter's file of the functions that begin it, and of those that end it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// One of these is passed first.
    pub starts: Vec<u64>,
    /// One of these is passed before anything is torn down.
    pub ends: Vec<u64>,
}

/// An interpreter as its file describes it: the same for every process that runs it.
#[derive(Debug)]
pub struct Build {
    /// Which CPython.
    pub version: Version,
    /// What the version was read from.
    pub version_source: VersionSource,
    /// Built without the global interpreter lock.
    pub free_threaded: bool,
    /// Where the interpreter's code lies.
    pub linkage: Linkage,
    /// The full symbol table was removed.
    pub stripped: bool,
    /// The address of `_PyRuntime` before the load bias.
    pub runtime: u64,
    /// The probes of provider `python`; most builds have none.
    pub probes: Vec<Probe>,
    /// Where calls are seen, once that was asked for.
    sites: OnceLock<Result<HookSites, NoSites>>,
    landings: OnceLock<BTreeSet<u64>>,
    /// Where requests of memory are seen, once that was asked for.
    allocations: OnceLock<Result<AllocationSites, NoAllocator>>,
    allocation_landings: OnceLock<BTreeSet<u64>>,
    /// The parsed file, which it keeps open.
    pub elf: Elf,
}

/// A Python that molt does not trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// What it is, such as `Python 2.7.18` or `PyPy`.
    pub what: String,
    /// Its file.
    pub path: PathBuf,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, path } = self;
        write!(
            f,
            "found {what} in {}; supported are CPython 3.{OLDEST_MINOR} to 3.{NEWEST_MINOR}",
            path.display()
        )
    }
}

impl Build {
    /// Looks for an interpreter in a file that is named `name`.
    pub(super) fn recognise(elf: Elf, name: &[u8]) -> Result<FileKind, ElfError> {
        let unsupported = |what: &str| Ok(FileKind::Unsupported(what.to_owned()));
        if elf.find_symbol(b"pypy_main_startup").is_some() || is_pypy(name) {
            return unsupported("PyPy");
        }
        let runtime = find_runtime(&elf);
        if runtime.is_none() && elf.find_symbol(b"Py_GetVersion").is_none() {
            let needs_python = elf.linking.needed.iter().any(|name| is_python(name) || is_pypy(name));
            return Ok(FileKind::Other { needs_python });
        }
        let soname = elf.linking.soname.as_deref().unwrap_or_default();
        let named = || version_in_name(soname).or_else(|| version_in_name(name));
        let found = find_version(&elf).or_else(|| Some((named()?, VersionSource::FileName)));
        let Some((version, version_source)) = found else {
            return unsupported("a Python of unknown version");
        };
        let Some(runtime) = runtime.filter(|_| version.is_supported()) else {
            return match version_source {
                VersionSource::FileName => {
                    unsupported(&format!("Python {}.{}", version.major(), version.minor()))
                }
                _ => unsupported(&format!("Python {version}")),
            };
        };
        Ok(FileKind::Python(Arc::new(Self {
            version,
            version_source,
            free_threaded: read_debug_offsets(&elf).is_some_and(|(_, free_threaded)| free_threaded),
            linkage: linkage(&elf),
            stripped: elf.is_stripped(),
            runtime,
            sites: OnceLock::new(),
            landings: OnceLock::new(),
            allocations: OnceLock::new(),
            allocation_landings: OnceLock::new(),
            probes: read_probes(&elf)?.into_iter().filter(|probe| probe.provider == "python").collect(),
            elf,
        })))
    }

    /// A path under which this process can open the file, and place probes in it, as long as `self` lives,
    /// whatever became of its name or of the process that it was found in.
    pub fn open_path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.elf.file().as_raw_fd()))
    }

    /// Where its calls are seen, or why they are not. Found once.
    pub fn call_sites(&self) -> Result<&HookSites, &NoSites> {
        let find = || {
            if self.free_threaded {
                return Err(NoSites::FreeThreaded);
            }
            let unknown = NoSites::Version { version: self.version };
            let layout = Layout::of(self.version, self.free_threaded).filter(fits).ok_or(unknown)?;
            find_sites(&self.elf, self.version, &layout)
        };
        self.sites.get_or_init(find).as_ref()
    }

    /// Whether its constants hold `text`, an ASCII name with a NUL behind it.
    pub fn names(&self, text: &[u8]) -> bool {
        let constants =
            self.elf.find_section(b".rodata").and_then(|section| self.elf.read_section(section).ok());
        let name = [text, b"\0"].concat();
        constants.is_some_and(|bytes| bytes.windows(name.len()).any(|window| window == name))
    }

    /// Where threads go on after a probe on a call, before the load bias. Found once.
    pub fn landings(&self) -> &BTreeSet<u64> {
        let find = || self.call_sites().map(|sites| sites.landings(&self.elf)).unwrap_or_default();
        self.landings.get_or_init(find)
    }

    /// Where its requests of memory are seen, or why they are not. Found once.
    pub fn allocation_sites(&self) -> Result<&AllocationSites, &NoAllocator> {
        let find = || {
            if self.free_threaded { Err(NoAllocator::FreeThreaded) } else { find_allocations(&self.elf) }
        };
        self.allocations.get_or_init(find).as_ref()
    }

    /// Whether that is known, so that it can be had at once.
    pub fn allocation_sites_are_found(&self) -> bool {
        self.allocations.get().is_some()
    }

    /// Where threads go on after a probe on a request of memory, before the load bias. Found once.
    pub fn allocation_landings(&self) -> &BTreeSet<u64> {
        let find = || self.allocation_sites().map(|sites| sites.landings(&self.elf)).unwrap_or_default();
        self.allocation_landings.get_or_init(find)
    }

    /// Where the interpreter's beginning and end can be seen.
    pub fn milestones(&self) -> Milestones {
        let find = |names: &[&[u8]]| names.iter().filter_map(|name| self.elf.file_offset_of(name)).collect();
        Milestones { starts: find(&STARTERS), ends: find(&FINALIZERS) }
    }

    /// Where the interpreter's own data is loaded, before the load bias, and its length in bytes.
    pub fn extent(&self) -> (u64, u64) {
        let segments = &self.elf.segments;
        let low = segments.iter().map(|segment| segment.address).min().unwrap_or(0);
        let high = segments.iter().map(|segment| segment.address.saturating_add(segment.memory_bytes)).max();
        (low, high.unwrap_or(0).saturating_sub(low))
    }

    /// The build id in hexadecimal digits; none if the linker wrote none.
    pub fn build_id(&self) -> Option<String> {
        use std::fmt::Write as _;
        let id = self.elf.build_id.as_ref()?;
        Some(id.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}

fn linkage(elf: &Elf) -> Linkage {
    let Linking { interpreter, needed, soname, .. } = &elf.linking;
    if interpreter.is_some() {
        Linkage::Executable
    } else if soname.is_none() && needed.is_empty() {
        Linkage::StaticExecutable
    } else {
        Linkage::SharedLibrary
    }
}

/// Whether a file name is that of PyPy or its library.
pub(super) fn is_pypy(name: &[u8]) -> bool {
    name.starts_with(b"pypy") || name.starts_with(b"libpypy")
}

/// Whether a file name is one that CPython and its library have.
pub(super) fn is_python(name: &[u8]) -> bool {
    name.starts_with(b"python") || name.starts_with(b"libpython")
}

/// An interpreter in a process.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// What its file tells.
    pub build: Arc<Build>,
    /// The file's path as the target sees it; it may lead nowhere, or to another file, from here.
    pub path: PathBuf,
    /// What is added to the file's addresses.
    pub load_bias: u64,
    /// The C library.
    pub libc: Libc,
}

impl Interpreter {
    /// The address of `_PyRuntime` in the process.
    pub fn runtime(&self) -> u64 {
        self.build.runtime.wrapping_add(self.load_bias)
    }
}
