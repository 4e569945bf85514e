//! The types of values, with what tells them from others at their addresses.

use crate::call::{CallLayout, UNREAD, packed};
use crate::fault::Fault;
use crate::walk::{Memory, checked, code};
use zerocopy::IntoBytes;

/// The type of the value in a slot, packed; of what a cell holds, where the slot holds a cell.
#[inline(always)]
pub(super) fn slot_type<M: Memory>(memory: &M, call: &CallLayout, slot: u64) -> u64 {
    let object = slot & call.slot_mask;
    match object_type(memory, call, object) {
        Ok(found) if found == call.cell_type => {
            let held = memory.read_u64(object + u64::from(call.cell_ref)).unwrap_or(0);
            object_type(memory, call, held).map_or(UNREAD, |found| packed_type(memory, call, found))
        }
        Ok(found) => packed_type(memory, call, found),
        Err(_unreadable) => UNREAD,
    }
}

/// The type of an object that C code holds, packed.
#[inline(always)]
pub fn value_type<M: Memory>(memory: &M, call: &CallLayout, object: u64) -> u64 {
    object_type(memory, call, object).map_or(UNREAD, |found| packed_type(memory, call, found))
}

/// Address of the type of the object at `object`. Small numbers, `None` and the like lie in the interpreter's own data.
#[inline(always)]
pub(super) fn object_type<M: Memory>(memory: &M, call: &CallLayout, object: u64) -> Result<u64, Fault> {
    let object = checked(object)?;
    let lasts = is_static(call, object);
    if lasts && let Some(found) = memory.lasting_type(object) {
        return Ok(found);
    }
    let found = checked(memory.read_u64(object + u64::from(call.object_type))?)?;
    if lasts {
        memory.note_lasting_type(object, found);
    }
    Ok(found)
}

/// Whether `addr` lies in the interpreter's own data.
#[inline(always)]
fn is_static(call: &CallLayout, addr: u64) -> bool {
    addr.wrapping_sub(call.static_low) < call.static_bytes
}

/// A type with what tells it from another one at its address. Only its name counts in what is made of it, so that
/// only that is looked at: where the qualified name lies, and how it begins. Types that are never freed need nothing.
#[inline(always)]
pub fn packed_type<M: Memory>(memory: &M, call: &CallLayout, addr: u64) -> u64 {
    if is_static(call, addr) {
        return packed(addr, 0);
    }
    packed(addr, name_identity(memory, call, addr).unwrap_or(0))
}

/// In a static type of an extension module another word stands where a class has its name; it tells as much.
#[inline(always)]
fn name_identity<M: Memory>(memory: &M, call: &CallLayout, addr: u64) -> Result<u64, Fault> {
    let name = memory.read_u64(addr.wrapping_add(call.type_qualname.into()))?;
    let text = name.wrapping_add(u64::from(call.ascii_bytes));
    let mut words = [0u64; 2];
    if memory.read(text, words.as_mut_bytes()).is_err() {
        // Memory may end behind a short name.
        words = [memory.read_u64(text).unwrap_or(0), 0];
    }
    let first = before_nul(words[0]);
    // What lies behind the name's end is not the name's.
    let second = if first >> 56 == 0 { 0 } else { before_nul(words[1]) };
    Ok(code::fold(code::fold(name, first), second) | 1)
}

/// The bytes of `word`, the lowest first, up to the first that is 0; the rest is zero.
#[inline(always)]
fn before_nul(word: u64) -> u64 {
    // The lowest bit set here is the top bit of the first byte that is 0; above it there may be false ones.
    let zeros = word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080;
    if zeros == 0 {
        return word;
    }
    let first = (zeros & zeros.wrapping_neg()) >> 7;
    word & first.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::has_identity;
    use zerocopy::FromZeros;

    /// Memory that holds nothing but zeros, at any address.
    struct Zeros;

    impl Memory for Zeros {
        fn read(&self, _addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            into.fill(0);
            Ok(())
        }
    }

    /// What stands for a type in memory that was freed is any number.
    #[test]
    fn takes_any_number_for_a_type() {
        let mut call = CallLayout::new_zeroed();
        call.type_qualname = 880;
        for addr in [0, 1, 1 << 47, 1 << 63, u64::MAX - 1, u64::MAX] {
            assert!(has_identity(packed_type(&Zeros, &call, addr)), "{addr:#x}");
        }
    }
}
