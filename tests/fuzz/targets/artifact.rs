//! An artifact that somebody else wrote: what can be read is written and read again unchanged.
#![no_main]

use molt_fuzz::fuzz_target;
use molt_mpa::{read, validate, write};

fuzz_target!(|input: &[u8]| {
    let _ = validate::validate_slice(input);
    let Ok(artifact) = read::from_slice(input) else { return };
    let mut text = Vec::new();
    write::write_to(&artifact, &mut text).expect("memory takes any artifact");
    assert_eq!(read::from_slice(&text).expect("what was written can be read"), artifact);
});
