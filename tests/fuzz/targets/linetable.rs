//! Line tables of every format: any bytes give a place or none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molt_user::cpython::linetable::LineTable;

fuzz_target!(|input: &[u8]| {
    let Some(([minor, line @ ..], bytes)) = input.split_first_chunk::<5>() else { return };
    let table =
        LineTable { bytes: bytes.into(), first_line: i32::from_le_bytes(*line), minor: 8 + minor % 8 };
    for lasti in [-1, 0, 2, 64, 1000, i32::MAX] {
        let _ = table.position(lasti);
    }
});
