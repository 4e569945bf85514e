//! `molt validate` on files that are right, wrong, and not there.
use std::fs;
use std::time::UNIX_EPOCH;

use molt_mpa::ids;
use molt_mpa::model::{
    Arch, Artifact, Backend, Collector, Header, Mode, Os, Platform, RunMetadata, Section, SectionState,
};
use molt_mpa::redact::{Policy, Redactor};
use molt_mpa::write::write_file;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{molt, run, text};

/// An artifact without observations, as a file.
fn sound() -> (TempDir, String) {
    let run_metadata = RunMetadata {
        entrypoint: "app.py".to_owned(),
        argv: Vec::new(),
        env_fingerprint: ids::env_fingerprint([("TZ", "UTC")]),
        inputs_fingerprint: ids::inputs_fingerprint([("app.py", ids::Sha256Hash::of(b"print(1)\n"))]),
        duration_ms: std::time::Duration::from_millis(5).into(),
        gc: None,
    };
    let platform = Platform { os: Os::Linux, arch: Arch::X86_64 };
    let mut collector = Collector::new(Backend::Ebpf, Mode::Sample);
    for section in Section::ALL {
        collector.set(section, SectionState::unavailable("nothing was observed"));
    }
    let mut artifact =
        Artifact::new(Header::cpython("3.13.5", platform, run_metadata, UNIX_EPOCH), collector);
    artifact.redactions = Redactor::new(Policy::Hash, None).summary();
    artifact.normalize();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.json");
    write_file(&artifact, &path, None).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// Changes a sound file. Its status, and what validate says of it.
fn changed(change: impl FnOnce(&mut Value)) -> (Option<i32>, String) {
    let (_folder, path) = sound();
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(&path, value.to_string()).unwrap();
    let output = run(&mut molt(&["validate", &path]));
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

/// A sound file is 0.
#[test]
fn sound_file_is_clean() {
    let (_folder, path) = sound();
    let output = run(&mut molt(&["validate", &path]));
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// A fault is 1, and named by its path in the file.
#[test]
fn fault_is_named_by_its_place() {
    let (status, said) = changed(|value| value["run_metadata"]["duration_ms"] = json!(-1));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(".run_metadata.duration_ms"), "{said}");
    let site = json!({"id": "sha256:0", "file": "a.py", "line": 1, "caller": "nobody", "observation": "sampled",
                      "targets": []});
    let (status, said) = changed(|value| value["call_sites"] = json!([site]));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(".call_sites[0]"), "{said}");
    let (status, said) =
        changed(|value| value["modules"]["app"] = json!({"kind": "py", "file": "/home/me/app.py"}));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(".modules"), "{said}");
}

/// What is not there, not JSON, or of another format could not be checked: 2.
#[test]
fn file_that_cannot_be_checked_is_status_two() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.json");
    let path = path.to_str().unwrap();
    for content in
        [None, Some("{\"molt_profile_version\": \"0.1\""), Some("[1]"), Some(""), Some("\u{0}\u{1}")]
    {
        if let Some(content) = content {
            fs::write(path, content).unwrap();
        }
        let output = run(&mut molt(&["validate", path]));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{content:?}: {said}");
        assert!(said.contains("file.json"), "{content:?}: {said}");
    }
    let (status, said) = changed(|value| value["molt_profile_version"] = json!("9.0"));
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("9.0"), "{said}");
}

/// Of several files the worst decides, and each is looked at.
#[test]
fn worst_of_several_files_decides() {
    let (_folder, path) = sound();
    let output = run(&mut molt(&["validate", "absent.json", &path]));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("absent.json"));
    assert!(text(&output.stdout).contains("profile.json"));
}
