//! The text of a str, of every width.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_user::symbolize::fuzz;

fuzz_target!(|input: &[u8]| fuzz::text(input));
