//! The hook sites, in programs that run: as many hits as there are calls.
use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use molt_user::cpython::layout::Layout;
use molt_user::cpython::sites::{HookSites, find_sites};
use molt_user::cpython::version::Version;
use molt_user::discover::elf::Elf;

use crate::support::counter::Counter;
use crate::support::process::{Running, wait_for};
use crate::support::pythons::Interpreter;

/// Calls of each kind in `known_calls.py`.
const N: u64 = 10_000;
/// Hits beyond the calls, of 50,000: a handler may go on in that of another opcode of its family.
const EXTRA: u64 = 100;
/// Returns of nested functions that the kernel keeps track of (`MAX_URETPROBE_DEPTH`,
/// `include/linux/uprobes.h`); `recurse` and `work` are 101 deep.
const RETPROBE_DEPTH: u64 = 64;

/// Each start of a function and each resume passes an entry site, each end of a frame the exit, and each frame
/// that an exception leaves or is handled in passes `PyTraceBack_Here`; nothing else does.
pub(crate) fn hook_sites_see_every_call(python: &Interpreter) {
    let sites = sites(python);
    let mut target = Running::start(
        python.start().args(["-S", "-E", "known_calls.py", &N.to_string()]).stdin(Stdio::piped()),
    );
    wait_for("the target to be ready", || target.stdout().contains("ready").then_some(()));
    let pid = target.pid();
    let count = |offset, returns| Counter::start(pid, &python.binary, offset, returns);
    let mut entry: Vec<Counter> = sites.entry.iter().map(|site| count(site.file_offset, false)).collect();
    let exit = sites.exit.unwrap();
    let mut exit = count(exit.file_offset, exit.frame_argument.is_none());
    let mut raised = count(sites.trace_back_here.unwrap(), false);
    let mut input = target.stdin().unwrap();
    input.write_all(b"1").unwrap();
    wait_for("the target to have called", || {
        assert!(!target.has_ended(), "{}", target.stderr());
        target.stdout().contains("done").then_some(())
    });
    let entries: Vec<u64> = entry.iter_mut().map(Counter::read).collect();
    let (exits, raised) = (exit.read(), raised.read());

    // plain twice N, from Python and from C; produce N + 1, N of them resumes; recurse N; fail N; work.
    let starts = 5 * N + 2;
    let seen: u64 = entries.iter().sum();
    assert!(
        (starts..=starts + EXTRA).contains(&seen),
        "{starts} starts and resumes, entry sites {entries:?}"
    );
    // Up to 3.10 a generator's frame returns at each yield as well.
    let ends = if python.minor() <= 10 { starts } else { 4 * N + 2 };
    let unseen = match python.minor() {
        ..=10 => N / 100 * (101 - RETPROBE_DEPTH),
        // Debian's compiler made a copy of the function, for the frames that C code calls.
        11 if python.name == "system-3.11" => N,
        _ => 0,
    };
    assert!((ends - unseen..=ends - unseen + EXTRA).contains(&exits), "{ends} ends, exit site {exits}");
    assert_eq!(raised, 2 * N, "frames with an exception, PyTraceBack_Here");
    input.write_all(b"1").unwrap();
    target.wait().succeeded();
}

fn sites(python: &Interpreter) -> HookSites {
    let version = Version::release(3, python.minor(), 0);
    let layout = Layout::of(version, python.free_threaded).unwrap();
    let elf = Elf::parse(File::open(&python.binary).unwrap()).unwrap();
    find_sites(&elf, version, &layout).unwrap_or_else(|error| panic!("{}: {error}", python.name))
}
