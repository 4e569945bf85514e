//! What comes out of the ring buffer.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_user::decode::decode;

fuzz_target!(|input: &[u8]| {
    let _ = decode(input);
});
