//! Targets and output folders that mean harm.
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Stdio;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::attach::{samples, target};
use super::boxes::is_at_rest;
use super::identity::NOBODY;
use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::{Running, run, wait_for};
use crate::support::pythons::Interpreter;

/// Whatever a program calls its functions: nothing of it reaches the terminal as it is, and the artifact is sound.
pub(crate) fn names_do_not_reach_the_terminal(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut target = Running::start(python.start().arg("hostile.py").stdin(Stdio::piped()));
    wait_for("the target to be ready", || {
        assert!(!target.has_ended(), "{}", target.stderr());
        target.stdout().starts_with("ready").then_some(())
    });
    let pid = target.pid().to_string();
    for options in [&["--mode", "exact"][..], &["--backend", "procmem"]] {
        let mut command = molt();
        command.args(["-vv", "trace", "-F", "999", "--duration", "300ms", "--pid", &pid]).args(options);
        let ended = run(command.arg("-o").arg(&output)).succeeded();
        assert!(ended.stderr.contains("owned"), "{}", ended.stderr);
        let harmful = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        let line = ended.stderr.lines().find(|line| line.contains(harmful));
        assert_eq!(line, None);
        let artifact = read(&output);
        let hottest = &artifact.hotspots.first().unwrap().symbol;
        assert!(hottest.contains("owned") && artifact.symbols.contains_key(hottest), "{hottest:?}");
        let text = fs::read_to_string(&output).unwrap();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    }
    drop(target.stdin());
    target.wait().succeeded();
}

/// Pipes and links that another user put where root writes are neither waited for nor followed.
pub(crate) fn planted_output_is_refused(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let at = |name: &str| folder.path().join(name);
    mkfifo(&at("pipe"), Mode::from_bits_truncate(0o666)).unwrap();
    symlink(&victim, at("link")).unwrap();
    symlink("/dev/null", at("device")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    for name in ["pipe", "link", "device", "dangling"] {
        std::os::unix::fs::lchown(at(name), Some(NOBODY), Some(NOBODY)).unwrap();
        let ended = run(molt_trace(&at(name), python).args(["-c", "pass"])).with_code(125);
        assert!(ended.stderr.contains(name) && ended.stderr.contains("link"), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!at("nowhere").exists());
    // A file of another user's is replaced, not written to: who has it open sees nothing.
    chown(&victim, Some(NOBODY), Some(NOBODY)).unwrap();
    let open = fs::File::open(&victim).unwrap();
    run(molt_trace(&victim, python).args(["-c", "pass"])).succeeded();
    assert_eq!(std::io::read_to_string(open).unwrap(), "precious");
    read(&victim);
}

/// Once it samples, molt keeps the few capabilities that a run uses.
pub(crate) fn capabilities_are_given_up_once_attached(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let mut target = target(python);
    let pid = target.pid().to_string();
    let mut command = molt();
    command.args(["trace", "--pid", &pid, "-o"]).arg(folder.path().join("profile.json"));
    let molt = Running::start(command.stdin(Stdio::null()));
    wait_for("molt to sample", || samples(molt.pid().as_raw()));
    // SYS_PTRACE, PERFMON, BPF, CHECKPOINT_RESTORE, DAC_OVERRIDE, DAC_READ_SEARCH, CHOWN; SYS_ADMIN before Linux 6.6.
    let kept: u64 = [19, 38, 39, 40, 1, 2, 0].into_iter().map(|bit| 1 << bit).sum();
    let admin = 1 << 21;
    wait_for("molt to give up capabilities", || {
        let held = permitted(molt.pid().as_raw());
        (held & !(kept | admin) == 0 && held & kept == kept).then_some(())
    });
    wait_for("molt to have read the target", || is_at_rest(molt.pid().as_raw()).then_some(()));
    drop(target.stdin());
    target.wait().succeeded();
    molt.wait().succeeded();
}

fn permitted(pid: i32) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapPrm:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}
