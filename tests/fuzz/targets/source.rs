//! A source file that may be no Python at all.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_user::symbolize::fuzz;

fuzz_target!(|input: &[u8]| fuzz::source(input));
