use super::{COOKIE, LayoutError, layout_of, v3_14};
use crate::cpython::layout::Layout;
use crate::cpython::version::Version;
use crate::symbolize::memory::Image;

const RUNTIME: u64 = 0x5000;
const VERSION: Version = Version::release(3, 14, 2);

/// `_Py_DebugOffsets` of 3.14 with the table's own values, but for `changed`.
fn memory(version: Version, changed: &[(&str, u64)]) -> Image {
    let mut bytes = vec![0; v3_14::TABLE.bytes as usize];
    bytes[..8].copy_from_slice(COOKIE);
    bytes[8..16].copy_from_slice(&u64::from(version.hex).to_le_bytes());
    let mut layout = Layout::of(VERSION, false).unwrap();
    for field in v3_14::TABLE.fields {
        let own = u64::from(*(field.column)(&mut layout));
        let value = changed.iter().find(|(name, _)| *name == field.name).map_or(own, |(_, value)| *value);
        let at = field.at as usize;
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    let mut image = Image::default();
    image.add(RUNTIME, &bytes);
    image
}

/// The usual case: nothing to correct.
#[test]
fn agrees_with_the_table() {
    let checked = layout_of(&memory(VERSION, &[]), VERSION, RUNTIME).unwrap();
    assert!(checked.compared && checked.differences.is_empty());
    assert_eq!(Some(checked.layout), Layout::of(VERSION, false));
}

/// A patched build has moved a field: its own offset counts, and the difference is told.
#[test]
fn the_interpreter_wins_over_the_table() {
    let memory = memory(VERSION, &[("interpreter_state.threads_head", 7352)]);
    let checked = layout_of(&memory, VERSION, RUNTIME).unwrap();
    assert_eq!(checked.layout.interp_threads_head, 7352);
    let [difference] = checked.differences[..] else { panic!("{:?}", checked.differences) };
    assert_eq!((difference.table, difference.interpreter), (7344, 7352));
}

/// Torn memory must not become an offset.
#[test]
fn refuses_offsets_that_cannot_be() {
    for (name, value) in [
        ("interpreter_state.next", u64::MAX),
        ("thread_state.current_frame", 73),
        ("interpreter_frame.instr_ptr", 4096),
    ] {
        let refused = layout_of(&memory(VERSION, &[(name, value)]), VERSION, RUNTIME);
        assert!(matches!(refused, Err(LayoutError::Insane { .. })), "{name} = {value}: {refused:?}");
    }
}

/// Wrong address, other version, newer version, unreadable.
#[test]
fn refuses_an_interpreter_that_it_cannot_read() {
    let other = Version::release(3, 14, 3);
    assert_eq!(
        layout_of(&memory(other, &[]), VERSION, RUNTIME),
        Err(LayoutError::NotThere { version: VERSION })
    );
    let newer = Version::release(3, 16, 0);
    let refused = layout_of(&memory(newer, &[]), newer, RUNTIME).unwrap_err().to_string();
    assert!(refused.starts_with("CPython 3.16.0 is not supported: molt knows 3.8 to 3.15"), "{refused}");
    let nothing = layout_of(&Image::default(), VERSION, RUNTIME);
    assert!(matches!(nothing, Err(LayoutError::Unreadable { .. })));
    let old = layout_of(&Image::default(), Version::release(2, 7, 18), RUNTIME);
    assert!(matches!(old, Err(LayoutError::Unsupported { .. })));
}
