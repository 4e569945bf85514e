//! What is told of processes and files as such.

use super::*;
use crate::discover::parents;
use std::time::SystemTime;

/// User, folder, command and chosen variables of a process; its namespaces are those of the test.
#[test]
fn describes_a_process() {
    let (path, _) = supported().next().unwrap();
    let mut command = Command::new(path);
    command.current_dir("/tmp").env("PYTHONHASHSEED", "7").env("SECRET", "x").arg0("renamed");
    let running =
        Running::start(command.args(["-c", "import sys; print(1); sys.stdout.flush(); sys.stdin.read()"]));
    let process = Process::read(running.pid()).unwrap();
    assert_eq!(process.uid, nix::unistd::geteuid().as_raw());
    assert_eq!(process.parent, i32::try_from(std::process::id()).unwrap());
    assert_eq!(process.cwd.as_deref(), Some(Path::new("/tmp")));
    assert_eq!(process.command[0], "renamed");
    assert!(process.environment.contains(&("PYTHONHASHSEED".into(), "7".into())));
    assert!(process.environment.iter().all(|(name, _)| name != "SECRET"));
    let namespaces = process.namespaces.unwrap();
    assert!(namespaces.pid && namespaces.mnt && namespaces.user);
    assert!(process.is_alive());
    drop(running);
    assert!(!process.is_alive());
    assert_eq!(parents().get(&std::process::id()), Some(&std::os::unix::process::parent_id()));
}

/// A process's start, between the moment before it and the one after, but for a tick of 10 ms.
#[test]
fn tells_when_a_process_started() {
    let before = SystemTime::now();
    let mut sleep = Command::new("/bin/sleep").arg("60").spawn().unwrap();
    let started = Process::read(sleep.id().try_into().unwrap()).unwrap().started().unwrap();
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    let (early, after) = (before - Duration::from_millis(11), SystemTime::now());
    assert!((early..=after).contains(&started), "{started:?} is not in {early:?}..={after:?}");
}

/// No process, a process that has ended and was not waited for, and a kernel thread: each has its error.
#[test]
fn refuses_what_is_no_running_program() {
    assert!(matches!(Process::read(i32::MAX), Err(DiscoverError::NoSuchProcess { .. })));
    let mut zombie = Command::new("/bin/true").stdout(Stdio::piped()).spawn().unwrap();
    std::io::Read::read(zombie.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let pid = zombie.id().try_into().unwrap();
    while !matches!(Process::read(pid), Err(DiscoverError::Vanished { .. })) {
        std::thread::yield_now();
    }
    zombie.wait().unwrap();
    assert!(matches!(Process::read(pid), Err(DiscoverError::NoSuchProcess { .. })));
    // In a container there may be no kernel thread to be seen.
    if fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
        assert!(matches!(Process::read(2), Err(DiscoverError::KernelThread { .. })));
    }
}

/// Scripts, links to scripts, folders, pipes and other files, by path.
#[test]
fn tells_what_a_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("tool");
    fs::write(&script, "#! /usr/bin/env python3\nprint()\n").unwrap();
    let link = folder.path().join("link");
    symlink(&script, &link).unwrap();
    let mut inspector = Inspector::default();
    for path in [script, link] {
        let FileFinding::Script { interpreter } = inspector.inspect_file(&path).unwrap() else {
            panic!("a script was not recognised");
        };
        assert_eq!(interpreter, "/usr/bin/env python3");
    }
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for path in [folder.path(), &pipe, Path::new("/bin/true"), Path::new("/etc/passwd")] {
        assert!(matches!(inspector.inspect_file(path), Ok(FileFinding::NotPython)), "{}", path.display());
    }
    assert!(matches!(inspector.inspect_file(Path::new("/nonexistent")), Err(DiscoverError::Read { .. })));
}
