//! Checks the files of deploy/ with what reads them: the schemas of Kubernetes, and systemd's own reader.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{command, project, pythons, venv};

/// The package that carries the schemas. It is fetched once.
const VALIDATOR: &str = "kubernetes-validate==1.31.0";

pub(crate) fn run() -> Result<()> {
    manifests()?;
    units()
}

/// Every property of the manifests is one that Kubernetes knows, and of its type.
fn manifests() -> Result<()> {
    let mut validate = Command::new(validator()?);
    validate.args(["--strict", "--quiet"]).args(files("yaml")?);
    command::run(&mut validate)
}

/// The validator, in an environment of its own.
fn validator() -> Result<PathBuf> {
    let folder = project::cache().join("deploy");
    venv::install(&pythons::to_try()?, &folder, &[VALIDATOR])?;
    Ok(folder.join("bin/kubernetes-validate"))
}

/// systemd reads the units without a complaint. It looks for the program that they start, which need not be installed
/// here: another takes its place.
fn units() -> Result<()> {
    if !command::succeeds(Command::new("systemd-analyze").arg("--version")) {
        println!("systemd-analyze is not there: the units are not checked");
        return Ok(());
    }
    let folder = project::target()?.join("deploy");
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    for unit in files("service")? {
        let text = fs::read_to_string(&unit).with_context(|| format!("failed to read {}", unit.display()))?;
        ensure!(text.contains(INSTALLED), "{} does not start {INSTALLED}", unit.display());
        let copy = folder.join(unit.file_name().context("a unit has a name")?);
        fs::write(&copy, text.replace(INSTALLED, "/bin/true"))?;
        let mut verify = Command::new("systemd-analyze");
        let said = verify.args(["verify", "--man=no"]).arg(&copy).output()?;
        let said = format!("{}{}", said.status, String::from_utf8_lossy(&said.stderr));
        ensure!(said == "exit status: 0", "systemd finds fault with {}: {said}", unit.display());
    }
    Ok(())
}

/// Where the units expect molt.
const INSTALLED: &str = "/usr/local/bin/molt";

/// The files of deploy/ with this extension, of which there is at least one.
fn files(extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(project::root().join("deploy"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    ensure!(!found.is_empty(), "deploy/ has no .{extension}");
    Ok(found)
}
