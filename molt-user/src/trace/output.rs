//! Names of artifacts: what stands for a process and for a number in the name that was asked for.

use std::path::{Path, PathBuf};

/// Stands for the id of the process that an artifact is about.
pub const PID: &str = "{pid}";
/// Stands for the artifact's number in a run that writes many, in four digits or more, from 0001.
pub const SEQUENCE: &str = "{seq}";

/// Whether `word` stands in the name.
pub fn names(template: &Path, word: &str) -> bool {
    template.to_str().is_some_and(|text| text.contains(word))
}

/// The name of an artifact.
pub(super) fn name(template: &Path, pid: &str, sequence: u64) -> PathBuf {
    match template.to_str() {
        Some(text) => text.replace(PID, pid).replace(SEQUENCE, &format!("{sequence:04}")).into(),
        None => template.to_owned(),
    }
}

/// The same, with a number behind the id where it is taken: a process id may come again.
pub(super) fn further(
    template: &Path,
    pid: i32,
    sequence: u64,
    mut is_free: impl FnMut(&PathBuf) -> bool,
) -> PathBuf {
    let first = name(template, &pid.to_string(), sequence);
    if is_free(&first) || !names(template, PID) {
        return first;
    }
    let further = (2..=u64::MAX).map(|number| name(template, &format!("{pid}.{number}"), sequence));
    further.into_iter().find(is_free).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::{further, name};
    use std::path::{Path, PathBuf};

    /// Names sort as time goes; without words for them the name is taken as it is.
    #[test]
    fn names_tell_process_and_number() {
        let template = Path::new("/tmp/{pid}/molt-{pid}-{seq}.json");
        assert_eq!(name(template, "12", 3), Path::new("/tmp/12/molt-12-0003.json"));
        assert_eq!(name(Path::new("out.json"), "12", 3), Path::new("out.json"));
    }

    /// Of two processes that had one id neither takes the other's file.
    #[test]
    fn an_id_that_comes_again_has_a_number() {
        let taken = ["7.json", "7.2.json"].map(PathBuf::from);
        let path = further(Path::new("{pid}.json"), 7, 1, |path| !taken.contains(path));
        assert_eq!(path, Path::new("7.3.json"));
    }
}
