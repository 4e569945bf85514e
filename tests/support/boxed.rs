//! Programs in namespaces of their own, as a container engine makes them.
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::process::{Running, wait_for};
use super::pythons::{Interpreter, at_home, root};

/// Every namespace that a process can have to itself.
const ALL: [&str; 8] =
    ["--user", "--map-root-user", "--pid", "--mount", "--net", "--cgroup", "--ipc", "--uts"];

/// Makes the folder `$1` a root file system with the interpreter's folder `$2` at /python and the programs `$3` at
/// /app, and runs the rest in it. What binaries name by the interpreter's old place is found through a link.
const ENTER: &str = r#"
set -e
root=$1 home=$2 programs=$3
shift 3
mount -t tmpfs none "$root"
mkdir -p "$root/python" "$root/app" "$root/proc" "$root/old" "$root$(dirname "$home")"
mount --rbind "$home" "$root/python"
mount --rbind "$programs" "$root/app"
mount -t proc proc "$root/proc"
ln -s /python "$root$home"
if [ "$home" != /usr ]; then
    mkdir "$root/usr"
    mount --rbind /usr "$root/usr"
fi
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
cd "$root"
pivot_root . old
umount -l /old
cd /app
exec "$@"
"#;

/// A program that runs in a box.
#[derive(Debug)]
pub(crate) struct Boxed {
    /// What made the namespaces, and ends with the program.
    pub(crate) outside: Running,
    /// The program's id outside of the box.
    pub(crate) pid: u32,
}

/// Starts waits.py in namespaces and a root file system of its own, and waits until it works. Inside it is process 1,
/// and none of its paths leads anywhere outside.
pub(crate) fn start(python: &Interpreter, folder: &Path) -> Boxed {
    let mut home = python.path.parent().and_then(Path::parent).unwrap();
    if home != Path::new("/usr") && home.ends_with("usr") {
        // A whole root file system, unpacked from packages.
        home = home.parent().unwrap();
    }
    let mut command = Command::new("unshare");
    at_home(&mut command);
    command.env_remove("PYTHONPYCACHEPREFIX").env("PYTHONDONTWRITEBYTECODE", "1");
    command.args(ALL).args(["--fork", "sh", "-c", ENTER, "sh"]).arg(folder).arg(home);
    command.arg(root().join("tests/programs"));
    command.arg(Path::new("/python").join(python.path.strip_prefix(home).unwrap())).arg("/app/waits.py");
    let mut outside = Running::start(command.stdin(Stdio::piped()));
    wait_for("the boxed program to be ready", || {
        assert!(!outside.has_ended(), "{}", outside.stderr());
        outside.stdout().starts_with("ready 1\n").then_some(())
    });
    let children = format!("/proc/{0}/task/{0}/children", outside.pid());
    let pid = fs::read_to_string(children).unwrap().trim().parse().unwrap();
    Boxed { outside, pid }
}
