//! An interpreter's own table of offsets, which is as little trusted as the rest of its memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molt_fuzz::Noise;
use molt_user::cpython::debug_offsets::layout_of;
use molt_user::cpython::version::Version;

fuzz_target!(|input: &[u8]| {
    let Some((minor, rest)) = input.split_first() else { return };
    let version = Version::release(3, 8 + (minor & 7), 0);
    if let Ok(checked) = layout_of(&Noise(rest), version, 0x1_0000) {
        assert!(checked.layout.walk().is_sound());
    }
});
