//! The text of a str, of every width.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molt_user::symbolize::fuzz;

fuzz_target!(|input: &[u8]| fuzz::text(input));
