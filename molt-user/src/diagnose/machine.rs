//! The kernel, molt's own privileges, and what became of the trial, as facts.

use super::advice::{one_line, refused};
use super::fact::Fact;
use super::trial::{Outcome, Trial};
use crate::discover::privileges::{Capability, Lockdown, Obstacle, Privileges};
use serde_json::Value;

/// What the kernel has.
pub(super) fn kernel(privileges: &Privileges, trial: &Trial) -> Vec<Fact> {
    let lockdown = match privileges.lockdown {
        Lockdown::None => "none",
        Lockdown::Integrity => "integrity",
        Lockdown::Confidentiality => "confidentiality",
    };
    // Distributions add to old kernels what newer ones have: what the trial could do counts.
    let too_old = privileges.old_kernel().filter(|_| !trial.can_sample());
    vec![
        fact("release", privileges.kernel.as_str(), too_old),
        fact("btf", privileges.btf, privileges.no_btf()),
        fact("uprobes", privileges.uprobes, privileges.no_uprobes()),
        fact("lockdown", lockdown, privileges.locked_down()),
        setting("perf_event_paranoid", privileges.perf_event_paranoid, privileges, Capability::Perfmon),
        setting(
            "unprivileged_bpf_disabled",
            privileges.unprivileged_bpf_disabled,
            privileges,
            Capability::Bpf,
        ),
        fact("ptrace_scope", privileges.ptrace_scope, privileges.no_ptrace()),
    ]
}

/// What molt itself may do. `command` becomes part of the advice.
pub(super) fn privileges(privileges: &Privileges, command: &str) -> Vec<Fact> {
    let held = Capability::ALL.into_iter().filter(|&capability| privileges.has(capability));
    let held: Vec<Value> = held.map(|capability| capability.to_string().into()).collect();
    let seccomp = Fact::neutral("seccomp_filter", privileges.seccomp_filter);
    let seccomp = match privileges.filtered() {
        Some(Obstacle { what, remedy, .. }) => seccomp.noted(what).remedied(Some(remedy)),
        None => seccomp,
    };
    let apparmor = Fact::neutral("apparmor", privileges.apparmor.clone());
    let apparmor = match privileges.confined() {
        Some(Obstacle { what, remedy, .. }) => apparmor.noted(what).remedied(Some(remedy)),
        None => apparmor.noted("confines nothing"),
    };
    vec![
        Fact::neutral("root", privileges.root),
        fact("capabilities", held, privileges.no_capabilities(command)),
        seccomp,
        apparmor,
        fact("user_namespace", privileges.user_namespace, privileges.inner_user()),
        fact("pid_namespace", privileges.pid_namespace, privileges.inner_pids()),
        Fact::neutral("container", privileges.container),
    ]
}

/// What the kernel let molt do when it tried.
pub(super) fn programs(trial: &Trial, privileges: &Privileges, command: &str) -> Vec<Fact> {
    let advice = |error: &_| refused(error, privileges, command).join("; ");
    let tried = |name, outcome: &Outcome| match outcome {
        Outcome::Done => Fact::good(name, true),
        Outcome::NotTried(why) => Fact::lacking(name, false, *why),
        Outcome::Refused(error) => {
            let advice = Some(advice(error)).filter(|advice| !advice.is_empty());
            Fact::lacking(name, false, one_line(error)).remedied(advice)
        }
    };
    let layout = match &trial.degraded {
        Some(unknown) => Fact::lacking(
            "kernel_layout",
            false,
            format!("{}: children cannot be followed", one_line(unknown)),
        ),
        None if trial.load.is_done() => Fact::good("kernel_layout", true),
        None => Fact::neutral("kernel_layout", Value::Null),
    };
    vec![
        tried("load", &trial.load),
        layout,
        tried("processes", &trial.processes),
        tried("sampler", &trial.sampler),
        tried("uprobe", &trial.uprobe),
    ]
}

/// Why the kernel side cannot be used on this machine, if so.
pub(super) fn obstacle(trial: &Trial, privileges: &Privileges) -> Option<&'static str> {
    if !trial.can_sample() {
        Some("the kernel side cannot be loaded and attached")
    } else if privileges.inner_pids().is_some() {
        Some("the kernel side and /proc know processes by other ids")
    } else {
        None
    }
}

/// A fact that an obstacle speaks of, if it is one.
fn fact(name: &'static str, value: impl Into<Value>, obstacle: Option<Obstacle>) -> Fact {
    match obstacle {
        Some(Obstacle { what, remedy, .. }) => Fact::lacking(name, value, what).remedied(Some(remedy)),
        None => Fact::good(name, value),
    }
}

/// A setting of the kernel's that matters to those without a capability.
fn setting(name: &'static str, value: Option<i32>, privileges: &Privileges, needed: Capability) -> Fact {
    let note = if privileges.has(needed) {
        format!("does not bind who has {needed}")
    } else {
        format!("molt has no {needed}: whatever it is set to, the backend procmem samples without")
    };
    Fact::neutral(name, value).noted(note)
}
