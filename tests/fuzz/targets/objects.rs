//! Python objects read from any memory: strings, bytes, tuples, dicts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molt_fuzz::{Noise, layout, number};
use molt_user::cpython::object::Objects;

fuzz_target!(|input: &[u8]| {
    let Some((layout, rest)) = layout(input) else { return };
    let Some((addr, rest)) = number(rest) else { return };
    let memory = Noise(rest);
    let objects = Objects::new(&memory, &layout);
    let _ = objects.str(addr);
    let _ = objects.bytes(addr, 4096);
    let _ = objects.items(addr);
    let _ = objects.dict_items(addr);
    let _ = objects.dict_get(addr, "__name__");
    let _ = objects.namespace_name(addr);
});
