//! One suite of Debian's archive, read with apt from a state folder of the project's own.
//!
//! The machine's own package lists and packages stay as they are: the suite is asked as if nothing were
//! installed, so that a package comes with all that it needs. Mirror and keyring are the machine's.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, packages, privilege, project};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A suite whose package list was fetched.
pub(crate) struct Suite {
    name: String,
    folder: PathBuf,
}

impl Suite {
    /// Fetches the package list of suite `name`, verified with Debian's archive keyring.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let suite = Self { name: name.to_owned(), folder: project::cache().join("apt").join(name) };
        for folder in ["state/lists/partial", "cache/archives/partial", "empty"] {
            let folder = suite.folder.join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
        }
        let signed_by =
            if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
        fs::write(
            suite.folder.join("sources.list"),
            format!("deb {signed_by}{0} {name} main\ndeb-src {signed_by}{0} {name} main\n", mirror()?),
        )?;
        fs::write(suite.folder.join("status"), "")?;
        let updated = command::output(suite.apt("apt-get").args(["-qq", "update", "--error-on=any"]));
        updated.with_context(|| {
            format!("failed to fetch the package list of {name} (a signature refused? package debian-archive-keyring)")
        })?;
        Ok(suite)
    }

    /// The version of `package` that the suite has.
    pub(crate) fn version(&self, package: &str) -> Result<Option<String>> {
        let policy = command::output(self.apt("apt-cache").args(["policy", package]))?;
        let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        Ok(candidate.filter(|version| *version != "(none)").map(str::to_owned))
    }

    /// Unpacks `package` and the libraries and Python packages that it needs into `root`. No maintainer script
    /// is run.
    pub(crate) fn unpack(&self, package: &str, root: &Path) -> Result<()> {
        let archives = self.folder.join("archives");
        fs::create_dir_all(&archives).with_context(|| format!("failed to create {}", archives.display()))?;
        let needed = self.needed(package)?;
        command::run(self.apt("apt-get").args(["-qq", "download"]).args(&needed).current_dir(&archives))?;
        let needed: HashSet<_> = needed.iter().map(String::as_str).collect();
        for entry in fs::read_dir(&archives)? {
            let archive = entry?.path();
            let file = archive.file_name().unwrap_or_default().to_string_lossy();
            // NAME_VERSION_ARCHITECTURE.deb
            if file.split('_').next().is_some_and(|name| needed.contains(name)) {
                command::run(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(root))?;
            }
            fs::remove_file(&archive)?;
        }
        Ok(())
    }

    /// Fetches the archive of the source of `package`, as its authors published it, into `folder`.
    pub(crate) fn source(&self, package: &str, folder: &Path) -> Result<PathBuf> {
        let mut fetch = self.apt("apt-get");
        fetch.args(["-qq", "--only-source", "--download-only", "source", package]).current_dir(folder);
        command::run(&mut fetch)?;
        let files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
        let is_archive = |path: &PathBuf| {
            path.to_string_lossy().contains(".orig.tar.") && !path.to_string_lossy().ends_with(".asc")
        };
        files
            .into_iter()
            .find(is_archive)
            .with_context(|| format!("{} has no source of {package}", self.name))
    }

    fn needed(&self, package: &str) -> Result<Vec<String>> {
        let mut apt = self.apt("apt-get");
        apt.args(["-qq", "--simulate", "--no-install-recommends", "install", package]);
        let plan = command::output(&mut apt)?;
        // The rest (debconf, perl, tar) serves the installation, not the interpreter.
        let serves = |name: &&str| ["lib", "python", "zlib"].iter().any(|start| name.starts_with(start));
        let names = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        let needed: Vec<_> = names.filter(serves).map(str::to_owned).collect();
        if needed.is_empty() {
            bail!("{} has nothing to install for {package}", self.name);
        }
        Ok(needed)
    }

    /// `program` of apt's family, told of this suite only.
    fn apt(&self, program: &str) -> Command {
        let mut apt = Command::new(program);
        let options = [
            ("Dir::State", "state"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "cache"),
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::Etc::sourceparts", "empty"),
            ("Dir::Etc::preferences", "empty/none"),
            ("Dir::Etc::preferencesparts", "empty"),
        ];
        for (name, path) in options {
            apt.arg("-o").arg(format!("{name}={}", self.folder.join(path).display()));
        }
        // Where the project lies may be closed to the user that apt otherwise downloads as.
        apt.args(["-o", "APT::Sandbox::User=root", "-o", "APT::Update::Post-Invoke-Success::="]);
        apt.args(["-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"]);
        apt
    }
}

/// Where the machine's own apt gets Debian from, which a machine that never fetched a list does not know.
fn mirror() -> Result<String> {
    let mut known = known_mirror()?;
    if known.is_none() && privilege::is_root() {
        packages::update_lists()?;
        known = known_mirror()?;
    }
    known.context("apt knows no mirror of Debian\nRun `apt-get update` first.")
}

fn known_mirror() -> Result<Option<String>> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Label: Debian"]);
    let listed = command::output(targets.args(["Created-By: Packages", "Component: main"]))?;
    Ok(listed.lines().next().map(str::to_owned))
}
