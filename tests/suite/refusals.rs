//! What molt says when it cannot trace: one sentence, what to do, and status 125.
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use molt_mpa::model::{Section, Status};
use molt_user::capture::ebpf::{Kernel, LoadError, Room};
use molt_user::capture::ebpf::{attach::AttachError, object};
use molt_user::diagnose::advice::{one_line, refused};
use molt_user::discover::privileges::Privileges;

use super::doctor::{Copy, with_capabilities};
use super::identity::as_nobody;
use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::{Ended, Running, run};
use crate::support::pythons::{Interpreter, at_home};
use crate::support::unsupported::{Unsupported, unsupported};

/// molt's own failure, said in one sentence and whatever lines of advice.
#[track_caller]
fn refusal(ended: &Ended) -> (&str, Vec<&str>) {
    assert_eq!(ended.code(), 125, "{}", ended.stderr);
    let mut lines = ended.stderr.lines();
    let sentence = lines.next().and_then(|line| line.strip_prefix("molt: ")).unwrap();
    let advice: Vec<_> = lines.map(|line| line.strip_prefix("      ").unwrap_or(line)).collect();
    assert!(ended.stderr.len() < 1000, "{}", ended.stderr);
    (sentence, advice)
}

/// A process of another program, of an old Python, of another user, and one that has ended.
pub(crate) fn process_that_cannot_be_traced_is_named(python: &Interpreter) {
    let copy = Copy::new();
    let output = copy.folder().join("profile.json");
    let attach = |mut command: Command, pid: u32| {
        let pid = pid.to_string();
        run(command.args(["trace", "--duration", "100ms", "--pid", &pid, "-o"]).arg(&output))
    };
    let sleep = Running::start(Command::new("sleep").arg("60").stdin(Stdio::null()));
    let ended = attach(molt(), sleep.pid().as_raw().cast_unsigned());
    let (sentence, advice) = refusal(&ended);
    assert!(sentence.contains("does not run Python but") && sentence.contains("sleep"), "{sentence}");
    assert!(advice.concat().contains("molt trace --"), "{advice:?}");

    let waits = ["-c", "import time; time.sleep(60)"];
    for Unsupported { what, path, .. } in &unsupported() {
        let target = Running::start(Command::new(path).args(waits).stdin(Stdio::null()));
        // The interpreter may not have been mapped yet; then the attached run ends without Python.
        thread::sleep(Duration::from_millis(300));
        let ended = attach(molt(), target.pid().as_raw().cast_unsigned());
        let (sentence, _) = refusal(&ended);
        assert!(sentence.contains(what) && sentence.contains("3.8 to 3.15"), "{what}: {sentence}");
    }

    let target = Running::start(python.start().args(waits).stdin(Stdio::null()));
    let pid = target.pid().as_raw().cast_unsigned();
    let mut few = with_capabilities("+bpf,+perfmon");
    few.arg(copy.molt());
    let mut none = as_nobody();
    none.arg(copy.molt());
    for (command, lack) in [(few, "CAP_SYS_PTRACE"), (none, "CAP_BPF")] {
        let ended = attach(command, pid);
        let (sentence, advice) = refusal(&ended);
        assert!(sentence.contains(&format!("process {pid}")), "{sentence}");
        assert!(advice.iter().any(|line| line.contains(lack)), "{advice:?}");
        let again = format!("try: sudo {} trace --duration 100ms --pid {pid} -o", copy.molt().display());
        assert!(advice.iter().any(|line| line.starts_with(&again)), "{advice:?}");
    }

    let mut zombie = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", zombie.id())).unwrap();
        stat.contains(") Z ").then_some(())
    };
    crate::support::process::wait_for("a zombie", gone);
    let ended = attach(molt(), zombie.id());
    assert!(refusal(&ended).0.contains("ended"), "{}", ended.stderr);
    zombie.wait().unwrap();
    assert!(!output.exists());
}

/// A process may end at any moment of an attachment: there is an artifact, or a sentence that says why not.
pub(crate) fn process_that_ends_meanwhile_is_reported(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    for milliseconds in [0, 5, 15, 40, 80, 120, 160, 240] {
        let output = folder.path().join(milliseconds.to_string());
        let target = Running::start(
            python.start().args(["-c", "while True: pass"]).stdin(Stdio::null()).stdout(Stdio::null()),
        );
        let pid = target.pid().to_string();
        // Until its interpreter is mapped it is another program.
        thread::sleep(Duration::from_millis(150));
        let molt =
            Running::start(molt().args(["trace", "--pid", &pid, "-o"]).arg(&output).stdin(Stdio::null()));
        thread::sleep(Duration::from_millis(milliseconds));
        drop(target);
        let ended = molt.wait();
        if output.exists() {
            assert_eq!(ended.code(), 0, "{}", ended.stderr);
            read(&output);
        } else {
            let (sentence, _) = refusal(&ended);
            assert!(sentence.contains(&pid), "{sentence}");
        }
    }
}

/// A command that molt runs under a seccomp filter which refuses the system call of this number.
fn filtered(python: &Interpreter, refused: u32, arguments: &[&str]) -> Command {
    // Loads the system call's number; the one that is refused gives EPERM, all others pass.
    let script = r"
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)]
text = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *one) for one in code))
program = ctypes.create_string_buffer(struct.pack('@HP', len(code), ctypes.addressof(text)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[2], sys.argv[2:])
";
    let mut command = python.start();
    command.args(["-c", script, &refused.to_string()]).arg(molt().get_program()).args(arguments);
    command
}

/// `bpf` and `process_vm_readv` on x86-64 (`arch/x86/entry/syscalls/syscall_64.tbl`).
const BPF: u32 = 321;
const PROCESS_VM_READV: u32 = 310;

/// A seccomp filter that refuses `bpf`, as those of containers do, is named as what may be behind it. Without
/// insistence on eBPF the program is sampled from outside, and the same is said of it.
pub(crate) fn seccomp_filter_is_named(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let place = output.to_str().unwrap();
    let traced = run(&mut filtered(python, BPF, &["trace", "--backend", "ebpf", "-o", place, "--", "true"]));
    let (_, advice) = refusal(&traced);
    assert!(advice.iter().any(|line| line.contains("seccomp")), "{advice:?}");
    let doctor = run(&mut filtered(python, BPF, &["doctor"]));
    assert_eq!(doctor.code(), 1, "{}", doctor.stdout);
    assert!(doctor.stdout.contains("seccomp filter decides"), "{}", doctor.stdout);
    let program = python.path.to_str().unwrap();
    let mut sampled =
        filtered(python, BPF, &["trace", "-F", "999", "-o", place, "--", program, "recursion.py"]);
    let sampled = run(sampled.env("MOLT_TEST_SECONDS", "1.5")).succeeded();
    assert!(sampled.stderr.contains("memory is read from outside") && sampled.stderr.contains("seccomp"));
    assert!(read(&output).symbols.contains_key("__main__.fib"), "{}", sampled.stderr);
}

/// A filter that refuses `process_vm_readv` changes nothing: the same memory is read from a file.
pub(crate) fn memory_is_read_without_its_system_call(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    for backend in ["ebpf", "procmem"] {
        let program = [python.path.to_str().unwrap(), "recursion.py"];
        let options = ["trace", "--backend", backend, "-F", "999", "-o", output.to_str().unwrap(), "--"];
        let mut command = filtered(python, PROCESS_VM_READV, &[&options[..], &program].concat());
        let ended = run(command.env("MOLT_TEST_SECONDS", "0.3")).succeeded();
        assert!(read(&output).symbols.contains_key("__main__.fib"), "{backend}: {}", ended.stderr);
    }
}

/// Where the kernel side and `/proc` know processes by different ids, and the kernel side is insisted on, nothing is
/// started and nothing written.
pub(crate) fn proc_of_another_pid_namespace_is_refused(_: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let (output, mark) = (folder.path().join("profile.json"), folder.path().join("mark"));
    let mut command = Command::new("unshare");
    at_home(&mut command);
    command
        .args(["--pid", "--fork"])
        .arg(molt().get_program())
        .args(["trace", "--backend", "ebpf", "-o"])
        .arg(&output);
    let ended = run(command.args(["--", "touch"]).arg(&mark));
    assert!(refusal(&ended).0.contains("pid namespace"), "{}", ended.stderr);
    assert!(!output.exists() && !mark.exists());
}

/// A program that the verifier does not take is named with the line of the log that says why, not the log.
pub(crate) fn verifier_s_refusal_is_one_line(_: &Interpreter) {
    // The call of a helper, `bpf_loop` (181), becomes that of one that no kernel has.
    let (call, unknown) = ([0x85, 0, 0, 0, 181, 0, 0, 0], [0x85, 0, 0, 0, 0x0f, 0x27, 0, 0]);
    let mut bytes = object::bytes().to_vec();
    let calls: Vec<_> = (0..bytes.len() - 8).step_by(8).filter(|at| bytes[*at..at + 8] == call).collect();
    assert!(!calls.is_empty(), "the object calls no bpf_loop");
    for at in calls {
        bytes[at..at + 8].copy_from_slice(&unknown);
    }
    let mut kernel = Kernel::load_object(&bytes, Room::Samples).unwrap();
    let error = kernel.sample(99).unwrap_err();
    assert!(matches!(error, AttachError::Load(LoadError::Verifier { .. })), "{error:?}");
    let line = one_line(&error);
    assert!(line.contains("sample") && line.contains("9999") && line.len() < 300, "{line}");
    let privileges = Privileges::read();
    let advice = refused(&error, &privileges, "molt trace -- true");
    assert!(advice.iter().any(|line| line.contains(&privileges.kernel)), "{advice:?}");
    assert!(advice.iter().any(|line| line.contains("-vv doctor")), "{advice:?}");
}

/// A link to many places needs no event source for uprobes, which a container may not show.
pub(crate) fn end_is_seen_without_an_event_source_for_uprobes(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let traced = molt_trace(&output, python);
    let mut command = Command::new("unshare");
    at_home(&mut command);
    let script = "mount -t tmpfs none /sys/bus/event_source && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script, "sh"]);
    run(command.arg(traced.get_program()).args(traced.get_args()).arg("tour.py")).succeeded();
    let modules = &read(&output).collector.sections[Section::Modules.name()];
    assert_eq!(modules.status, Status::Complete, "{modules:?}");
}
