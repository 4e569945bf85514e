use super::{ABSENT, Layout};
use crate::cpython::version::Version;

/// Every version with a table, and whether it is free-threaded.
const VERSIONS: [(u8, bool); 10] = [
    (8, false),
    (9, false),
    (10, false),
    (11, false),
    (12, false),
    (13, false),
    (13, true),
    (14, false),
    (14, true),
    (15, false),
];

/// The kernel side refuses a layout whose fields lie outside the bytes that it reads.
#[test]
fn every_table_gives_a_sound_walk() {
    for (minor, free_threaded) in VERSIONS {
        let layout = Layout::of(Version::release(3, minor, 9), free_threaded).unwrap();
        assert_eq!((layout.minor, layout.free_threaded), (minor, free_threaded));
        let walk = layout.walk();
        assert!(walk.is_sound(), "3.{minor}: {walk:?}");
        assert!(layout.types().is_sound(), "3.{minor}: {:?}", layout.types());
        assert_eq!(walk.code_mask & 7, 7 & !u64::from(layout.tag_bits));
    }
}

/// Line instrumentation has a header byte from 3.13.3 on.
#[test]
fn early_3_13_has_no_line_header() {
    let lines = |micro| Layout::of(Version::release(3, 13, micro), false).unwrap().lines_entry_bytes;
    assert_eq!((lines(0), lines(2), lines(3)), (ABSENT, ABSENT, 0));
}

/// A version that nobody measured must not be read with a neighbour's offsets.
#[test]
fn refuses_versions_without_a_table() {
    for (major, minor, free_threaded) in
        [(2, 7, false), (3, 7, false), (3, 12, true), (3, 15, true), (3, 16, false)]
    {
        assert_eq!(Layout::of(Version::release(major, minor, 0), free_threaded), None);
    }
}
