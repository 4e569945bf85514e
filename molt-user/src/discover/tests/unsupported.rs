//! Files of what molt does not trace, made from an interpreter that it does: they are looked at, and never run.

use super::*;

/// What is said of the file `bytes` under the name `name`.
fn refusal(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    match Inspector::default().inspect_file(&path).unwrap() {
        FileFinding::Unsupported(found) => {
            let sentence = found.to_string();
            let place = format!(" in {}; supported are CPython 3.8 to 3.15", path.display());
            sentence.strip_prefix("found ").unwrap().strip_suffix(&place).unwrap().to_owned()
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// The file of an interpreter that has the constant `Py_Version`, where that lies in it, and its name for itself.
fn interpreter() -> (Vec<u8>, usize, Option<Vec<u8>>) {
    let found = supported().find_map(|(path, _)| {
        let FileFinding::Python { build, path, .. } = Inspector::default().inspect_file(&path).unwrap()
        else {
            panic!("{} holds no Python", path.display());
        };
        let at = build.elf.file_offset_of(b"Py_Version")?;
        Some((fs::read(path).unwrap(), at.try_into().unwrap(), build.elf.linking.soname.clone()))
    });
    found.expect("no interpreter of 3.11 or later")
}

/// The same bytes with one text for another one of its length, wherever that stands.
fn with(bytes: &[u8], text: &[u8], other: &[u8]) -> Vec<u8> {
    assert_eq!(text.len(), other.len());
    let mut bytes = bytes.to_vec();
    let found: Vec<_> = (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
    for at in found {
        bytes[at..at + text.len()].copy_from_slice(other);
    }
    bytes
}

/// Versions on either side of those that are supported, by the constant in the file.
#[test]
fn names_the_version() {
    let (mut bytes, at, _) = interpreter();
    for (hex, version) in [(0x0307_10f0_u32, "3.7.16"), (0x0310_00a1, "3.16.0a1"), (0x0400_00f0, "4.0.0")] {
        bytes[at..at + 4].copy_from_slice(&hex.to_le_bytes());
        assert_eq!(refusal("python3", &bytes), format!("Python {version}"));
    }
}

/// PyPy by a name that its files have, and by what its library exports, whatever it is called.
#[test]
fn names_pypy() {
    let (bytes, ..) = interpreter();
    for name in ["pypy3.10", "libpypy3.10-c.so"] {
        assert_eq!(refusal(name, &bytes), "PyPy");
    }
    assert_eq!(refusal("python3", &with(&bytes, b"PyErr_BadArgument\0", b"pypy_main_startup\0")), "PyPy");
}

/// An interpreter of which neither content nor name tells the version; its name alone says as much as it does.
#[test]
fn says_that_a_version_is_unknown() {
    let (bytes, _, own_name) = interpreter();
    let mut bytes = bytes;
    let told = [&b"\0Py_Version\0"[..], b"\0Py_GetVersion\0", b"xdebugpy"];
    for text in told.into_iter().map(<[u8]>::to_vec).chain(own_name) {
        let mut other = text.clone();
        other[1] = b'X';
        bytes = with(&bytes, &text, &other);
    }
    assert_eq!(refusal("python3", &bytes), "a Python of unknown version");
    assert_eq!(refusal("interpreter", &bytes), "a Python of unknown version");
    assert_eq!(refusal("python3.7", &bytes), "Python 3.7");
}
