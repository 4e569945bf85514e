//! An interpreter as facts.

use super::advice::one_line;
use super::fact::Fact;
use super::subject::{Attachable, InFile, Subject, Untraceable, find_file, find_process};
use crate::cpython::debug_offsets::Checked;
use crate::cpython::effect_sites::EffectSites;
use crate::cpython::layout::Layout;
use crate::cpython::sites::find_sites;
use crate::cpython::thread_key::thread_key;
use crate::discover::binary_version::VersionSource;
use crate::discover::privileges::Privileges;
use crate::discover::{Build, Interpreter, Libc, Linkage, Process};
use crate::symbolize::memory::ProcessMemory;
use molt_common::layout::ABSENT;
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// What was found of an interpreter.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) facts: Vec<Fact>,
    /// Where its probes go; none if no interpreter was found.
    pub(super) build: Option<Arc<Build>>,
    /// Why it cannot be traced.
    pub(super) obstacle: Option<String>,
}

/// Looks at it. `command` becomes part of the advice.
pub(super) fn examine(subject: &Subject, privileges: &Privileges, command: &str) -> Examined {
    let examined = match subject {
        Subject::Process(pid) => find_process(*pid).and_then(|found| of_process(*pid, found)),
        Subject::File(path) => find_file(path).map(of_file),
    };
    examined.unwrap_or_else(|untraceable| {
        let why = one_line(&untraceable);
        let advice = untraceable.advice(privileges, command).join("; ");
        let remedy = Some(advice).filter(|advice| !advice.is_empty());
        let facts = vec![Fact::lacking("found", false, why.clone()).remedied(remedy)];
        Examined { facts, build: None, obstacle: Some(why) }
    })
}

fn of_process(pid: u32, found: Attachable) -> Result<Examined, Untraceable> {
    let Attachable { process, interpreter } = found;
    let (interpreter, layout) = interpreter.ok_or(Untraceable::NotYet { pid })?;
    let Interpreter { build, path, libc, .. } = &interpreter;
    let memory = ProcessMemory::new(process.pid);
    let thread_state = match &layout {
        None => Fact::neutral("thread_state", Value::Null).noted("the interpreter has not started"),
        Some(Checked { layout, .. }) => {
            let key = matches!(libc, Libc::Glibc { .. })
                .then(|| thread_key(&memory, layout, interpreter.runtime()))
                .flatten();
            match key {
                Some(key) => by_key().noted(format!("key {key}")),
                None => by_list(layout, *libc, "it has no key yet, or one outside of the first block"),
            }
        }
    };
    let mut facts = facts_of_process(&process);
    facts.extend(facts_of_build(build, path, *libc));
    facts.push(thread_state);
    facts.push(debug_offsets(layout.as_ref()));
    Ok(Examined { facts, build: Some(Arc::clone(build)), obstacle: None })
}

fn of_file(found: InFile) -> Examined {
    let InFile { build, path, libc, layout } = found;
    let has_key = layout.layout.runtime_tss_key != ABSENT && matches!(libc, Libc::Glibc { .. });
    let mut facts = facts_of_build(&build, &path, libc);
    facts.push(if has_key { by_key() } else { by_list(&layout.layout, libc, "") });
    facts.push(debug_offsets(Some(&layout)));
    Examined { facts, build: Some(build), obstacle: None }
}

fn facts_of_process(process: &Process) -> Vec<Fact> {
    let namespaces = process.namespaces.map(|same| {
        let kinds = [("mnt", same.mnt), ("pid", same.pid), ("user", same.user)];
        let word = |same| if same { "same" } else { "other" };
        Value::from(Map::from_iter(kinds.map(|(kind, same)| (kind.to_owned(), word(same).into()))))
    });
    vec![
        Fact::good("process", process.pid),
        Fact::neutral("user", process.uid),
        Fact::neutral("namespaces", namespaces.unwrap_or(Value::Null)).noted("compared with molt's own"),
    ]
}

fn facts_of_build(build: &Build, path: &Path, libc: Libc) -> Vec<Fact> {
    let source = match build.version_source {
        VersionSource::Constant => "read from Py_Version",
        VersionSource::DebugOffsets => "read from _Py_DebugOffsets",
        VersionSource::Text => "read from the text that Py_GetVersion prints",
        VersionSource::FileName => "read from the file's name; the third number is unknown",
    };
    let linkage = match build.linkage {
        Linkage::SharedLibrary => "shared library",
        Linkage::Executable => "executable",
        Linkage::StaticExecutable => "static executable",
    };
    let libc = match libc {
        Libc::Glibc { minor: Some(minor) } => format!("glibc 2.{minor}"),
        Libc::Glibc { minor: None } => "glibc".to_owned(),
        Libc::Musl => "musl".to_owned(),
        Libc::Unknown => "unknown".to_owned(),
    };
    vec![
        Fact::good("version", build.version.to_string()).noted(source),
        Fact::neutral("path", path.to_string_lossy().as_ref()),
        Fact::neutral("build_id", build.build_id()),
        Fact::neutral("linkage", linkage),
        Fact::neutral("stripped", build.stripped),
        Fact::neutral("free_threaded", build.free_threaded),
        Fact::neutral("libc", libc),
        usdt_probes(build),
        effect_sites(build),
        hook_sites(build),
    ]
}

/// The probes that the file has.
fn usdt_probes(build: &Build) -> Fact {
    let mut probes = Map::new();
    for probe in &build.probes {
        let count = probes.get(&probe.name).and_then(Value::as_u64).unwrap_or(0);
        probes.insert(probe.name.clone(), (count + 1).into());
    }
    Fact::neutral("usdt_probes", probes).noted("places of each")
}

/// What sees audit events, imports and collections of garbage, probe by probe.
fn effect_sites(build: &Build) -> Fact {
    let sites = EffectSites::of(build);
    let shown = sites.list().map(|(name, source)| (name.to_owned(), Value::from(source.to_string())));
    let missing: Vec<&str> = sites.missing_effects().chain(sites.missing_events()).collect();
    Fact::neutral("event_probes", shown.collect::<Map<_, _>>()).noted(missing.join("; "))
}

/// Where calls could be hooked. Finding them takes some milliseconds and nothing of the kernel.
fn hook_sites(build: &Build) -> Fact {
    const NAME: &str = "hook_sites";
    let found = Layout::of(build.version, build.free_threaded)
        .map(|layout| find_sites(&build.elf, build.version, &layout));
    match found {
        Some(Ok(sites)) => {
            let lines: Vec<String> = sites.describe().iter().map(|line| line.trim().to_owned()).collect();
            Fact::neutral(NAME, lines.join("; "))
        }
        Some(Err(none)) => Fact::neutral(NAME, Value::Null).noted(one_line(&none)),
        None => Fact::neutral(NAME, Value::Null),
    }
}

fn by_key() -> Fact {
    Fact::good("thread_state", "per-thread key")
}

fn by_list(layout: &Layout, libc: Libc, otherwise: &str) -> Fact {
    let why = if layout.runtime_tss_key == ABSENT {
        "this version has no key"
    } else if matches!(libc, Libc::Glibc { .. }) {
        otherwise
    } else {
        "keys are read of glibc only"
    };
    Fact::good("thread_state", "thread list").noted(why)
}

fn debug_offsets(layout: Option<&Checked>) -> Fact {
    const NAME: &str = "debug_offsets";
    match layout {
        None => Fact::neutral(NAME, Value::Null).noted("the interpreter has not started"),
        Some(Checked { compared: false, .. }) => {
            Fact::neutral(NAME, "not compared").noted("only 3.13 and later carry their own")
        }
        Some(Checked { differences, .. }) if differences.is_empty() => {
            Fact::good(NAME, "agree").noted("with molt's table")
        }
        Some(Checked { differences, .. }) => {
            let names: Vec<_> = differences.iter().map(|difference| difference.name).collect();
            Fact::good(NAME, "differ").noted(format!("the interpreter's own are used: {}", names.join(", ")))
        }
    }
}
