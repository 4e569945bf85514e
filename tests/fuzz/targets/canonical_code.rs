//! Specialised and instrumented code, turned back into what was compiled.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_user::symbolize::fuzz;

fuzz_target!(|input: &[u8]| fuzz::canonical_code(input));
