use super::{Capability, Lockdown, Privileges};
use std::fs;

/// A machine on which everything works, as root.
fn sound() -> Privileges {
    Privileges {
        kernel: "6.1.0-18-amd64".to_owned(),
        capabilities: (1 << 41) - 1,
        root: true,
        btf: true,
        uprobes: true,
        tracefs: true,
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

fn only_obstacle(privileges: &Privileges) -> (String, String, bool) {
    let [obstacle] = privileges.obstacles("molt doctor").try_into().unwrap();
    (obstacle.what, obstacle.remedy, obstacle.certain)
}

/// Nothing is missing, with all capabilities or with those that are needed.
#[test]
fn finds_no_obstacle_where_there_is_none() {
    assert_eq!(sound().obstacles("molt doctor"), []);
    let few = [Capability::Bpf, Capability::Perfmon, Capability::SysPtrace];
    let capabilities = few.into_iter().fold(0, |bits, capability| bits | 1 << capability as u8);
    assert_eq!(Privileges { capabilities, root: false, ..sound() }.obstacles("molt doctor"), []);
}

/// Each lack is named, with what to do about it.
#[test]
fn names_each_obstacle() {
    let (what, remedy, certain) = only_obstacle(&Privileges { capabilities: 0, root: false, ..sound() });
    assert_eq!(what, "molt lacks CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE");
    assert_eq!((remedy.as_str(), certain), ("sudo molt doctor", true));

    let in_container =
        Privileges { capabilities: 1 << Capability::SysPtrace as u8, user_namespace: true, ..sound() };
    let (what, remedy, _) = only_obstacle(&in_container);
    assert_eq!(what, "molt lacks CAP_BPF, CAP_PERFMON");
    assert!(remedy.contains("host"), "sudo does not help there: {remedy}");

    for (privileges, word, certain) in [
        (Privileges { kernel: "5.4.0-150-generic".to_owned(), ..sound() }, "5.4.0-150-generic", true),
        (Privileges { kernel: "5.16.20".to_owned(), ..sound() }, "bpf_loop", true),
        (Privileges { user_namespace: true, ..sound() }, "user namespace", true),
        (Privileges { foreign_proc: true, ..sound() }, "another pid namespace", true),
        (Privileges { btf: false, ..sound() }, "/sys/kernel/btf/vmlinux", false),
        (Privileges { lockdown: Lockdown::Confidentiality, ..sound() }, "lockdown", true),
        (Privileges { uprobes: false, ..sound() }, "uprobes", false),
        (Privileges { apparmor: Some("docker-default".to_owned()), ..sound() }, "docker-default", false),
        (Privileges { ptrace_scope: Some(3), ..sound() }, "ptrace_scope", false),
        (Privileges { seccomp_filter: true, ..sound() }, "seccomp", false),
    ] {
        let (what, _, found) = only_obstacle(&privileges);
        assert!(what.contains(word), "{what}");
        assert_eq!(found, certain, "{what}");
    }
    for nothing in [
        Privileges { lockdown: Lockdown::Integrity, ..sound() },
        Privileges { pid_namespace: true, ..sound() },
    ] {
        assert_eq!(nothing.obstacles(""), []);
    }
    let blind = Privileges { pid_namespace: true, btf: false, ..sound() }.obstacles("");
    assert!(blind.iter().any(|obstacle| obstacle.certain && obstacle.what.contains("pid namespace")));
}

/// The facts come from the kernel's files in their own form.
#[test]
fn reads_the_kernel_s_files() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    write("proc/self/status", "Name:\tmolt\nUid:\t1000\t0\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n");
    write("proc/self/uid_map", "         0          0 4294967295\n");
    write("proc/sys/kernel/perf_event_paranoid", "3\n");
    write("proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
    write("proc/sys/kernel/yama/ptrace_scope", "1\n");
    write("sys/kernel/btf/vmlinux", "");
    write("sys/bus/event_source/devices/uprobe/type", "7\n");
    write("sys/kernel/tracing/events/header", "");
    write("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    write("proc/self/attr/current", "unconfined\n");
    assert_eq!(Privileges::read_below(root.path()), sound());
    write("sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
    write("proc/self/status", "Uid:\t0\t1000\t0\t0\nCapEff:\t0\nSeccomp:\t2\n");
    write("proc/self/uid_map", "0 100000 65536\n");
    write("proc/self/attr/apparmor/current", "docker-default (enforce)\n");
    write("run/.containerenv", "");
    fs::create_dir_all(root.path().join("proc/self/ns")).unwrap();
    std::os::unix::fs::symlink("pid:[4026532177]", root.path().join("proc/self/ns/pid")).unwrap();
    let read = Privileges::read_below(root.path());
    assert_eq!(read.lockdown, Lockdown::Confidentiality);
    assert!(read.seccomp_filter && read.user_namespace && read.pid_namespace);
    assert!(read.container && !read.root);
    assert_eq!(read.apparmor.as_deref(), Some("docker-default"));
    assert_eq!(read.capabilities, 0);
}

/// Where nothing can be read, nothing is assumed.
#[test]
fn assumes_nothing_without_proc_and_sys() {
    let root = tempfile::tempdir().unwrap();
    let read = Privileges::read_below(root.path());
    assert!(!read.btf && !read.uprobes && !read.root && read.capabilities == 0);
    assert_eq!(read.perf_event_paranoid, None);
    assert!(read.obstacles("molt doctor").iter().any(|obstacle| obstacle.certain));
}

/// This machine's own facts agree with the C library's.
#[test]
fn reads_this_machine() {
    let read = Privileges::read();
    assert_eq!(read.root, nix::unistd::geteuid().is_root());
    assert!(super::parse_release(&read.kernel).is_some(), "{}", read.kernel);
}
