//! `cargo xtask dist`: the archive of a release, with a binary that needs nothing from the system it is copied
//! to.

mod licences;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::digest::sha256;
use crate::{command, packages, project};

const ARCH: &str = std::env::consts::ARCH;

pub(crate) fn run() -> Result<()> {
    packages::ensure(&[&packages::C_COMPILER])?;
    let target = target()?;
    let molt = build(&target)?;
    let name = format!("molt-{}-{ARCH}-linux-{}", version()?, libc(&target));
    let folder = project::target()?.join("dist");
    let stage = folder.join(&name);
    if stage.exists() {
        fs::remove_dir_all(&stage).with_context(|| format!("failed to remove {}", stage.display()))?;
    }
    fill(&stage, &molt, &target)?;
    let archive = pack(&folder, &name)?;
    println!("wrote {}, {} bytes", archive.display(), fs::metadata(&archive)?.len());
    Ok(())
}

/// musl where its target is installed. glibc, linked statically, otherwise.
fn target() -> Result<String> {
    let musl = format!("{ARCH}-unknown-linux-musl");
    let folder =
        command::output(Command::new("rustc").args(["--print", "target-libdir", "--target", &musl]))?;
    if Path::new(folder.trim_end()).exists() {
        return Ok(musl);
    }
    println!("target {musl} is not installed: the binary is linked to glibc instead, statically");
    println!("For a smaller one: rustup target add {musl}");
    Ok(format!("{ARCH}-unknown-linux-gnu"))
}

fn libc(target: &str) -> &str {
    target.rsplit('-').next().unwrap_or(target)
}

fn build(target: &str) -> Result<PathBuf> {
    let folder = project::target()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--release", "--bin", "molt", "--target", target]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static").current_dir(project::root());
    command::run(&mut cargo)?;
    let molt = folder.join(target).join("release/molt");
    let bytes = fs::read(&molt).with_context(|| format!("failed to read {}", molt.display()))?;
    ensure!(is_static(&bytes)?, "{} needs shared libraries", molt.display());
    Ok(molt)
}

/// Whether an ELF file asks for no loader, which finds the shared libraries of one that is not static.
fn is_static(bytes: &[u8]) -> Result<bool> {
    use object::read::elf::{FileHeader, ProgramHeader};
    let header = object::elf::FileHeader64::<object::Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    Ok(header
        .program_headers(endian, bytes)?
        .iter()
        .all(|segment| segment.p_type(endian) != object::elf::PT_INTERP))
}

fn version() -> Result<String> {
    let metadata = project::metadata()?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata lists no packages")?;
    let molt = packages.iter().find(|package| package.get("name").is_some_and(|name| name == "molt-user"));
    let version = molt.and_then(|package| package.get("version")?.as_str());
    version.map(str::to_owned).context("cargo metadata names no version of molt-user")
}

/// Puts everything that the archive holds into `stage`.
fn fill(stage: &Path, molt: &Path, target: &str) -> Result<()> {
    let write = |name: &str, content: &[u8]| -> Result<()> {
        let path = stage.join(name);
        fs::create_dir_all(path.parent().unwrap_or(stage))?;
        fs::write(&path, content).with_context(|| format!("failed to write {}", path.display()))
    };
    let page = |of: Option<&str>| command::output(Command::new(molt).arg("man").args(of));
    let own = page(None)?;
    write("man/molt.1", own.as_bytes())?;
    for of in commands(&own) {
        write(&format!("man/molt-{of}.1"), page(Some(of))?.as_bytes())?;
    }
    for (shell, file) in [("bash", "molt.bash"), ("zsh", "_molt"), ("fish", "molt.fish")] {
        let script = command::output(Command::new(molt).args(["completions", shell]))?;
        write(&format!("completions/{file}"), script.as_bytes())?;
    }
    for name in own_texts()? {
        write(&name, &fs::read(project::root().join(&name))?)?;
    }
    for (name, text) in licences::linked(target)? {
        write(&format!("licences/{name}"), &text)?;
    }
    fs::copy(molt, stage.join("molt")).with_context(|| format!("failed to copy {}", molt.display()))?;
    Ok(())
}

/// The commands whose pages molt's own page names: as `molt\-trace(1)`.
fn commands(page: &str) -> impl Iterator<Item = &str> {
    page.split("molt\\-").skip(1).filter_map(|rest| rest.split_once("(1)")).map(|(name, _)| name)
}

/// README, licence and schema, as they stand in the repository.
fn own_texts() -> Result<Vec<String>> {
    let texts = ["README.md", "docs/artifact.md", "docs/mpa.schema.json"];
    let mut names = texts.map(str::to_owned).to_vec();
    for entry in fs::read_dir(project::root())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if licences::is_licence(&name) {
            names.push(name);
        }
    }
    ensure!(names.len() > texts.len(), "the repository has no licence to ship");
    Ok(names)
}

/// The archive and its checksum beside it: the same bytes for the same content, whoever packs it and when.
fn pack(folder: &Path, name: &str) -> Result<PathBuf> {
    let archive = folder.join(format!("{name}.tar.gz"));
    let mut commit = Command::new("git");
    let time = command::output(commit.args(["log", "-1", "--format=%ct"]).current_dir(project::root()))?;
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u+w,go-w"]);
    tar.arg(format!("--mtime=@{}", time.trim_end())).args(["--use-compress-program", "gzip -9n"]);
    command::run(tar.arg("-C").arg(folder).arg("-cf").arg(&archive).arg(name))?;
    let sum = sha256(&fs::read(&archive)?);
    fs::write(folder.join(format!("{name}.tar.gz.sha256")), format!("{sum}  {name}.tar.gz\n"))?;
    Ok(archive)
}

#[cfg(test)]
mod tests {
    // The list of commands in molt's page, as the page generator writes it.
    #[test]
    fn commands_are_those_that_the_page_names() {
        let page = ".SH SUBCOMMANDS\n.TP\nmolt\\-trace(1)\nTraces\n.TP\nmolt\\-doctor(1)\nTells\n";
        assert!(super::commands(page).eq(["trace", "doctor"]));
    }
}
