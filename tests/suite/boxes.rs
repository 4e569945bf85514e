//! Containers without a container engine: the target in one, and molt in one.
use std::path::Path;
use std::process::{Command, Stdio};

use molt_mpa::model::{Backend, Origin, Section, Status};

use crate::support::artifact::{molt, read};
use crate::support::boxed;
use crate::support::process::{Running, run, wait_for};
use crate::support::pythons::{Interpreter, at_home};

use super::attach::samples;

/// The program's files are read through its own root, its ids and its threads' are those of molt's namespace.
pub(crate) fn target_in_namespaces_of_its_own_is_traced(python: &Interpreter) {
    attaches_to_a_box(python, &["--backend", "ebpf"], Backend::Ebpf);
}

/// The same without eBPF: threads are found by the ids that the program itself knows.
pub(crate) fn target_in_namespaces_of_its_own_is_sampled(python: &Interpreter) {
    attaches_to_a_box(python, &["--backend", "procmem"], Backend::Procmem);
}

fn attaches_to_a_box(python: &Interpreter, options: &[&str], backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let inside = folder.path().join("root");
    std::fs::create_dir(&inside).unwrap();
    let mut target = boxed::start(python, &inside);
    let pid = target.pid.to_string();
    let mut command = molt();
    command.args(["trace", "-F", "499", "--duration", "300ms", "--pid", &pid]).args(options);
    run(command.arg("-o").arg(&output)).succeeded();
    let artifact = read(&output);
    assert_eq!(artifact.collector.backend, backend);
    assert_eq!(artifact.header.python_version, python.version);
    assert_eq!(artifact.hotspots.first().map(|hotspot| hotspot.symbol.as_str()), Some("__main__.work"));
    assert!(artifact.call_sites.iter().any(|site| site.file == "waits.py"), "{:?}", artifact.call_sites);
    let main = &artifact.modules["__main__"];
    assert!(main.origin == Some(Origin::App) && main.source_sha256.is_some(), "{main:?}");
    drop(target.outside.stdin());
    assert!(target.outside.wait().succeeded().stdout.ends_with("done\n"));
}

/// What a pod gives its containers: ids of its own, files that cannot be written but for a volume, and no tracefs.
const POD: &str = r#"
set -e
mount -t tmpfs none "$1"
shift
for folder in /sys/kernel/debug /sys/kernel/tracing; do
    mount -t tmpfs none "$folder"
done
mount -o remount,bind,ro /
exec "$@"
"#;

/// A command in a pod whose volume is the folder.
fn in_a_pod(volume: &Path) -> Command {
    let mut command = Command::new("unshare");
    at_home(&mut command);
    command.env_remove("PYTHONPYCACHEPREFIX").env("PYTHONDONTWRITEBYTECODE", "1");
    command.args(["--pid", "--fork", "--mount", "--mount-proc", "sh", "-c", POD, "sh"]).arg(volume);
    command
}

/// Runs molt beside the program, hands its artifact out of the pod, and ends with its status. `$1` is the capabilities,
/// `$2` the volume, `$3` molt, `$4` Python.
const SIDECAR: &str = r#"
setpriv --inh-caps=-all,$1 --bounding-set=-all,$1 --no-new-privs "$3" trace --mode exact \
    --wait-for python --wait-for-cmdline waits.py --timeout 60s -o "$2/profile.json" 2>"$2/said" &
"$4" waits.py >/dev/null
wait $!
status=$?
cat "$2/said" >&2
cat "$2/profile.json"
exit $status
"#;

/// molt waits for the program beside it, sees its calls with three capabilities and no file to write but its own, and
/// ends when it ends.
pub(crate) fn sidecar_needs_three_capabilities(python: &Interpreter) {
    for capabilities in ["+bpf,+perfmon,+sys_ptrace", "+sys_admin,+sys_ptrace"] {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("volume");
        std::fs::create_dir(&volume).unwrap();
        let mut command = in_a_pod(&volume);
        command.args(["sh", "-c", SIDECAR, "sh", capabilities]).arg(&volume);
        command.arg(molt().get_program()).arg(&python.path);
        let mut pod = Running::start(command.stdin(Stdio::piped()));
        let sidecar = wait_for("molt to sample", || {
            assert!(!pod.has_ended(), "{}", pod.stderr());
            let ours = |pid: &i32| {
                std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains("(molt)"))
            };
            descendants(pod.pid().as_raw()).into_iter().filter(ours).find(|pid| samples(*pid).is_some())
        });
        wait_for("molt to have attached everything", || is_at_rest(sidecar).then_some(()));
        drop(pod.stdin());
        let ended = pod.wait().succeeded();
        assert!(!Path::new("/proc").join(sidecar.to_string()).exists());
        let output = folder.path().join("profile.json");
        std::fs::write(&output, &ended.stdout).unwrap();
        let artifact = read(&output);
        assert_eq!(artifact.collector.backend, Backend::Ebpf, "{}", ended.stderr);
        assert!(artifact.call_counts.contains_key("__main__.work"), "{}", ended.stderr);
        let section = &artifact.collector.sections[Section::CallCounts.name()];
        assert_eq!(section.status, Status::Partial, "{section:?}");
    }
}

/// Runs molt for every Python of the pod while a program works, and hands its first artifact out.
const NODE: &str = r#"
"$4" recursion.py >/dev/null &
setpriv --inh-caps=-all,$1 --bounding-set=-all,$1 --no-new-privs "$3" trace --mode sample -F 499 --all-python \
    --every 1s --split --duration 2s -o "$2/molt-{pid}-{seq}.json" || exit
cat "$2"/molt-*-0001.json
"#;

/// What the manifest for every node gives molt is enough for it.
pub(crate) fn node_is_watched_with_five_capabilities(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let volume = folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    let mut command = in_a_pod(&volume);
    let capabilities = "+bpf,+perfmon,+sys_ptrace,+checkpoint_restore,+dac_read_search";
    command.args(["sh", "-c", NODE, "sh", capabilities]).arg(&volume).arg(molt().get_program());
    let ended = run(command.arg(&python.path).env("MOLT_TEST_SECONDS", "30")).succeeded();
    let output = folder.path().join("profile.json");
    std::fs::write(&output, &ended.stdout).unwrap();
    assert!(read(&output).symbols.contains_key("__main__.fib"), "{}", ended.stderr);
}

/// Whether a process sleeps for a tenth of a second but for moments: it does not load programs any more.
pub(super) fn is_at_rest(pid: i32) -> bool {
    let asleep = |_: &i32| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") S "))
    };
    (0..20).filter(asleep).count() >= 18
}

/// A process's children and theirs.
fn descendants(pid: i32) -> Vec<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = text.split_whitespace().filter_map(|child| child.parse().ok());
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

/// A program that never comes is waited for no longer than was said.
pub(crate) fn wait_that_is_in_vain_ends(_: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut command = molt();
    command.args(["trace", "--wait-for", "python", "--wait-for-cmdline", "no such program", "--timeout"]);
    let ended = run(command.args(["200ms", "-o"]).arg(&output)).with_code(125);
    assert!(ended.stderr.contains("200ms in vain for a process that runs Python"), "{}", ended.stderr);
    assert!(ended.stderr.contains("shareProcessNamespace"), "{}", ended.stderr);
    assert!(!output.exists());
}
