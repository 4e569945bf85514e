use super::*;

// The default: equal strings stay equal, and each is counted under its category.
#[test]
fn hash_replaces_and_counts() {
    let mut redactor = Redactor::new(Policy::default(), None);
    let first = redactor.redact(Category::Argv, "--token=abc");
    assert_eq!(first, Sha256Hash::of(b"--token=abc").to_string());
    assert_eq!(redactor.redact(Category::DictKey, "--token=abc"), first);
    assert_eq!(redactor.redact_bytes(Category::Argv, b"\xff"), Sha256Hash::of(b"\xff").to_string());
    let summary = redactor.summary();
    assert_eq!(summary.policy, Policy::Hash);
    assert!(!summary.salted);
    assert_eq!(summary.counts, [("argv".to_owned(), 2), ("dict_key".to_owned(), 1)].into());
}

// Against Python: `hmac.new(b"salt\n", b"/etc/passwd", "sha256").hexdigest()`.
#[test]
fn salted_hash_is_an_hmac_keyed_with_every_byte_of_the_salt() {
    let mut redactor = Redactor::new(Policy::Hash, Some(Salt::new(b"salt\n").unwrap()));
    assert_eq!(
        redactor.redact(Category::Path, "/etc/passwd"),
        "sha256:3bb881f229a82eefc235935956868fd52a24f16a2dfa8a95a3eddf2017bac2a8"
    );
    assert!(redactor.summary().salted);
    assert!(!format!("{redactor:?}").contains("115"), "the salt's bytes are shown");
}

// Nothing of the text remains, not even whether two are equal.
#[test]
fn drop_replaces_everything_by_one_text() {
    let mut redactor = Redactor::new(Policy::Drop, Some(Salt::new(b"x").unwrap()));
    assert_eq!(redactor.redact(Category::EnvValue, "a"), "<redacted>");
    assert_eq!(redactor.redact(Category::EnvValue, ""), "<redacted>");
    let summary = redactor.summary();
    assert!(!summary.salted, "nothing was hashed");
    assert_eq!(summary.counts, [("env_value".to_owned(), 2)].into());
}

// What was not replaced is not counted as replaced.
#[test]
fn none_keeps_and_counts_nothing() {
    let mut redactor = Redactor::new(Policy::None, None);
    assert_eq!(redactor.redact(Category::AuditArgument, "größe"), "größe");
    assert_eq!(redactor.redact_bytes(Category::Argv, b"a\xffb"), "a\u{fffd}b");
    assert!(redactor.summary().counts.is_empty());
}

// An empty file would otherwise look like protection.
#[test]
fn an_empty_salt_is_refused() {
    assert_eq!(Salt::new(b"").unwrap_err(), EmptySalt);
}

// Names of the program's text are kept, whatever letters they have; other attributes hold data.
#[test]
fn attributes_are_kept_unless_they_are_no_names() {
    let mut redactor = Redactor::new(Policy::Drop, None);
    for name in ["a", "_A1", "__init__", "\u{3bb}"] {
        assert_eq!(redactor.attribute(name), name);
    }
    for data in ["", "1", "/o\\", "Content-Type", "two words"] {
        assert_eq!(redactor.attribute(data), DROPPED);
    }
    assert_eq!(redactor.summary().counts["dict_key"], 5);
}
