//! The address of `_PyRuntime` in a process.

use object::{Object, ObjectSegment, ObjectSymbol};
use std::fs;

/// Finds `_PyRuntime` in the executable or in libpython.
///
/// # Panics
/// When neither has it.
pub(crate) fn address(pid: u32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the target runs");
    let mut seen = Vec::new();
    for line in maps.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [range, _, offset, _, _, path] = fields[..] else { continue };
        if !path.contains("python") || seen.contains(&path) || offset.bytes().any(|digit| digit != b'0') {
            continue;
        }
        seen.push(path);
        let start = u64::from_str_radix(range.split('-').next().expect("a range"), 16).expect("hexadecimal");
        let Ok(bytes) = fs::read(path) else { continue };
        let Ok(file) = object::File::parse(&*bytes) else { continue };
        let first = file.segments().next().map_or(0, |segment| segment.address() & !0xfff);
        let mut symbols = file.dynamic_symbols().filter(ObjectSymbol::is_definition);
        if let Some(symbol) = symbols.find(|symbol| symbol.name() == Ok("_PyRuntime")) {
            return start - first + symbol.address();
        }
    }
    panic!("no _PyRuntime in {seen:?}");
}
