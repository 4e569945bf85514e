//! From the fork to the exit.

use super::*;

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
    let environment = |pid: &str| fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    assert!(environment("self").contains("PATH="), "there is something to compare");
    assert_eq!(environment(&target.pid().to_string()), environment("self"));
    for stream in 0..3 {
        let of = |pid: &str| fs::read_link(format!("/proc/{pid}/fd/{stream}")).unwrap();
        assert_eq!(of(&target.pid().to_string()), of("self"));
    }
    let descriptors = fs::read_dir(format!("/proc/{}/fd", target.pid())).unwrap().count();
    let inherited = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(descriptors <= inherited, "{descriptors} of {inherited}");
    kill(target.pid, Signal::SIGKILL).unwrap();
}
