//! Who runs what: without privileges, through sudo, and with `--user`.
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::run;
use crate::support::pythons::{Interpreter, at_home, root};

/// A user who owns nothing and may do nothing: `nobody`.
pub(crate) const NOBODY: u32 = 65534;

/// Whether other users than root can reach and run the interpreter.
pub(crate) fn is_for_everyone(python: &Interpreter) -> bool {
    let mut command = as_nobody();
    command.arg(&python.path).args(["-c", "pass"]);
    command.output().is_ok_and(|output| output.status.success())
}

/// A command line that runs what follows as a user without privileges.
pub(crate) fn as_nobody() -> Command {
    let mut command = Command::new("setpriv");
    let nobody = NOBODY.to_string();
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]);
    at_home(&mut command);
    command.current_dir("/");
    command
}

/// A folder that everyone may write to, with a copy of the program that everyone can reach.
pub(crate) fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::copy(root().join("tests/programs/ends.py"), folder.path().join("ends.py")).unwrap();
    folder
}

/// Without privileges for what is insisted on, molt says which capability is missing and what to type, and starts
/// nothing.
pub(crate) fn without_privileges_the_target_is_not_started(_: &Interpreter) {
    let folder = open_folder();
    let copy = folder.path().join("molt");
    fs::copy(molt().get_program(), &copy).unwrap();
    let mark = folder.path().join("mark");
    let output = folder.path().join("profile.json");
    for insisting in [["--backend", "ebpf"], ["--mode", "exact"]] {
        let mut command = as_nobody();
        command.arg(&copy).arg("trace").args(insisting).arg("-o").arg(&output);
        let ended = run(command.args(["--", "touch"]).arg(&mark));
        assert_eq!(ended.code(), 125, "{}", ended.stderr);
        assert!(ended.stderr.contains("CAP_") && ended.stderr.contains("sudo"), "{}", ended.stderr);
        assert!(!mark.exists() && !output.exists());
    }
    let doctor = run(as_nobody().arg(&copy).arg("doctor"));
    assert_eq!(doctor.code(), 1, "{}{}", doctor.stdout, doctor.stderr);
    assert!(doctor.stdout.contains("CAP_"), "{}{}", doctor.stdout, doctor.stderr);
}

/// What sudo tells molt of its caller decides who runs the target and who owns the file.
pub(crate) fn through_sudo_the_target_runs_as_the_caller(python: &Interpreter) {
    let caller = NOBODY.to_string();
    let owner = nobody_runs(python, |command| {
        command.env("SUDO_UID", &caller).env("SUDO_GID", &caller).env("SUDO_USER", "nobody");
    });
    assert_eq!(owner, (NOBODY, NOBODY));
}

/// `--user` says who runs the target.
pub(crate) fn user_option_changes_the_target_user(python: &Interpreter) {
    nobody_runs(python, |command| {
        command.args(["--user", &format!("{NOBODY}:{NOBODY}")]);
    });
}

/// Traces a program that must find itself run by nobody. User and group that the file belongs to.
fn nobody_runs(python: &Interpreter, identify: impl FnOnce(&mut Command)) -> (u32, u32) {
    assert!(is_for_everyone(python), "no interpreter can be run by other users than root");
    let folder = open_folder();
    let output = folder.path().join("profile.json");
    let traced = molt_trace(&output, python);
    let arguments: Vec<_> = traced.get_args().collect();
    let (own, target) = arguments.split_at(arguments.iter().position(|word| *word == "--").unwrap());
    let mut command = molt();
    command.args(own);
    identify(&mut command);
    command
        .args(target)
        .args(["ends.py", "owner"])
        .current_dir(folder.path())
        .env_remove("PYTHONPYCACHEPREFIX");
    let ended = run(&mut command).succeeded();
    assert!(ended.stdout.starts_with(&format!("{NOBODY} {NOBODY} ")), "{}", ended.stdout);
    // Root's groups would give the target what its user may not have.
    assert!(!ended.stdout.contains("[0") && !ended.stdout.contains(" 0"), "{}", ended.stdout);
    read(&output);
    let metadata = fs::metadata(&output).unwrap();
    (metadata.uid(), metadata.gid())
}
