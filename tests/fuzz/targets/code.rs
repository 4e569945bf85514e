//! A code object read from any memory, and what is derived from it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molt_fuzz::{Noise, layout, number};
use molt_user::symbolize::code::read_code;

fuzz_target!(|input: &[u8]| {
    let Some((layout, rest)) = layout(input) else { return };
    let Some((code, rest)) = number(rest) else { return };
    let Some((globals, rest)) = number(rest) else { return };
    let Ok(code) = read_code(&Noise(rest), &layout, code, globals) else { return };
    let _ = code.kind(Some("a.<locals>.b"));
    let _ = code.missing().count();
    for lasti in [i32::MIN, -1, 0, 1, 2, 100, i32::MAX] {
        let _ = code.site(lasti);
        let _ = code.position(lasti);
    }
});
