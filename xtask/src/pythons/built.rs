//! Builds of CPython that no registry has, made from Debian's source package: without the global interpreter lock, and
//! with musl. Each takes some minutes, so that they are made only when that is asked for; the tests of them run where
//! they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::suite::Suite;
use crate::{command, packages, project};

const PACKAGE: &str = "python3.13";
const SUITE: &str = "trixie";

/// A build: the name of its folder, and what it is configured with besides.
struct Build {
    name: &'static str,
    options: &'static [&'static str],
    musl: bool,
}

const BUILDS: [Build; 2] = [
    Build { name: "3.13t", options: &["--disable-gil"], musl: false },
    Build { name: "3.13musl", options: &["--build=x86_64-linux-musl"], musl: true },
];

/// musl's compiler, which does not say that its folder of libraries is Debian's, since it is not.
const MUSL_CC: &str = "#!/bin/sh\n[ \"$1\" = --print-multiarch ] && exit\nexec musl-gcc \"$@\"\n";

/// Makes those that are not there yet.
pub(crate) fn make() -> Result<()> {
    packages::ensure(&[&packages::C_COMPILER, &packages::MAKE, &packages::MUSL])?;
    let folder = project::cache().join("built");
    for build in BUILDS {
        let into = folder.join(build.name);
        if into.join("bin").exists() {
            continue;
        }
        let source = source(&folder.join("source"))?;
        println!("building {} of {}", build.name, source.display());
        build.make(&source, &folder.join("objects").join(build.name), &into)?;
    }
    Ok(())
}

/// The unpacked source, which is fetched once.
fn source(folder: &Path) -> Result<PathBuf> {
    let unpacked = |folder: &Path| {
        let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        entries.into_iter().find(|path| path.join("configure").exists())
    };
    if unpacked(folder).is_none() {
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
        let archive = Suite::open(SUITE)?.source(PACKAGE, folder)?;
        command::run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder))?;
    }
    unpacked(folder).context("the source package holds no configure")
}

impl Build {
    fn make(&self, source: &Path, objects: &Path, into: &Path) -> Result<()> {
        fs::create_dir_all(objects).with_context(|| format!("failed to create {}", objects.display()))?;
        let mut configure = Command::new(source.join("configure"));
        configure.current_dir(objects).arg("--prefix").arg(into).args(self.options);
        configure.args(["--quiet", "--disable-test-modules", "--with-ensurepip=no"]);
        if self.musl {
            let compiler = objects.join("musl-cc");
            fs::write(&compiler, MUSL_CC)?;
            fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755))?;
            // The system's libraries are glibc's.
            configure.env("CC", compiler).env("PKG_CONFIG", "false");
        }
        command::run(&mut configure)?;
        let jobs = format!("-j{}", std::thread::available_parallelism()?);
        command::run(Command::new("make").current_dir(objects).args(["--silent", &jobs]))?;
        command::run(Command::new("make").current_dir(objects).args(["--silent", "altinstall"]))
    }
}
