//! The same over images of real processes, bent by the engine.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_user::symbolize::fuzz;

fuzz_target!(|input: &[u8]| fuzz::memory_image(input));
