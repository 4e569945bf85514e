//! Whether a test may be left out for want of something: not where `MOLT_LIVE=require` says that all is there.

/// Whether whatever is missing is a failure.
pub(crate) fn is_required() -> bool {
    std::env::var("MOLT_LIVE").is_ok_and(|value| value == "require")
}

/// Says what a test goes without; fails where nothing may be missing.
#[track_caller]
pub(crate) fn leave_out(missing: &str) {
    assert!(!is_required(), "missing: {missing}");
    eprintln!("left out for want of: {missing}");
}
