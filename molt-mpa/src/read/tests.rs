use super::*;
use crate::tests::full::full;

fn error_of(text: &[u8]) -> ReadError {
    from_slice(text).unwrap_err()
}

// The version is looked at before anything else, so that the refusal says what matters.
#[test]
fn refuses_another_version_by_its_name() {
    let error = error_of(br#"{"modules": 7, "molt_profile_version": "0.2"}"#);
    assert_eq!(error.to_string(), "artifact has version \"0.2\", this reader knows \"0.1\"");
    let long = format!(r#"{{"molt_profile_version": "{}"}}"#, "9".repeat(10_000));
    assert!(error_of(long.as_bytes()).to_string().len() < 100);
}

// JSON that is something else is told from a broken artifact.
#[test]
fn refuses_json_without_a_version() {
    for text in
        ["{}", "[]", "7", "null", r#"{"molt_profile_version": 0.1}"#, r#"{"molt_profile_version": null}"#]
    {
        assert!(matches!(error_of(text.as_bytes()), ReadError::NoVersion), "{text}");
    }
}

// Cut, empty and binary files, and nesting that would overflow a stack.
#[test]
fn refuses_what_is_not_json() {
    let whole = serde_json::to_vec(&full()).unwrap();
    let deep = [b"{\"molt_profile_version\":\"0.1\",\"x\":".as_slice(), &b"[".repeat(100_000)].concat();
    for text in [b"".as_slice(), b"\xff\xfe", b"\0", &whole[..whole.len() - 1], &deep] {
        assert!(matches!(error_of(text), ReadError::Json(_)), "{} bytes", text.len());
    }
}

// A key of the wrong kind is an error with a line and a column, never a default.
#[test]
fn refuses_a_wrong_shape() {
    for (pointer, wrong) in [
        ("/created_at_utc", Value::Null),
        ("/run_metadata/duration_ms", (-1).into()),
        ("/run_metadata/env_fingerprint", "sha256:0".into()),
        ("/collector/loss", "none".into()),
        ("/call_sites/0/line", (1_u64 << 40).into()),
        ("/call_sites/0/observation", "guessed".into()),
        ("/hotspots/0/score", "0.5".into()),
        ("/events/0/kind", "party".into()),
    ] {
        let mut value = serde_json::to_value(full()).unwrap();
        *value.pointer_mut(pointer).unwrap() = wrong;
        assert!(matches!(error_of(value.to_string().as_bytes()), ReadError::Shape(_)), "{pointer}");
    }
}

// A device that never ends is read up to the limit and no further.
#[cfg(target_os = "linux")]
#[test]
fn an_endless_file_is_refused() {
    assert!(matches!(read_file(Path::new("/dev/zero")), Err(ReadError::TooLarge)));
    assert!(matches!(read_file(Path::new("/nowhere/x.json")), Err(ReadError::Io(_))));
}
