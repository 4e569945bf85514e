//! Every reader of CPython's objects, over memory made of any bytes.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_user::symbolize::fuzz;

fuzz_target!(|input: &[u8]| fuzz::any_memory(input));
