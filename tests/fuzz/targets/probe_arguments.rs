//! The argument text of a USDT note.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_user::discover::args::parse_arguments;

fuzz_target!(|text: &str| {
    let _ = parse_arguments(text);
});
