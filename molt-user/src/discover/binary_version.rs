//! Which CPython a file holds, told by its content.

use super::elf::{Elf, Symbol};
use crate::cpython::version::Version;

/// The head of `_Py_DebugOffsets`: cookie, version, free-threaded, 8 bytes each
/// (`Include/internal/pycore_debug_offsets.h`, 3.13 and later).
const DEBUG_OFFSETS_HEAD: usize = 24;
const DEBUG_OFFSETS_COOKIE: &[u8; 8] = b"xdebugpy";
/// How much of `Py_GetVersion` is searched, in bytes. It has 61 in gcc's builds without optimisation across files.
const CODE_BYTES: usize = 256;
/// Longest text of a version: `3.10.13rc12+` and its NUL fit.
const VERSION_BYTES: usize = 16;

/// What a version was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionSource {
    /// The constant `Py_Version` (3.11 and later).
    Constant,
    /// `_Py_DebugOffsets` at the start of `_PyRuntime` (3.13 and later).
    DebugOffsets,
    /// The text that `Py_GetVersion` prints.
    Text,
    /// The file's name, or the name that the file gives itself. The third number is unknown and stands as 0.
    FileName,
}

/// The version that the file's content tells.
pub(super) fn find_version(elf: &Elf) -> Option<(Version, VersionSource)> {
    read_constant(elf)
        .map(|version| (version, VersionSource::Constant))
        .or_else(|| read_debug_offsets(elf).map(|(version, _)| (version, VersionSource::DebugOffsets)))
        .or_else(|| {
            find_text(elf, elf.find_symbol(b"Py_GetVersion")?).map(|version| (version, VersionSource::Text))
        })
}

/// Version and free-threading as `_Py_DebugOffsets` in the file's data tell them.
pub(super) fn read_debug_offsets(elf: &Elf) -> Option<(Version, bool)> {
    let runtime = find_runtime(elf)?;
    let mut head = [0; DEBUG_OFFSETS_HEAD];
    let (cookie, rest) = elf.read_address(runtime, &mut head)?.split_first_chunk()?;
    let (version, free_threaded) = rest.split_first_chunk()?;
    (cookie == DEBUG_OFFSETS_COOKIE).then_some(())?;
    let hex = u64::from_le_bytes(*version).try_into().ok()?;
    Some((Version { hex }, u64::from_le_bytes(free_threaded.try_into().ok()?) != 0))
}

/// The address of `_PyRuntime` before the load bias. From 3.10 on it has a section of its own
/// (`Python/pylifecycle.c`).
pub(super) fn find_runtime(elf: &Elf) -> Option<u64> {
    let symbol = elf.find_symbol(b"_PyRuntime").map(|symbol| symbol.address);
    symbol.or_else(|| elf.find_section(b".PyRuntime").map(|section| section.address))
}

fn read_constant(elf: &Elf) -> Option<Version> {
    let mut bytes = [0; 4];
    let symbol = elf.find_symbol(b"Py_Version")?;
    let hex = u32::from_le_bytes(elf.read_address(symbol.address, &mut bytes)?.try_into().ok()?);
    Some(Version { hex })
}

/// Finds `PY_VERSION`, which the code of `Py_GetVersion` hands to its formatting call. Nothing marks the
/// text itself: linkers let it end another one, such as the installation's path. So every four bytes of
/// the code are tried as an address, relative to the next instruction or absolute, and the one that leads
/// to the text of a version is right: no other text of that form is used there.
fn find_text(elf: &Elf, function: Symbol) -> Option<Version> {
    let mut code = [0; CODE_BYTES];
    let code = elf.read_address(function.address, &mut code)?;
    let code = code.get(..usize::try_from(function.bytes).ok()?).unwrap_or(code);
    code.windows(4).zip(4..).find_map(|(operand, behind)| {
        let operand: [u8; 4] = operand.try_into().ok()?;
        let next = function.address.checked_add(behind)?;
        let relative = next.checked_add_signed(i32::from_le_bytes(operand).into());
        let absolute = Some(u64::from(u32::from_le_bytes(operand)));
        [relative, absolute].into_iter().flatten().find_map(|address| {
            let mut text = [0; VERSION_BYTES];
            let text = elf.read_address(address, &mut text)?.split(|&byte| byte == 0).next()?;
            parse_version(std::str::from_utf8(text).ok()?)
        })
    })
}

/// Parses `3.8.18`, `3.15.0b2`, `2.7.18+` (a build between releases).
fn parse_version(text: &str) -> Option<Version> {
    let mut numbers = text.strip_suffix('+').unwrap_or(text).splitn(3, '.');
    let (major, minor, rest) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let micro_end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    let (micro, suffix) = rest.split_at(micro_end);
    let release = Version::release(parse_number(major)?, parse_number(minor)?, parse_number(micro)?);
    let levels = [("a", 0xa0), ("b", 0xb0), ("rc", 0xc0)];
    let level = levels
        .into_iter()
        .find_map(|(name, level)| Some(level | parse_number(suffix.strip_prefix(name)?)? & 15));
    match level {
        Some(level) => Some(Version { hex: release.hex & !0xff | u32::from(level) }),
        None => suffix.is_empty().then_some(release),
    }
}

/// The version in a name such as `libpython3.6m.so.1.0`, `python3.13t` or `/usr/bin/python2.7`.
pub(super) fn version_in_name(name: &[u8]) -> Option<Version> {
    let name = std::str::from_utf8(name).ok()?;
    let tail = name.rsplit('/').next()?.trim_start_matches("lib").strip_prefix("python")?;
    let (major, rest) = tail.split_once('.')?;
    let minor_end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    Some(Version::release(parse_number(major)?, parse_number(rest.get(..minor_end)?)?, 0))
}

/// Digits only: `str::parse` takes a sign as well.
fn parse_number(digits: &str) -> Option<u8> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{parse_version, version_in_name};

    /// What `PY_VERSION` may say, and what is no version.
    #[test]
    fn parses_versions_as_python_writes_them() {
        for text in ["3.8.18", "3.15.0b2", "3.12.0rc1", "2.7.18", "3.13.0a6"] {
            assert_eq!(parse_version(text).unwrap().to_string(), text);
        }
        assert_eq!(parse_version("3.11.2+").unwrap().to_string(), "3.11.2");
        for text in
            ["", "3", "3.8", "3.8.", "3.8.x", "3.8.18 ", "3.8.1c1", "3.8.1.2", "300.8.1", "3.+8.1", "%.80s"]
        {
            assert_eq!(parse_version(text), None, "{text:?}");
        }
    }

    /// Names of libraries and executables, with and without ABI letters.
    #[test]
    fn reads_versions_from_names() {
        for (name, version) in [
            ("libpython3.6m.so.1.0", "3.6.0"),
            ("/usr/bin/python2.7", "2.7.0"),
            ("python3.13t", "3.13.0"),
            ("libpython3.10.so", "3.10.0"),
        ] {
            assert_eq!(version_in_name(name.as_bytes()).unwrap().to_string(), version, "{name}");
        }
        for name in ["python3", "libpython3.so", "python", "libpythonic3.8", "libpythonx.so"] {
            assert_eq!(version_in_name(name.as_bytes()), None, "{name}");
        }
    }
}
