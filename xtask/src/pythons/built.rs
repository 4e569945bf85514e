//! Builds of CPython that no registry has, made from Debian's source package: without the global interpreter lock, and
//! with musl. They are made only when that is asked for, and as quickly as the tests of them allow.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use super::suite::Suite;
use crate::{command, packages, project};

const PACKAGE: &str = "python3.13";
const SUITE: &str = "trixie";

/// A build: the name of its folder, that of its library's, and what it is configured with besides.
struct Build {
    name: &'static str,
    library: &'static str,
    options: &'static [&'static str],
    musl: bool,
}

const BUILDS: [Build; 2] = [
    Build { name: "3.13t", library: "python3.13t", options: &["--disable-gil"], musl: false },
    Build { name: "3.13musl", library: "python3.13", options: &["--build=x86_64-linux-musl"], musl: true },
];

/// What the compiler is told in the place of `-g -O3`. molt finds the places of calls in code like that as well.
const OPTIONS: &str = "-DNDEBUG -O1";

/// Modules that take long to compile and that no test imports, in the form that `Modules/Setup.local` has.
const LEFT_OUT: &str = "*disabled*
_bz2 _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _ctypes _curses _curses_panel _decimal
_elementtree _hashlib _lzma _multibytecodec _sqlite3 _ssl _tkinter pyexpat readline unicodedata
";

/// musl's compiler, which does not say that its folder of libraries is Debian's, since it is not.
const MUSL_CC: &str = "#!/bin/sh\n[ \"$1\" = --print-multiarch ] && exit\nexec musl-gcc \"$@\"\n";

/// Makes those that are not there yet.
pub(crate) fn make() -> Result<()> {
    packages::ensure(&[&packages::C_COMPILER, &packages::MAKE, &packages::MUSL])?;
    let folder = project::cache().join("built");
    let wanted = BUILDS.into_iter().filter(|build| !folder.join(build.name).join("bin").exists());
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let source = source(&folder.join("source"))?;
    // configure does one thing after the other: both at once take hardly longer than one.
    thread::scope(|scope| {
        let make = |build: Build| {
            println!("building {} of {}", build.name, source.display());
            build.make(&source, &folder.join("objects").join(build.name), &folder.join(build.name))
        };
        let started: Vec<_> = wanted.into_iter().map(|build| scope.spawn(move || make(build))).collect();
        started.into_iter().try_for_each(|build| build.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
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
    /// Builds in `objects`, and puts what runs into `into`: the interpreter, its modules and its library.
    fn make(&self, source: &Path, objects: &Path, into: &Path) -> Result<()> {
        let setup = objects.join("Modules/Setup.local");
        fs::create_dir_all(objects.join("Modules"))?;
        fs::write(&setup, LEFT_OUT).with_context(|| format!("failed to write {}", setup.display()))?;
        let mut configure = Command::new(source.join("configure"));
        configure.current_dir(objects).arg("--prefix").arg(into).args(self.options);
        configure.args(["--quiet", "--disable-test-modules", "--with-ensurepip=no"]).env("OPT", OPTIONS);
        if self.musl {
            let compiler = objects.join("musl-cc");
            fs::write(&compiler, MUSL_CC)?;
            fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755))?;
            // The system's libraries are glibc's.
            configure.env("CC", compiler).env("PKG_CONFIG", "false");
        }
        command::run(&mut configure)?;
        let jobs = format!("-j{}", thread::available_parallelism()?);
        command::run(Command::new("make").current_dir(objects).args(["--silent", &jobs]))?;
        // A whole installation would compile the library three times. The interpreter comes last: it is what is
        // looked for.
        let library = into.join("lib").join(self.library);
        fs::create_dir_all(&library).with_context(|| format!("failed to create {}", library.display()))?;
        command::run(Command::new("cp").arg("-r").arg(source.join("Lib/.")).arg(library))?;
        let install = ["--silent", "sharedinstall", "altbininstall"];
        command::run(Command::new("make").current_dir(objects).args(install))
    }
}
