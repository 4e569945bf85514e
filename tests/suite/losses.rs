//! What cannot be kept or written is counted and said, and what is written is right all the same.
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use molt_mpa::model::{Artifact, EventKind};
use nix::sys::signal::Signal;

use super::attach::target;
use super::many::artifacts;
use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::{Running, run, wait_for};
use crate::support::pythons::{Interpreter, at_home};

/// molt stands still while its ring fills. Each sample that finds no room is counted, and with those that did they are
/// as many as the program's CPU time makes.
pub(crate) fn samples_that_find_the_ring_full_are_counted(python: &Interpreter) {
    const RATE: u64 = 9999;
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut deep = python.start();
    let target = Running::start(deep.arg("deep.py").env("MOLT_TEST_SECONDS", "60").stdin(Stdio::null()));
    let (pid, rate) = (target.pid().to_string(), RATE.to_string());
    let mut command = molt();
    command.args(["trace", "-v", "--mode", "sample", "-F", &rate, "--pid", &pid, "-o"]).arg(&output);
    let molt = Running::start(command.stdin(Stdio::null()));
    wait_for("the first sample", || molt.stderr().contains("first sample").then_some(()));
    molt.signal(Signal::SIGSTOP);
    let before = cpu_ticks(&target);
    // A second and a half, of which the ring holds a fraction.
    wait_for("the target to use the processor", || (cpu_ticks(&target) > before + 150).then_some(()));
    molt.signal(Signal::SIGCONT);
    thread::sleep(Duration::from_millis(500));
    molt.signal(Signal::SIGINT);
    molt.wait().succeeded();
    let Artifact { collector, events, symbols, .. } = read(&output);
    let seen = collector.samples.unwrap();
    assert!(seen.lost > 0 && seen.kept > 0, "{seen:?}");
    assert_eq!(seen.taken, seen.kept + seen.torn + seen.not_python + seen.lost, "{seen:?}");
    assert_eq!(collector.loss.get("ring_full"), Some(&seen.lost), "{:?}", collector.loss);
    let is_told = |what: &EventKind| matches!(what, EventKind::Loss { cause, count } if cause == "ring_full" && *count == seen.lost);
    assert!(events.iter().any(|event| is_told(&event.what)), "{events:?}");
    assert!(symbols.contains_key("__main__.bottom"), "{:?}", symbols.keys());
    let due = collector.overhead.unwrap().target_cpu_ms.unwrap().as_micros() * RATE / 1_000_000;
    assert!((due / 2..=due + due / 10).contains(&seen.taken), "{due} samples were due: {seen:?}");
}

/// Ticks of 10 ms for which a process has run by itself: `utime` of `/proc/PID/stat`.
fn cpu_ticks(process: &Running) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(11).unwrap().parse().unwrap()
}

/// The clock of the day is an hour ahead at every other look at it, and an hour behind between them. The date of an
/// artifact is what it says, and nothing else: its length and its events' times are those of a clock that goes on.
pub(crate) fn clock_that_is_set_changes_the_date_alone(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let [clock, out] = ["set_clock.so", "parts"].map(|name| folder.path().join(name));
    fs::create_dir(&out).unwrap();
    let mut compile = Command::new("cc");
    at_home(&mut compile);
    run(compile.args(["-shared", "-fPIC", "set_clock.c", "-ldl", "-o"]).arg(&clock)).succeeded();
    let target = target(python);
    let pid = target.pid().to_string();
    let mut command = molt();
    command.args(["trace", "--every", "400ms", "--duration", "1400ms", "--pid", &pid, "-o"]);
    let began = Instant::now();
    run(command.arg(out.join("{seq}.json")).env("LD_PRELOAD", &clock)).succeeded();
    let whole = u64::try_from(began.elapsed().as_micros()).unwrap();
    let parts = artifacts(&out);
    assert!(parts.len() >= 3, "{}", parts.len());
    for (_, part) in &parts {
        let length = part.header.run_metadata.duration_ms;
        assert!((1_000..whole).contains(&length.as_micros()), "{length:?} of {whole} µs");
        assert!(part.events.iter().all(|event| event.t_ms <= length), "{length:?}: {:?}", part.events);
        assert!(part.symbols.contains_key("__main__.work"), "{:?}", part.symbols.keys());
    }
    let dates: Vec<&str> = parts.iter().map(|(_, part)| part.header.created_at_utc.as_str()).collect();
    assert!(dates[0] > dates[1] && dates[1] < dates[2], "the clock was not set: {dates:?}");
}

/// A small disk of the run's own at `$1`, which a file fills. What is there in the end is copied to `$2`.
const FULL: &str = r#"
disk=$1 out=$2; shift 2
mount -t tmpfs -o size=4m none "$disk" || exit 99
head -c 8000000 /dev/zero > "$disk/filler" 2>/dev/null
"$@"; status=$?
cp "$disk"/* "$out"
exit $status
"#;

/// Of a long run the parts for which there is no room are lost, which is said. The run goes on, and the next for
/// which there is room again is written whole.
pub(crate) fn full_disk_costs_the_parts_that_it_has_no_room_for(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let [disk, out] = ["disk", "out"].map(|name| folder.path().join(name));
    for made in [&disk, &out] {
        fs::create_dir(made).unwrap();
    }
    let mut command = Command::new("unshare");
    at_home(&mut command);
    command.args(["--mount", "sh", "-c", FULL, "sh"]).args([&disk, &out]);
    command.arg(molt().get_program()).args(every(&disk.join("{seq}.json"), python)).arg("waits.py");
    let mut molt = Running::start(command.stdin(Stdio::piped()));
    wait_for("a part to be lost", || {
        assert!(!molt.has_ended(), "{}", molt.stderr());
        molt.stderr().contains("artifact 1 was not written").then_some(())
    });
    // As seen from inside of the mount namespace.
    let inside = Path::new("/proc").join(molt.pid().to_string()).join("root");
    let inside = inside.join(disk.strip_prefix("/").unwrap());
    fs::remove_file(inside.join("filler")).unwrap();
    wait_for("a part to be written", || {
        let mut names = fs::read_dir(&inside).unwrap().map(|entry| entry.unwrap().file_name());
        names.any(|name| name.to_string_lossy().ends_with(".json")).then_some(())
    });
    drop(molt.stdin());
    let ended = molt.wait().succeeded();
    assert!(ended.stdout.ends_with("done\n"));
    let parts = artifacts(&out);
    let number = |path: &Path| path.file_stem().unwrap().to_str().unwrap().parse::<usize>().unwrap();
    let numbers: Vec<usize> = parts.iter().map(|(path, _)| number(path)).collect();
    let lost = ended.stderr.matches("was not written").count();
    assert_eq!(numbers, (lost + 1..=lost + numbers.len()).collect::<Vec<_>>(), "{}", ended.stderr);
    assert!(parts[0].1.symbols.contains_key("__main__.work"), "{:?}", parts[0].1.symbols.keys());
}

/// The arguments of molt that let it write to `output` several times a second.
fn every(output: &Path, python: &Interpreter) -> Vec<std::ffi::OsString> {
    let traced = molt_trace(output, python);
    let mut arguments: Vec<_> = traced.get_args().map(ToOwned::to_owned).collect();
    arguments.splice(1..1, ["--every", "400ms"].map(Into::into));
    arguments
}
