//! The argument text of a USDT note.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molt_user::discover::args::parse_arguments;

fuzz_target!(|text: &str| {
    let _ = parse_arguments(text);
});
