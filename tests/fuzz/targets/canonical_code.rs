//! Specialised and instrumented code, turned back into what was compiled.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molt_user::symbolize::fuzz;

fuzz_target!(|input: &[u8]| fuzz::canonical_code(input));
