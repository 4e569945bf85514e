//! What never changes: the types of objects that are never freed, such as `None` and small numbers, and what tells
//! versions of code apart. To look here is cheaper than to read the target's memory.

use crate::maps::LASTING;
use molt_common::call::salted;

/// Words of the table, two for each key: its value, and that mixed with the key. All CPUs share the table, and one of
/// them may find the words of two keys in a place; they do not fit each other then.
pub const WORDS: usize = 2 << PLACE_BITS;
const PLACE_BITS: u32 = 13;

/// What is remembered under `key`, the address of an object or another number, in `program`; never 0.
#[inline(always)]
pub fn find(program: u32, key: u64) -> Option<u64> {
    let (place, mix) = place(program, key)?;
    // SAFETY: the place is in an element that exists for the whole life of the map; each word is read whole.
    let found = unsafe { place.read_volatile() };
    // SAFETY: as above; places are of two words.
    let mixed = unsafe { place.wrapping_add(1).read_volatile() };
    if found != 0 && found ^ mix == mixed { Some(found) } else { None }
}

/// Remembers `value`.
#[inline(always)]
pub fn note(program: u32, key: u64, value: u64) {
    if let Some((place, mix)) = place(program, key) {
        // SAFETY: as in [`find`].
        unsafe { place.write_volatile(value) };
        // SAFETY: as in [`find`].
        unsafe { place.wrapping_add(1).write_volatile(value ^ mix) };
    }
}

/// Where a key belongs, and what its value is mixed with.
#[inline(always)]
fn place(program: u32, key: u64) -> Option<(*mut u64, u64)> {
    let mix = salted(key, program).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let words: *mut [u64; WORDS] = LASTING.get_ptr_mut(0)?;
    let at = (mix >> (64 - PLACE_BITS)) as usize * 2;
    // SAFETY: the element exists for the whole life of the map, and the bits that are kept are an index in it.
    Some((unsafe { &raw mut (*words)[at] }, mix))
}
