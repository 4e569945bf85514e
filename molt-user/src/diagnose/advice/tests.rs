use super::{one_line, refused};
use crate::capture::ebpf::LoadError;
use crate::capture::ebpf::attach::AttachError;
use crate::capture::ebpf::uprobes::UprobeError;
use crate::discover::privileges::{Lockdown, Privileges};
use aya::programs::ProgramError;
use aya::sys::SyscallError;
use nix::errno::Errno;
use std::io;

/// A machine on which everything works, as root.
fn sound() -> Privileges {
    Privileges {
        kernel: "6.1.0-18-amd64".to_owned(),
        capabilities: (1 << 41) - 1,
        root: true,
        btf: true,
        uprobes: true,
        tracefs: false,
        lockdown: Lockdown::None,
        perf_event_paranoid: Some(3),
        unprivileged_bpf_disabled: Some(2),
        ptrace_scope: Some(1),
        seccomp_filter: false,
        apparmor: None,
        user_namespace: false,
        pid_namespace: false,
        foreign_proc: false,
        container: false,
    }
}

fn not_loaded(number: Errno) -> AttachError {
    LoadError::Program { program: "sample", source: Box::new(io::Error::from(number)) }.into()
}

fn not_placed(source: UprobeError) -> AttachError {
    AttachError::Uprobe { program: "milestone", to: "there".to_owned(), source }
}

fn not_attached(program: &'static str) -> AttachError {
    let source = SyscallError { call: "perf_event_open", io_error: Errno::EACCES.into() };
    AttachError::Refused { program, to: "there".to_owned(), source: Box::new(ProgramError::from(source)) }
}

fn advice(error: &AttachError, privileges: &Privileges) -> String {
    refused(error, privileges, "molt trace -- 'a b'").join("\n")
}

/// What surely is in the way is named, and what only may be is left out beside it.
#[test]
fn names_what_is_in_the_way() {
    let denied = not_loaded(Errno::EPERM);
    let unprivileged = Privileges { capabilities: 0, root: false, seccomp_filter: true, ..sound() };
    assert_eq!(
        advice(&denied, &unprivileged),
        "molt lacks CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE\ntry: sudo molt trace -- 'a b'"
    );
    for (privileges, word) in [
        (Privileges { lockdown: Lockdown::Confidentiality, ..sound() }, "lockdown"),
        (Privileges { kernel: "5.15.0-100-generic".to_owned(), ..sound() }, "bpf_loop"),
        (Privileges { user_namespace: true, ..sound() }, "user namespace"),
        (Privileges { seccomp_filter: true, ..sound() }, "seccomp"),
    ] {
        let said = advice(&denied, &privileges);
        assert!(said.contains(word) && said.contains("\ntry: "), "{said}");
    }
}

/// Where nothing is missing, a refusal of permission comes from a security module; other errors have no advice.
#[test]
fn does_not_blame_privileges_that_are_there() {
    assert!(advice(&not_loaded(Errno::EPERM), &sound()).contains("security module"));
    assert_eq!(advice(&not_loaded(Errno::ENOMEM), &sound()), "");
}

/// Placing uprobes one by one takes a capability that sampling does not.
#[test]
fn uprobes_take_a_capability_of_their_own() {
    let few = Privileges { capabilities: 1 << 38 | 1 << 39 | 1 << 19, root: false, ..sound() };
    let one = || not_placed(UprobeError::One(Errno::EACCES));
    assert!(advice(&one(), &few).contains("CAP_SYS_ADMIN"));
    assert!(!advice(&one(), &sound()).contains("CAP_SYS_ADMIN"));
    assert!(!advice(&not_placed(UprobeError::Many(Errno::EACCES)), &few).contains("CAP_SYS_ADMIN"));
    assert!(!advice(&not_attached("sample"), &few).contains("CAP_SYS_ADMIN"));
}

/// The verifier's refusal gives the kernel and the way to the log.
#[test]
fn verifier_s_refusal_leads_to_its_log() {
    let refusal = LoadError::Verifier {
        program: "sample",
        reason: "invalid func unknown#181".to_owned(),
        source: Errno::EINVAL.into(),
    };
    let error = AttachError::from(refusal);
    assert!(one_line(&error).starts_with(
        "kernel's verifier refused eBPF program sample: invalid func unknown#181: Invalid argument"
    ));
    let said = advice(&error, &sound());
    assert!(said.contains("6.1.0-18-amd64") && said.ends_with("molt -vv doctor 2> verifier.log"), "{said}");
}
