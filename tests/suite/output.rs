//! Where the artifact goes, and what happens where it cannot.
use std::fs;
use std::process::Command;

use molt_mpa::model::Artifact;

use crate::support::artifact::{molt, molt_trace};
use crate::support::process::run;
use crate::support::pythons::{Interpreter, at_home};

/// `-o -` writes the artifact, and nothing else of molt's, to standard output.
pub(crate) fn artifact_goes_to_standard_output(python: &Interpreter) {
    let ended = run(molt_trace("-".as_ref(), python).args(["-c", "pass"])).succeeded();
    let artifact: Artifact = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(artifact.header.python_version, python.version);
    assert_eq!(artifact.header.run_metadata.entrypoint, "-c");
}

/// A place that cannot be written to is found out before the target starts.
pub(crate) fn output_is_tried_before_the_target_starts(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let is_folder = folder.path().to_str().unwrap();
    for (output, named) in
        [("absent/profile.json", "absent"), ("/proc/profile.json", "/proc"), (is_folder, is_folder)]
    {
        let ended = run(molt_trace(output.as_ref(), python).args(["ends.py", "mark"]).arg(&mark));
        assert_eq!(ended.code(), 125, "{output}: {}", ended.stderr);
        assert!(ended.stderr.contains(named), "{}", ended.stderr);
        assert!(!mark.exists(), "the target ran, though {output} cannot be written");
    }
}

/// A disk that fills up leaves the old file as it was. The disk is a small one in memory, in a mount
/// namespace of its own.
pub(crate) fn full_disk_keeps_the_old_file(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        disk=$1; shift
        mount -t tmpfs -o size=16k none "$disk" && echo old > "$disk/profile.json" || exit 99
        "$@" > /dev/null; echo "status $?"
        cat "$disk/profile.json"; ls -A "$disk"
    "#;
    let mut command = Command::new("unshare");
    at_home(&mut command);
    let traced = molt_trace(&folder.path().join("profile.json"), python);
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(folder.path());
    command.arg(molt().get_program()).args(traced.get_args()).arg("tour.py");
    let ended = run(&mut command).succeeded();
    assert_eq!(ended.stdout, "status 125\nold\nprofile.json\n", "{}", ended.stderr);
    assert!(ended.stderr.contains("profile.json"), "{}", ended.stderr);
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "the disk was mounted for everyone");
}
