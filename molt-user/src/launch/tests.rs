//! With real processes; needs no privileges, and tests one thing more as root.

use super::{Command, Ending, Event, RunAs, Signals, Target};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Gid, Pid, Uid, getpgid};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer than anything here takes; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(20);

fn command<S: AsRef<str>>(argv: &[S]) -> Command {
    Command {
        argv: argv.iter().map(|argument| OsString::from(argument.as_ref())).collect(),
        run_as: None,
        signal_mask: SigSet::empty(),
        hold: PATIENCE,
    }
}

/// A shell script with its arguments.
fn shell<S: AsRef<str>>(script: &str, arguments: &[S]) -> Command {
    let mut argv = vec!["/bin/sh", "-c", script, "sh"];
    argv.extend(arguments.iter().map(AsRef::as_ref));
    command(&argv)
}

fn start(command: &Command) -> Target {
    let mut target = Target::start(command).unwrap();
    target.release();
    target
}

/// Ends a target that a failed test leaves behind.
impl Drop for Target {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

fn next(target: &Target) -> Event {
    target.wait_event(PATIENCE).expect("the next event did not come")
}

/// Lets all events pass and gives their names and the end.
fn run_to_end(target: &Target) -> (Vec<&'static str>, Ending) {
    let mut names = Vec::new();
    loop {
        match next(target) {
            Event::Exec(_) => names.push("exec"),
            Event::Exiting(_) => names.push("exiting"),
            Event::Ended(ending) => return (names, ending),
            Event::ExecFailed(error) => panic!("exec failed: {error}"),
        }
    }
}

fn state(target: &Target) -> char {
    let stat = fs::read_to_string(format!("/proc/{}/stat", target.pid())).unwrap();
    stat.rsplit(") ").next().and_then(|tail| tail.chars().next()).unwrap()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn exe(target: &Target) -> PathBuf {
    fs::read_link(format!("/proc/{}/exe", target.pid())).unwrap()
}

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    (folder, out)
}

/// Nothing of the command runs before the release, and at the exec event the new program is loaded but has
/// not run.
#[test]
fn holds_the_command_before_its_exec_and_after() {
    let (_folder, out) = folder();
    let mut target = Target::start(&shell("echo ran > $1", &[&out])).unwrap();
    assert_eq!(exe(&target), std::env::current_exe().unwrap());
    assert!(target.wait_event(Duration::from_millis(50)).is_none());
    assert!(!Path::new(&out).exists());
    target.release();
    let Event::Exec(held) = next(&target) else { panic!("no exec") };
    assert_eq!(exe(&target), fs::canonicalize("/bin/sh").unwrap());
    assert_eq!(state(&target), 't');
    assert!(!Path::new(&out).exists());
    drop(held);
    assert_eq!(run_to_end(&target), (vec!["exiting"], Ending::Code(0)));
    assert_eq!(fs::read_to_string(&out).unwrap(), "ran\n");
}

/// A target that is given up before its release never runs.
#[test]
fn runs_nothing_without_a_release() {
    let (_folder, out) = folder();
    let target = Target::start(&shell("echo ran > $1", &[&out])).unwrap();
    let pid = target.pid;
    drop(target);
    wait_until("the child's end", || kill(pid, None).is_err());
    assert!(!Path::new(&out).exists());
}

/// Exit statuses and signals, as the target ended and as a shell would give them.
#[test]
fn reports_how_the_target_ended() {
    for status in [0, 7, 255] {
        let (_, ending) = run_to_end(&start(&shell::<&str>(&format!("exit {status}"), &[])));
        assert_eq!((ending, ending.exit_status()), (Ending::Code(status), status));
    }
    for number in [15, 9, 2, 6, 37] {
        let (_, ending) = run_to_end(&start(&shell(&format!("ulimit -c 0; kill -{number} $$"), &[""])));
        assert!(
            matches!(ending, Ending::Signal { number: found, core: false } if found == number),
            "{number}: {ending:?}"
        );
        assert_eq!(ending.exit_status(), 128 + number);
    }
}

/// A command that does not exist, one that is no program, one that may not be run.
#[test]
fn tells_why_a_command_could_not_be_executed() {
    for (program, kind) in [
        ("/no/such/program", ErrorKind::NotFound),
        ("no-such-program-in-the-path", ErrorKind::NotFound),
        ("/etc/passwd", ErrorKind::PermissionDenied),
        ("/etc", ErrorKind::PermissionDenied),
    ] {
        let target = start(&command(&[program]));
        let Event::ExecFailed(error) = next(&target) else { panic!("{program} was executed") };
        assert_eq!(error.kind(), kind, "{program}");
        assert!(target.wait_event(PATIENCE).is_none(), "nothing comes after it");
    }
    assert!(Target::start(&command::<&str>(&[])).is_err());
    assert!(Target::start(&command(&["a\0b"])).is_err());
}

/// A wrapper's exec of the next program is one more exec event, in the same process.
#[test]
fn sees_a_wrapper_become_the_program() {
    let (_folder, out) = folder();
    let target = start(&shell("exec /usr/bin/env sh -c 'echo $$ > $0' $1", &[&out]));
    let (events, ending) = run_to_end(&target);
    assert_eq!((events, ending), (vec!["exec", "exec", "exec", "exiting"], Ending::Code(0)));
    assert_eq!(fs::read_to_string(&out).unwrap().trim(), target.pid().to_string());
}

/// Children made by the target run freely: no event, and a stop of theirs is not molt's.
#[test]
fn leaves_children_alone() {
    let (events, ending) =
        run_to_end(&start(&shell::<&str>("/bin/true; /bin/true & wait; ls / > /dev/null", &[])));
    assert_eq!((events, ending), (vec!["exec", "exiting"], Ending::Code(0)));
}

/// At its exit the target's memory and mappings are there until the event is dropped, also after exit_group
/// and a fatal signal.
#[test]
fn memory_is_readable_while_held_at_exit() {
    for script in ["exit 3", "kill -TERM $$"] {
        let target = start(&shell::<&str>(script, &[]));
        let Event::Exec(held) = next(&target) else { panic!("no exec") };
        drop(held);
        let Event::Exiting(held) = next(&target) else { panic!("no exit event") };
        let maps = crate::discover::maps::read_maps(format!("/proc/{}/maps", target.pid()).as_ref()).unwrap();
        let program = maps.first().unwrap();
        let word = crate::discover::process::read_word(target.pid(), program.start).unwrap();
        assert_eq!(word.to_le_bytes()[..4], *b"\x7fELF");
        assert_eq!(state(&target), 't');
        drop(held);
        assert!(matches!(next(&target), Event::Ended(_)));
    }
}

/// Nobody lets it go: it goes by itself.
#[test]
fn holds_no_longer_than_asked() {
    let target = start(&Command { hold: Duration::from_millis(20), ..command(&["/bin/true"]) });
    let Event::Exec(_exec) = next(&target) else { panic!("no exec") };
    let Event::Exiting(_exiting) = next(&target) else { panic!("no exit event") };
    assert!(matches!(next(&target), Event::Ended(Ending::Code(0))));
}

/// SIGKILL ends a target in every hold.
#[test]
fn a_held_target_can_be_killed() {
    let killed = Ending::Signal { number: 9, core: false };
    let mut target = Target::start(&command(&["/bin/true"])).unwrap();
    kill(target.pid, Signal::SIGKILL).unwrap();
    assert_eq!(run_to_end(&target), (vec![], killed));
    target.release();

    let target = start(&command(&["/bin/true"]));
    let Event::Exec(held) = next(&target) else { panic!("no exec") };
    kill(target.pid, Signal::SIGKILL).unwrap();
    drop(held);
    assert_eq!(run_to_end(&target).1, killed);
}

/// Every signal reaches the target exactly once, also real-time ones, and its own handlers run.
#[test]
fn passes_signals_on_once() {
    let (_folder, out) = folder();
    let script = "trap 'echo usr1 >> $1' USR1; trap 'echo rt >> $1' 40; trap 'echo int >> $1' INT
        echo ready >> $1; until [ -e $1.end ]; do sleep 0.01; done";
    let target = start(&shell(script, &[&out]));
    drop(next(&target));
    let lines = || fs::read_to_string(&out).unwrap_or_default();
    wait_until("the start", || lines().contains("ready"));
    for (number, name) in [(10, "usr1"), (40, "rt"), (2, "int")] {
        if let Ok(kind) = Signal::try_from(number) {
            target.forward(super::Signal { kind, from_terminal: false });
        } else {
            let arguments = [format!("-{number}"), target.pid().to_string()];
            assert!(std::process::Command::new("kill").args(arguments).status().unwrap().success());
        }
        wait_until(name, || lines().contains(name));
    }
    fs::write(format!("{out}.end"), "").unwrap();
    assert_eq!(run_to_end(&target), (vec!["exiting"], Ending::Code(0)));
    assert_eq!(lines(), "ready\nusr1\nrt\nint\n");
}

/// Stopped and continued by job control, as without molt, several times.
#[test]
fn job_control_stops_and_continues() {
    let target = start(&shell::<&str>("while :; do :; done", &[]));
    drop(next(&target));
    for stop in [Signal::SIGTSTP, Signal::SIGSTOP, Signal::SIGTSTP] {
        kill(target.pid, stop).unwrap();
        wait_until("the stop", || matches!(state(&target), 't' | 'T'));
        std::thread::sleep(Duration::from_millis(20));
        assert!(matches!(state(&target), 't' | 'T'), "it stays stopped");
        kill(target.pid, Signal::SIGCONT).unwrap();
        wait_until("going on", || state(&target) == 'R');
    }
    kill(target.pid, Signal::SIGTERM).unwrap();
    assert!(matches!(run_to_end(&target).1, Ending::Signal { number: 15, .. }));
}

/// The mask is the one given, SIGPIPE has its default, group, folder and environment are the caller's.
#[test]
fn changes_nothing_else_about_the_process() {
    let mut signal_mask = SigSet::empty();
    signal_mask.add(Signal::SIGUSR2);
    let target = start(&Command { signal_mask, ..command(&["/bin/sleep", "1000"]) });
    let Event::Exec(_held) = next(&target) else { panic!("no exec") };
    let status = fs::read_to_string(format!("/proc/{}/status", target.pid())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    assert_eq!(field("SigBlk:"), 1 << (Signal::SIGUSR2 as u64 - 1));
    assert_eq!(field("SigIgn:") >> (Signal::SIGPIPE as u64 - 1) & 1, 0);
    assert_eq!(getpgid(Some(target.pid)).unwrap(), getpgid(None).unwrap());
    let process = crate::discover::Process::read(target.pid()).unwrap();
    assert_eq!(process.cwd.unwrap(), std::env::current_dir().unwrap());
    let environment = |pid: &str| fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert_eq!(environment(&target.pid().to_string()).is_empty(), environment("self").is_empty());
    for stream in 0..3 {
        let of = |pid: &str| fs::read_link(format!("/proc/{pid}/fd/{stream}")).unwrap();
        assert_eq!(of(&target.pid().to_string()), of("self"));
    }
    let descriptors = fs::read_dir(format!("/proc/{}/fd", target.pid())).unwrap().count();
    let inherited = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(descriptors <= inherited, "{descriptors} of {inherited}");
    kill(target.pid, Signal::SIGKILL).unwrap();
}

/// As root the target can run as another user, with that user's groups only.
#[test]
fn runs_as_another_user() {
    if !Uid::effective().is_root() {
        return;
    }
    let (_folder, out) = folder();
    let (uid, gid) = (Uid::from_raw(12345), Gid::from_raw(12346));
    let run_as = Some(RunAs { uid, gid, groups: vec![gid, Gid::from_raw(12347)] });
    let target = start(&Command {
        run_as,
        ..shell("id -u > $1; id -G >> $1; grep CapEff /proc/self/status >> $1", &[&out])
    });
    assert_eq!(run_to_end(&target).1, Ending::Code(0));
    assert_eq!(fs::read_to_string(&out).unwrap(), "12345\n12346 12347\nCapEff:\t0000000000000000\n");
}

fn python() -> String {
    for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for name in ["python3", "python"] {
            let path = folder.join(name);
            if path.is_file() {
                return path.to_str().unwrap().to_owned();
            }
        }
    }
    panic!("no Python in the path: the tests of launch need one");
}

/// The main thread ends before another one: the process is followed to its real end and status.
#[test]
fn follows_a_process_past_its_main_thread() {
    let (_folder, out) = folder();
    let program = "
import ctypes, os, sys, threading, time
def rest():
    time.sleep(0.2)
    open(sys.argv[1], 'w').write('rest')
    os._exit(5)
threading.Thread(target=rest).start()
ctypes.CDLL(None).syscall(60, 0)
";
    let target = start(&command(&[&python(), "-c", program, &out]));
    let (events, ending) = run_to_end(&target);
    assert_eq!(ending, Ending::Code(5));
    assert_eq!(events.last(), Some(&"exiting"));
    assert_eq!(fs::read_to_string(&out).unwrap(), "rest");
}

/// An exec by another thread than the main one is seen, and the new program is followed.
#[test]
fn follows_an_exec_by_another_thread() {
    let (_folder, out) = folder();
    let script = "echo $$ > $0; while :; do :; done";
    let program = "
import os, sys, threading
threading.Thread(target=lambda: os.execv('/bin/sh', ['sh', '-c', *sys.argv[1:]])).start()
threading.Event().wait()
";
    let target = start(&command(&[&python(), "-c", program, script, &out]));
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let mut held = None;
    while held.is_none() {
        if let Event::Exec(exec) = next(&target) {
            held = (exe(&target) == shell).then_some(exec);
        }
    }
    assert_eq!(state(&target), 't');
    drop(held);
    wait_until("the shell", || {
        fs::read_to_string(&out).is_ok_and(|text| text.trim() == target.pid().to_string())
    });
    kill(target.pid, Signal::SIGTERM).unwrap();
    assert_eq!(run_to_end(&target), (vec!["exiting"], Ending::Signal { number: 15, core: false }));
}

/// Not a test by itself: a molt that starts the command of its environment and is killed by the test below.
#[test]
#[ignore = "started by a_target_survives_the_death_of_molt"]
fn launching_process() {
    let target = start(&shell::<String>(&std::env::var("LAUNCHED_SCRIPT").unwrap(), &[]));
    loop {
        drop(next(&target));
    }
}

/// SIGKILL to molt leaves the target running, and able to end as it likes.
#[test]
fn a_target_survives_the_death_of_molt() {
    let (_folder, out) = folder();
    let script =
        format!("echo $$ > {out}; until [ -e {out}.end ]; do sleep 0.01; done; echo done > {out}.done");
    let mut launching = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "launch::tests::launching_process", "--ignored"])
        .env("LAUNCHED_SCRIPT", script)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = || fs::read_to_string(&out).ok().and_then(|text| text.trim().parse().ok()).map(Pid::from_raw);
    wait_until("the start", || pid().is_some());
    launching.kill().unwrap();
    launching.wait().unwrap();
    kill(pid().unwrap(), None).unwrap();
    fs::write(format!("{out}.end"), "").unwrap();
    wait_until("the target's own end", || Path::new(&format!("{out}.done")).exists());
}

/// The descriptor is readable while there are events; a signal for a target that has ended goes nowhere.
#[test]
fn events_can_be_polled() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut target = Target::start(&command(&["/bin/true"])).unwrap();
    let readable = |target: &Target, timeout: PollTimeout| {
        poll(&mut [PollFd::new(target.events_fd(), PollFlags::POLLIN)], timeout).unwrap() == 1
    };
    assert!(!readable(&target, PollTimeout::ZERO));
    assert!(target.next_event().is_none());
    target.release();
    let mut names = Vec::new();
    while names.last() != Some(&"ended") {
        assert!(readable(&target, PollTimeout::from(20_000_u16)));
        while let Some(event) = target.next_event() {
            names.push(match event {
                Event::Exec(_) => "exec",
                Event::Exiting(_) => "exiting",
                Event::Ended(_) => "ended",
                Event::ExecFailed(_) => "failed",
            });
        }
    }
    assert_eq!(names, ["exec", "exiting", "ended"]);
    wait_until("silence", || target.next_event().is_none() && !readable(&target, PollTimeout::ZERO));
    target.forward(super::Signal { kind: Signal::SIGTERM, from_terminal: false });
}

/// Not a test by itself: a molt at a terminal, which passes on what it gets and is for the target.
#[test]
#[ignore = "started by a_key_reaches_the_target_once"]
fn terminal_process() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    let signals = Signals::take().unwrap();
    let script = std::env::var("LAUNCHED_SCRIPT").unwrap();
    let target = start(&shell::<&str>(&script, &[]));
    let mut record = Vec::new();
    loop {
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        poll(&mut [ready(signals.as_fd()), ready(target.events_fd())], PollTimeout::NONE).unwrap();
        for signal in signals.read() {
            record.push(format!("{} {}", signal.kind, signal.from_terminal));
            if signal.is_for_target() {
                target.forward(signal);
            }
        }
        if let Some(Event::Ended(ending)) = target.next_event() {
            record.push(format!("{ending:?}"));
            fs::write(std::env::var("LAUNCHED_RECORD").unwrap(), record.join("; ")).unwrap();
            return;
        }
    }
}

/// Ctrl-C reaches the target from the terminal, and molt does not send it a second time; what is sent to molt
/// alone it passes on.
#[test]
fn a_key_reaches_the_target_once() {
    let (_folder, out) = folder();
    let pty = nix::pty::openpty(None, None).unwrap();
    let script = format!(
        "trap 'echo int >> {out}' INT; trap 'echo term >> {out}' TERM; echo $PPID > {out}.molt
        until [ -e {out}.end ]; do sleep 0.01; done"
    );
    // The test harness has a main thread of its own, which must not take the signals.
    let blocked = "import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
os.execv(sys.argv[1], sys.argv[1:])";
    let mut molt = std::process::Command::new("setsid")
        .args(["--ctty", "--wait", &python(), "-c", blocked])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "launch::tests::terminal_process", "--ignored"])
        .env("LAUNCHED_SCRIPT", script)
        .env("LAUNCHED_RECORD", format!("{out}.record"))
        .stdin(pty.slave)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let read = |suffix: &str| fs::read_to_string(format!("{out}{suffix}")).unwrap_or_default();
    wait_until("the start", || read(".molt").ends_with('\n'));
    let mut keyboard = fs::File::from(pty.master);
    std::io::Write::write_all(&mut keyboard, b"\x03").unwrap();
    wait_until("the interrupt", || read("").contains("int"));
    kill(Pid::from_raw(read(".molt").trim().parse().unwrap()), Signal::SIGTERM).unwrap();
    wait_until("the request to end", || read("").contains("term"));
    fs::write(format!("{out}.end"), "").unwrap();
    assert!(molt.wait().unwrap().success());
    assert_eq!(read(""), "int\nterm\n");
    assert_eq!(read(".record"), "SIGINT true; SIGTERM false; Code(0)");
}
