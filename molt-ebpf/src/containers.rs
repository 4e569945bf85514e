//! Copies what a container holds: where its elements lie, their types, and the keys of a dict.

use crate::maps::{KINDS, Pieces, Table};
use crate::memory::UserMemory;
use crate::repeat::{Turn, repeat};
use crate::snapshot::{send_piece, send_words};
use core::hint::black_box;
use molt_common::call::{MAX_SLOTS, address, salted};
use molt_common::container::{ContainerLayout, KEY_BYTES, MAX_ELEMENTS, MAX_TABLE, kind};
use molt_common::fault::Fault;
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;

/// Entries of a namespace that are copied.
const NAMESPACE: u64 = 8;

/// Copies the containers among the parameters and the result of the call that is told of.
#[inline(always)]
pub fn send(pieces: &mut Pieces, layout: &ContainerLayout) {
    let mut copy = Copy { layout, pieces };
    if copy.pieces.told.seen.slots != 0 {
        repeat(u32::from(copy.pieces.told.seen.key.slots), slot, &mut copy);
    }
    if copy.pieces.told.seen.returned != 0 {
        let _ = copy.value(copy.pieces.told.seen.returned, copy.pieces.told.seen.key.result);
    }
}

/// Copies the first entries of the namespace at `globals`: modules have their names in the first one, and what `exec`
/// and `eval` are given has few.
#[inline(always)]
pub fn send_name(pieces: &mut Pieces, layout: &ContainerLayout, globals: u64) {
    let mut copy = Copy { layout, pieces };
    let field = |offset: u32| UserMemory.read_u64(globals + u64::from(offset));
    let (Ok(keys), Ok(values)) = (field(layout.dict_keys), field(layout.dict_values)) else { return };
    let Ok(table) = copy.entries(keys, values) else { return };
    send_piece(copy.pieces, globals, u64::from(layout.head_bytes));
    // Its table may be freed soon: a namespace grows.
    send_piece(copy.pieces, keys, u64::from(layout.keys_indices));
    send_piece(copy.pieces, table.base, table.count.min(NAMESPACE) * table.stride);
    if let Ok(name) = UserMemory.read_u64(table.base + table.value) {
        send_piece(copy.pieces, name, 2 * KEY_BYTES);
    }
}

/// Containers that are being copied, as the loop hands them from step to step.
struct Copy<'a> {
    layout: &'a ContainerLayout,
    pieces: &'a mut Pieces,
}

/// One parameter. One that cannot be read is left to user space.
extern "C" fn slot(index: u32, copy: &mut Copy) -> Turn {
    // The verifier wants to see the bound of what is added to a pointer.
    let index = black_box(index as usize & (MAX_SLOTS - 1));
    if let Some(packed) = copy.pieces.told.seen.key.args.get(index).copied()
        && let Ok(value) = UserMemory.read_u64(copy.pieces.told.seen.slots + 8 * index as u64)
    {
        let _ = copy.value(value, packed);
    }
    Turn::Go
}

impl Copy<'_> {
    /// Copies the value of a slot, whose type is `packed`, if it is a container.
    #[inline(never)]
    fn value(&mut self, slot: u64, packed: u64) -> u64 {
        u64::from(self.try_value(slot, packed).is_ok())
    }

    #[inline(always)]
    fn try_value(&mut self, slot: u64, packed: u64) -> Result<(), Fault> {
        let layout = self.layout;
        // SAFETY: an element's memory outlives this program, as in `maps::process`.
        let Some(kind) = (unsafe { KINDS.get(salted(packed, self.pieces.told.seen.key.program)) }).copied()
        else {
            return Ok(());
        };
        let mut at = slot & layout.slot_mask;
        let object_type = u64::from(layout.object_type);
        if UserMemory.read_u64(at + object_type)? == layout.cell_type {
            at = UserMemory.read_u64(at + u64::from(layout.cell_ref))?;
        }
        if UserMemory.read_u64(at + object_type)? != address(packed) {
            return Err(Fault::BadPointer);
        }
        let table = self.table(at, kind)?;
        self.pieces.table = table;
        self.pieces.gathered = 0;
        send_piece(self.pieces, at, u64::from(layout.head_bytes));
        send_piece(self.pieces, table.base, (table.count & 0xffff).wrapping_mul(table.stride).min(MAX_TABLE));
        let picks = table.count.min(u64::from(MAX_ELEMENTS)) as u32;
        if kind == kind::DICT {
            repeat(picks, key, self);
        }
        repeat(picks, element, self);
        send_words(self.pieces);
        Ok(())
    }

    /// Where the elements of the container at `at` lie.
    #[inline(always)]
    fn table(&mut self, at: u64, kind: u32) -> Result<Table, Fault> {
        let layout = self.layout;
        let field = |offset: u32| UserMemory.read_u64(at + u64::from(offset));
        let plain = Table { base: 0, count: 0, stride: 8, key: 0, value: 0, values: 0 };
        match kind {
            kind::LIST => {
                Ok(Table { base: field(layout.list_items)?, count: field(layout.var_size)?, ..plain })
            }
            kind::TUPLE => {
                let base = at + u64::from(layout.tuple_items);
                Ok(Table { base, count: field(layout.var_size)?, ..plain })
            }
            kind::SET => {
                let count = field(layout.set_mask)?.wrapping_add(1);
                Ok(Table { base: field(layout.set_table)?, count, stride: 16, ..plain })
            }
            _ => self.entries(field(layout.dict_keys)?, field(layout.dict_values)?),
        }
    }

    /// The entries of a dict with the table of keys at `keys`, and its values at `values` if they lie apart.
    #[inline(always)]
    fn entries(&mut self, keys: u64, values: u64) -> Result<Table, Fault> {
        let layout = self.layout;
        let first = keys + u64::from(layout.keys_indices);
        let (index_bytes, has_hash) = if layout.keys_size == ABSENT {
            let byte = |at: u32| Ok(UserMemory.read_u16(keys + u64::from(at))?.to_le_bytes()[0]);
            (1u64 << (byte(layout.keys_log2_index_bytes)? & 31), byte(layout.keys_kind)? == 0)
        } else {
            let slots = UserMemory.read_u64(keys + u64::from(layout.keys_size))?;
            let width = if slots <= 0xff {
                1
            } else if slots <= 0xffff {
                2
            } else {
                4
            };
            (slots.wrapping_mul(width), true)
        };
        let count = UserMemory.read_u64(keys + u64::from(layout.keys_nentries))?;
        send_piece(self.pieces, keys, u64::from(layout.keys_indices));
        let mut table = Table { base: first + index_bytes, count, stride: 16, key: 0, value: 8, values: 0 };
        if has_hash {
            table = Table { stride: 24, key: 8, value: 16, ..table };
        }
        if values != 0 {
            let items = u64::from(layout.values_items);
            send_piece(self.pieces, values, items + 8 * u64::from(MAX_ELEMENTS));
            table.values = values + items;
        }
        Ok(table)
    }
}

/// One key of a dict: as much as a short str has.
extern "C" fn key(index: u32, copy: &mut Copy) -> Turn {
    let Table { base, stride, key, .. } = copy.pieces.table;
    if let Ok(found) = UserMemory.read_u64(base + u64::from(index) * stride + key)
        && found != 0
    {
        send_piece(copy.pieces, found, KEY_BYTES);
    }
    Turn::Go
}

/// One element, or the value of an entry: its type.
extern "C" fn element(index: u32, copy: &mut Copy) -> Turn {
    let Table { base, count, stride, value, values, .. } = copy.pieces.table;
    let index = u64::from(index);
    let half = u64::from(MAX_ELEMENTS) / 2;
    // All of them, or as many as are spread over a longer list.
    let place = if values != 0 {
        values + 8 * index
    } else if stride == 8 && count > half {
        base + index.wrapping_mul(count) / half * 8
    } else {
        base + index * stride + value
    };
    let at = u64::from(copy.layout.object_type);
    if let Ok(found) = UserMemory.read_u64(place)
        && let Ok(class) = UserMemory.read_u64(found + at)
    {
        copy.gather(place, found);
        copy.gather(found + at, class);
    }
    Turn::Go
}

impl Copy<'_> {
    #[inline(always)]
    fn gather(&mut self, at: u64, word: u64) {
        let next = black_box(self.pieces.gathered as usize & (2 * MAX_ELEMENTS as usize - 1));
        if let Some(slot) = self.pieces.words.get_mut(next) {
            *slot = [at, word];
            self.pieces.gathered += 1;
        }
    }
}
