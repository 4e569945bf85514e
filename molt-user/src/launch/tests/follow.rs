//! What is followed beyond the main thread, and what happens when molt dies.

use super::*;

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
        .args(["--exact", "launch::tests::follow::launching_process", "--ignored"])
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
                Event::Paused(_) => "paused",
                Event::Exiting(_) => "exiting",
                Event::Ended(_) => "ended",
                Event::ExecFailed(_) => "failed",
            });
        }
    }
    assert_eq!(names, ["exec", "exiting", "ended"]);
    wait_until("silence", || target.next_event().is_none() && !readable(&target, PollTimeout::ZERO));
    target.forward(crate::launch::Signal { kind: Signal::SIGTERM, from_terminal: false });
}
