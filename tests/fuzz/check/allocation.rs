//! Allocates as many bytes beyond the bound as the input says: `cargo xtask fuzz` checks that with 0 it goes on, and that
//! with 1 it does not.
#![no_main]

use std::hint::black_box;

use molt_fuzz::{MAX_ALLOCATION, fuzz_target};

fuzz_target!(|input: &[u8]| {
    let Some(beyond) = input.first() else { return };
    black_box(Vec::<u8>::with_capacity(MAX_ALLOCATION + usize::from(*beyond)));
});
