//! Signals and job control.

use super::*;

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
            target.forward(crate::launch::Signal { kind, from_terminal: false });
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

/// Whether no process could continue this process group once it is stopped: then the kernel does not let a
/// terminal's key stop it (`kernel/signal.c`). So it is under a service manager.
fn is_orphaned() -> bool {
    let stat = |pid| procfs::process::Process::new(pid).and_then(|process| process.stat()).unwrap();
    let own = stat(std::process::id().cast_signed());
    let mut process = own.clone();
    while process.pgrp == own.pgrp && process.ppid != 0 {
        process = stat(process.ppid);
        if process.pgrp != own.pgrp && process.session == own.session {
            return false;
        }
    }
    true
}

/// Stopped and continued by job control, as without molt, several times.
#[test]
fn job_control_stops_and_continues() {
    let target = start(&shell::<&str>("while :; do :; done", &[]));
    drop(next(&target));
    let by_key = if is_orphaned() { Signal::SIGSTOP } else { Signal::SIGTSTP };
    for stop in [by_key, Signal::SIGSTOP, by_key] {
        kill(target.pid, stop).unwrap();
        // It stands still twice: for its tracer before the signal is delivered, and then for good.
        let mut looks = 0;
        wait_until("a stop that stays", || {
            looks = if matches!(state(&target), 't' | 'T') { looks + 1 } else { 0 };
            looks == 20
        });
        kill(target.pid, Signal::SIGCONT).unwrap();
        wait_until("going on", || state(&target) == 'R');
    }
    kill(target.pid, Signal::SIGTERM).unwrap();
    assert!(matches!(run_to_end(&target).1, Ending::Signal { number: 15, .. }));
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
        .args(["--exact", "launch::tests::signals::terminal_process", "--ignored"])
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
