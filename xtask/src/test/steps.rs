//! The steps, in their order.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{
    command, deploy, ebpf, fuzz, layout, live, packages, privilege, project, pythons, real, tidy, tour,
};

/// One thing that must hold.
pub(crate) struct Step {
    pub name: &'static str,
    pub what: &'static str,
    pub work: fn() -> Result<Outcome>,
}

pub(crate) enum Outcome {
    Passed,
    /// This machine cannot do it, for the reason given.
    LeftOut(String),
}

pub(crate) const STEPS: [Step; 13] = [
    Step { name: "packages", what: "what the steps need from the system", work: system },
    Step {
        name: "tidy",
        what: "the rules of the house that a program can check",
        work: || done(tidy::run()),
    },
    Step { name: "format", what: "rustfmt", work: format },
    Step { name: "generated", what: "tables and eBPF object are what their sources make", work: generated },
    Step { name: "lint", what: "clippy, warnings denied, for the host and for the kernel", work: lint },
    Step { name: "docs", what: "rustdoc, warnings denied", work: docs },
    Step { name: "interpreters", what: "every supported version of Python", work: interpreters },
    Step {
        name: "deploy",
        what: "manifests and units are what Kubernetes and systemd read",
        work: || done(deploy::run()),
    },
    Step { name: "unit", what: "tests that need no privileges", work: unit },
    Step {
        name: "fuzz",
        what: "every parser of foreign bytes over random input",
        work: || done(fuzz::run(&fuzz::SHORT)),
    },
    Step { name: "live", what: "small programs, traced on every interpreter", work: live_suite },
    Step {
        name: "try",
        what: "a newcomer's first command, for root and for an ordinary user",
        work: first_try,
    },
    Step { name: "real", what: "programs from the package index, traced", work: real_programs },
];

fn done(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Passed)
}

fn system() -> Result<Outcome> {
    let own = [&packages::C_COMPILER, &packages::CPP_COMPILER, &packages::XZ, &packages::PYTHON];
    done(packages::ensure(&[own.as_slice(), &packages::LIBBPF].concat()))
}

fn interpreters() -> Result<Outcome> {
    let everything = live::is_required();
    done(pythons::run(&pythons::Args { offline: false, build: everything, require: everything }))
}

fn format() -> Result<Outcome> {
    for manifest in ["Cargo.toml", "molt-ebpf/Cargo.toml", "tests/fuzz/Cargo.toml"] {
        cargo(&["fmt", "--all", "--check", "--manifest-path", manifest])?;
    }
    Ok(Outcome::Passed)
}

fn generated() -> Result<Outcome> {
    layout::run(&["--check".to_owned()])?;
    done(ebpf::run(&ebpf::Args { check: true, lint: false }))
}

fn lint() -> Result<Outcome> {
    cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    // Not among the default targets, so they must be named.
    for (package, suite) in live::SUITES {
        cargo(&["clippy", "--locked", "--package", package, "--test", suite, "--", "--deny", "warnings"])?;
    }
    done(ebpf::run(&ebpf::Args { check: false, lint: true }))
}

fn docs() -> Result<Outcome> {
    let mut doc = cargo_command(&["doc", "--locked", "--no-deps", "--document-private-items"]);
    // The private items are documented too, so a link to one leads somewhere.
    doc.env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private_intra_doc_links");
    done(command::run(&mut doc))
}

fn unit() -> Result<Outcome> {
    done(cargo(&["test", "--locked"]))
}

fn live_suite() -> Result<Outcome> {
    if !privilege::is_root() && !privilege::sudo_is_silent() {
        return Ok(Outcome::LeftOut("loading eBPF needs root: `cargo xtask live` asks for it".to_owned()));
    }
    done(live::run(&live::Args::default()))
}

fn first_try() -> Result<Outcome> {
    if !privilege::is_root() {
        return Ok(Outcome::LeftOut("becoming both needs root: `sudo cargo xtask test try`".to_owned()));
    }
    done(tour::check())
}

fn real_programs() -> Result<Outcome> {
    if !privilege::is_root() {
        return Ok(Outcome::LeftOut("loading eBPF needs root: `sudo cargo xtask real --short`".to_owned()));
    }
    done(real::run(&real::short()))
}

fn cargo(arguments: &[&str]) -> Result<()> {
    command::run(&mut cargo_command(arguments))
}

fn cargo_command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir::<&Path>(&project::root());
    cargo
}
