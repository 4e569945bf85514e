//! What the chores need from the system beyond Rust. Installed on Debian and Ubuntu, named elsewhere.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{command, privilege};

/// Something that a chore needs.
pub(crate) struct Need {
    /// What it is, for a system whose packages have other names.
    what: &'static str,
    /// Debian's package.
    package: &'static str,
    is_there: fn() -> bool,
}

/// Links what cargo builds.
pub(crate) const C_COMPILER: Need = Need { what: "a C compiler", package: "gcc", is_there: || runs("cc") };
/// Builds the fuzzing engine.
pub(crate) const CPP_COMPILER: Need =
    Need { what: "a C++ compiler", package: "g++", is_there: || runs("c++") };
/// Builds CPython.
pub(crate) const MAKE: Need = Need { what: "make", package: "make", is_there: || runs("make") };
/// Builds CPython with another C library.
pub(crate) const MUSL: Need =
    Need { what: "musl's compiler", package: "musl-tools", is_there: || runs("musl-gcc") };
/// Unpacks the sources of core.
pub(crate) const XZ: Need = Need { what: "xz", package: "xz-utils", is_there: || runs("xz") };
/// Runs what is traced.
pub(crate) const PYTHON: Need = Need { what: "Python 3", package: "python3", is_there: || runs("python3") };
/// What libbpf, the second loader of the live tests, is built with.
pub(crate) const LIBBPF: [&Need; 4] = [
    &MAKE,
    &Need { what: "pkg-config", package: "pkg-config", is_there: || runs("pkg-config") },
    &Need { what: "libelf's headers", package: "libelf-dev", is_there: || has_header("libelf.h") },
    &Need { what: "zlib's headers", package: "zlib1g-dev", is_there: || has_header("zlib.h") },
];
/// What a live test runs beside molt.
pub(crate) const OTHER_TOOLS: [&Need; 3] = [
    &Need { what: "gdb", package: "gdb", is_there: || runs("gdb") },
    &Need { what: "strace", package: "strace", is_there: || runs("strace") },
    &Need { what: "perf", package: "linux-perf", is_there: || runs("perf") },
];
/// Fills environments for the benchmark programs. Asked for only where the interpreters at hand lack it.
pub(crate) const PYTHON_PIP: Need = Need { what: "Python's pip", package: "python3-pip", is_there: || false };

/// Installs what is missing of `needs`, or fails and says what to install.
pub(crate) fn ensure(needs: &[&Need]) -> Result<()> {
    let missing: Vec<_> = needs.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    let what: Vec<_> = missing.iter().map(|need| need.what).collect();
    if !Path::new("/etc/debian_version").exists() {
        bail!("this machine lacks {}\nInstall it with the system's package manager.", what.join(", "));
    }
    if !privilege::is_root() {
        bail!(
            "this machine lacks {}\nInstall it: sudo apt-get install {}",
            what.join(", "),
            packages.join(" ")
        );
    }
    println!("installing {}", packages.join(", "));
    // What old lists name may be gone from the archive.
    if has_lists() && install(&packages).is_ok() {
        return Ok(());
    }
    update_lists()?;
    install(&packages)
}

fn install(packages: &[&str]) -> Result<()> {
    let mut install = Command::new("apt-get");
    install.args(["-qq", "install", "--yes", "--no-install-recommends"]).args(packages);
    command::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Fetches the lists of what the archive has.
pub(crate) fn update_lists() -> Result<()> {
    println!("updating the lists of packages");
    command::run(Command::new("apt-get").args(["-qq", "update"]))
}

/// Whether such lists were ever fetched; a fresh machine has none. Some systems keep them compressed.
fn has_lists() -> bool {
    let is_list = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().contains("_Packages");
    std::fs::read_dir("/var/lib/apt/lists").is_ok_and(|entries| entries.flatten().any(is_list))
}

fn runs(program: &str) -> bool {
    command::succeeds(Command::new(program).arg("--version"))
}

fn has_header(name: &str) -> bool {
    Path::new("/usr/include").join(name).exists()
}
