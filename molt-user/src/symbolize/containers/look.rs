//! One look at a container: its length, where its elements are, and the elements that are picked.

use super::{ContainerKind, MAX_ELEMENTS, MAX_KEYS};
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use molt_common::walk::Memory;

/// Longest container that is believed: more would not fit into the address space.
const MAX_LENGTH: u64 = 1 << 44;
/// Pointers or slots that are read whole: 8 KB.
const WHOLE: u64 = 512;
/// Slots of a large set that are read at each of the places that are spread over it. At least one slot in eight is
/// taken, if not many elements were removed; but ints stand together, since they are their own hashes.
const SET_WINDOW: u64 = 32;

/// What one look saw. Two looks that are equal saw the same container with the same elements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// How many elements it has.
    pub(super) length: u64,
    /// Where they are, and for how many there is room, as far as the container says.
    places: [u64; 2],
    /// Those that were picked: keys and values of a dict, else elements and 0.
    pub(super) items: Vec<(u64, u64)>,
}

/// Looks at the container of `kind` at `addr`.
pub(super) fn look<M: Memory>(objects: &Objects<'_, M>, addr: u64, kind: ContainerKind) -> Known<Look> {
    if objects.is_freed(addr)? {
        return Err(Unknown::Stale);
    }
    let layout = objects.layout;
    let look = match kind {
        ContainerKind::Dict => {
            let start = objects.dict_start(addr, MAX_KEYS)?;
            let length = objects.dict_length(addr)?;
            Look { length, places: [start.keys, start.values], items: start.items }
        }
        ContainerKind::List => {
            let items = objects.u64(addr, layout.list_items)?;
            sequence(objects, addr, items)?
        }
        ContainerKind::Tuple => sequence(objects, addr, addr.wrapping_add(u64::from(layout.tuple_items)))?,
        ContainerKind::Set => set(objects, addr)?,
    };
    if look.length > MAX_LENGTH { Err(Unknown::TooLong) } else { Ok(look) }
}

/// The elements of a list or tuple, which lie at `items`.
fn sequence<M: Memory>(objects: &Objects<'_, M>, addr: u64, items: u64) -> Known<Look> {
    let length = objects.u64(addr, objects.layout.var_size)?;
    let picked = spread(length);
    let found: Vec<u64> = if length <= WHOLE {
        let all = objects.pointers(items, length)?;
        picked.filter_map(|at| all.get(usize::try_from(at).ok()?).copied()).collect()
    } else {
        let read = |at: u64| Ok(objects.memory.read_u64(items.wrapping_add(at.wrapping_mul(8)))?);
        picked.map(read).collect::<Known<_>>()?
    };
    // A list or tuple that is just being built has places without an element.
    let found = found.into_iter().filter(|item| *item != 0).map(|item| (item, 0)).collect();
    Ok(Look { length, places: [items, 0], items: found })
}

/// The elements of a set, in the order of its table, which is that of hashes.
fn set<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Look> {
    let layout = objects.layout;
    let head = objects.head(addr, layout.set_table.saturating_add(8))?;
    let (length, mask, table) =
        (head.u64(layout.set_used)?, head.u64(layout.set_mask)?, head.u64(layout.set_table)?);
    let slots = mask.checked_add(1).ok_or(Unknown::TooLong)?;
    let elements = |first: u64, count: u64| -> Known<Vec<u64>> {
        let flat = objects.pointers(table.wrapping_add(first.wrapping_mul(16)), count.saturating_mul(2))?;
        Ok(flat.as_chunks().0.iter().filter_map(element).collect())
    };
    let found = if slots <= WHOLE {
        elements(0, slots)?
    } else {
        let windows = spread(slots).map(|first| elements(first, SET_WINDOW.min(slots - first)));
        windows.collect::<Known<Vec<_>>>()?.concat()
    };
    let picked = spread(found.len() as u64);
    let items = picked.filter_map(|at| Some((*found.get(usize::try_from(at).ok()?)?, 0))).collect();
    Ok(Look { length, places: [mask, table], items })
}

/// The element in a slot {key, hash}. One that was removed left a dummy with the hash -1, which no object has
/// (`set_lookkey` in `Objects/setobject.c`).
fn element(slot: &[u64; 2]) -> Option<u64> {
    match slot {
        [0, _] | [_, u64::MAX] => None,
        [key, _] => Some(*key),
    }
}

/// Up to [`MAX_ELEMENTS`] numbers below `length`, spread evenly: `i * length / count`.
fn spread(length: u64) -> impl Iterator<Item = u64> {
    let count = length.min(MAX_ELEMENTS);
    let place =
        move |at: u64| u64::try_from(u128::from(at) * u128::from(length) / u128::from(count)).unwrap_or(0);
    (0..count).map(place)
}

#[cfg(test)]
mod tests {
    use super::spread;

    /// All of a few, and the fixed rule for more.
    #[test]
    fn spreads_evenly() {
        let places = |length| spread(length).collect::<Vec<_>>();
        assert!(places(0).is_empty());
        assert_eq!(places(3), [0, 1, 2]);
        assert_eq!(places(32), (0..32).collect::<Vec<_>>());
        assert_eq!(places(64), (0..64).step_by(2).collect::<Vec<_>>());
        assert_eq!(places(33)[30..], [30, 31]);
        assert_eq!(spread(u64::MAX).last(), Some(u64::MAX / 32 * 31 + 30));
    }
}
