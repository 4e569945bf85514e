//! Dicts in the target's memory (`Objects/dictobject.c`, `Include/internal/pycore_dict.h`).

use super::layout::Layout;
use super::object::{DICT_SUBCLASS, Head, MAX_ITEMS, Objects};
use super::text::Text;
use super::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;

/// Longest index table of a dict in bytes that is believed: 2^32 entries need 2^33 slots of 4 bytes.
const MAX_INDEX_BYTES: u64 = 1 << 35;

/// Most names of a namespace among which one is looked for.
const MAX_NAMES: usize = 10_000;
/// Entries read at once.
const MIN_CHUNK: u64 = 64;
const MAX_CHUNK: u64 = 1024;
/// Places looked at for each entry that is wanted: a dict that serves as a queue has deleted ones at its start.
const SLOTS_PER_ITEM: u64 = 64;
/// Most keys that instances share: 30 from 3.11 on (`SHARED_KEYS_MAX_SIZE`), before as many as the first of them
/// had.
const MAX_SHARED: u64 = 1 << 16;
/// Most values of an instance whose order is noted: it has one byte for their number.
const MAX_ORDER: usize = 255;

/// The first entries of a dict, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictStart {
    /// `ma_keys`.
    pub keys: u64,
    /// `ma_values`; 0 when the entries hold their values.
    pub values: u64,
    /// Key and value of each, in the order of insertion.
    pub items: Vec<(u64, u64)>,
    /// Whether there are more, or may be.
    pub rest: bool,
}

/// Where a dict keeps its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The first one.
    pub entries: u64,
    /// How many there are, deleted ones among them.
    pub count: u64,
    /// Whether an entry is {hash, key, value} and not {key, value}.
    has_hash: bool,
}

impl Table {
    /// The table of the `PyDictKeysObject` at `addr`, whose head this is (`Objects/dictobject.c`, `pycore_dict.h`).
    pub fn of(layout: &Layout, addr: u64, head: &Head) -> Known<Self> {
        let (index_bytes, has_hash) = if layout.keys_size == ABSENT {
            let log2 = u32::from(head.u8(layout.keys_log2_index_bytes)?);
            (1_u64.checked_shl(log2).ok_or(Unknown::TooLong)?, head.u8(layout.keys_kind)? == 0)
        } else {
            let slots = head.u64(layout.keys_size)?;
            let width = if slots <= 0xff {
                1
            } else if slots <= 0xffff {
                2
            } else {
                4
            };
            (slots.checked_mul(width).ok_or(Unknown::TooLong)?, true)
        };
        if index_bytes > MAX_INDEX_BYTES {
            return Err(Unknown::TooLong);
        }
        let entries = addr.wrapping_add(u64::from(layout.keys_indices)).wrapping_add(index_bytes);
        Ok(Self { entries, has_hash, count: head.u64(layout.keys_nentries)? })
    }

    /// Words of one entry.
    const fn width(&self) -> usize {
        if self.has_hash { 3 } else { 2 }
    }

    /// Words of all entries; `None` if they are more than a process can hold.
    pub fn words(&self) -> Option<usize> {
        usize::try_from(self.count).ok()?.checked_mul(self.width()).filter(|words| *words < usize::MAX / 8)
    }

    /// Key and value of each entry in `words` that is not deleted.
    pub fn live_pairs(&self, words: &[u64]) -> impl Iterator<Item = (u64, u64)> {
        pairs(words, self.width()).filter(is_live)
    }
}

/// Key and value of each entry of `width` words.
fn pairs(words: &[u64], width: usize) -> impl Iterator<Item = (u64, u64)> {
    words.chunks_exact(width).map(|entry| match entry {
        [_, key, value] | [key, value] => (*key, *value),
        _ => (0, 0),
    })
}

impl<M: Memory> Objects<'_, M> {
    /// Key and value of each entry of the dict at `addr`, in the order of insertion.
    pub fn dict_items(&self, addr: u64) -> Known<Vec<(u64, u64)>> {
        let start = self.dict_start(addr, MAX_ITEMS)?;
        if start.rest { Err(Unknown::TooLong) } else { Ok(start.items) }
    }

    /// How many entries the dict at `addr` has.
    pub fn dict_length(&self, addr: u64) -> Known<u64> {
        self.u64(addr, self.layout.dict_used)
    }

    /// The first entries of the dict at `addr`, `most` of them at most. Deleted ones, which can be many before the
    /// first that is left, are passed over for a while.
    pub fn dict_start(&self, addr: u64, most: usize) -> Known<DictStart> {
        self.expect(addr, DICT_SUBCLASS)?;
        let keys = self.u64(addr, self.layout.dict_keys)?;
        let values = self.u64(addr, self.layout.dict_values)?;
        let (mut items, rest) = if values == 0 {
            self.first_items(&self.keys(keys)?, most)?
        } else {
            (self.split_items(keys, values)?, false)
        };
        let rest = rest || items.len() > most;
        items.truncate(most);
        Ok(DictStart { keys, values, items, rest })
    }

    /// At least `most` of the first entries of a table that holds their values, if it has as many; and whether there
    /// may be more.
    fn first_items(&self, table: &Table, most: usize) -> Known<(Vec<(u64, u64)>, bool)> {
        let chunk = (most as u64).clamp(MIN_CHUNK, MAX_CHUNK);
        let last = table.count.min((most as u64).saturating_mul(SLOTS_PER_ITEM)).min(MAX_ITEMS as u64);
        let (mut items, mut next) = (Vec::new(), 0);
        while next < last && items.len() <= most {
            let count = chunk.min(last - next);
            items.extend(self.entries(table, next, count)?.into_iter().filter(is_live));
            next += count;
        }
        Ok((items, next < table.count))
    }

    /// The keys in the table at `keys` that a class shares between its instances, in their order.
    pub fn shared_names(&self, keys: u64) -> Known<Vec<u64>> {
        let table = self.keys(keys)?;
        if table.count > MAX_SHARED {
            return Err(Unknown::TooLong);
        }
        Ok(self.entries(&table, 0, table.count)?.into_iter().map(|(key, _)| key).collect())
    }

    /// Names and values of an instance whose values lie apart from the keys that its class shares, in the order of
    /// insertion: up to 3.10 that of the keys, then what is noted beside the values
    /// (`_PyDictValues_AddToInsertionOrder` in `pycore_dict.h`).
    pub fn split_items(&self, keys: u64, values: u64) -> Known<Vec<(u64, u64)>> {
        let layout = self.layout;
        let names = self.shared_names(keys)?;
        let count = names.len() as u64;
        let offset = if layout.values_items == ABSENT { 0 } else { layout.values_items };
        let first = values.wrapping_add(u64::from(offset));
        let held = self.pointers(first, count)?;
        let order = if layout.values_items == ABSENT {
            (0..names.len()).collect()
        } else if layout.values_capacity == ABSENT {
            let size = usize::from(self.head(values.wrapping_sub(2), 1)?.u8(0)?);
            let mut order = self.bytes_at(values.wrapping_sub(2 + size as u64), size, MAX_ORDER)?;
            order.reverse();
            order.into_iter().map(usize::from).collect()
        } else {
            let head = self.head(values, layout.values_items)?;
            let (capacity, size) = (head.u8(layout.values_capacity)?, head.u8(layout.values_size)?);
            let order = first.wrapping_add(8 * u64::from(capacity));
            let order = self.bytes_at(order, usize::from(size), MAX_ORDER)?;
            order.into_iter().map(usize::from).collect::<Vec<_>>()
        };
        let item = |at: usize| Some((*names.get(at)?, *held.get(at)?));
        let items: Option<Vec<_>> = order.into_iter().map(item).collect();
        Ok(items.ok_or(Unknown::Malformed)?.into_iter().filter(is_live).collect())
    }

    /// The first `count` entries of the namespace at `addr` in their order, then its last `count`, the newest
    /// first. Namespaces do not share their keys, so that there are no other values to look at.
    pub fn namespace_ends(&self, addr: u64, count: u64) -> Known<Vec<(u64, u64)>> {
        self.expect(addr, DICT_SUBCLASS)?;
        let table = self.keys(self.u64(addr, self.layout.dict_keys)?)?;
        let mut items = self.entries(&table, 0, table.count.min(count))?;
        let last = table.count.saturating_sub(count).min(count);
        items.extend(self.entries(&table, table.count - last, last)?.into_iter().rev());
        items.retain(is_live);
        Ok(items)
    }

    /// The value that the dict at `addr` has under the str `name`; [`Unknown::Absent`] when there is none.
    pub fn dict_get(&self, addr: u64, name: &str) -> Known<u64> {
        self.find(self.dict_items(addr)?, name)
    }

    /// The value under the str `name` in the namespace at `addr`, which is looked for at its ends first: what a
    /// class statement or C writes by itself comes first or last, and in between may be thousands of names.
    pub fn namespace_get(&self, addr: u64, name: &str) -> Known<u64> {
        if let Ok(value) = self.find(self.namespace_ends(addr, 64)?, name) {
            return Ok(value);
        }
        let start = self.dict_start(addr, MAX_NAMES)?;
        match self.find(start.items, name) {
            Err(Unknown::Absent) if start.rest => Err(Unknown::TooLong),
            found => found,
        }
    }

    /// The value under the str `name` among `items`; [`Unknown::Absent`] when there is none. A key that cannot be
    /// read could be the one, so that its failure counts when no other is.
    fn find(&self, items: Vec<(u64, u64)>, name: &str) -> Known<u64> {
        let mut missing = Unknown::Absent;
        for (key, value) in items {
            match self.is_text(key, name) {
                Ok(true) => return Ok(value),
                Ok(false) => {}
                Err(reason) => missing = reason,
            }
        }
        Err(missing)
    }

    /// `__name__` of the namespace at `addr`. It is the first entry in every module's own.
    pub fn namespace_name(&self, addr: u64) -> Known<Text> {
        self.expect(addr, DICT_SUBCLASS)?;
        let table = self.keys(self.u64(addr, self.layout.dict_keys)?)?;
        let first = self.entries(&table, 0, table.count.min(1))?.first().copied();
        let value = match first {
            Some((key, value)) if value != 0 && self.is_text(key, "__name__") == Ok(true) => value,
            _ => {
                let value = self.dict_get(addr, "__name__")?;
                // Where no more than the first entries was copied, the rest may be another namespace's by now.
                if !self.memory.is_current(table.entries, 8 * table.width()) {
                    return Err(Unknown::Absent);
                }
                value
            }
        };
        self.str(value)
    }

    /// What code in the namespace at `globals` means by `name`, where no local variable has it.
    pub fn global(&self, globals: u64, name: &str) -> Known<u64> {
        match self.namespace_get(globals, name) {
            Err(Unknown::Absent) => {}
            found => return found,
        }
        // The module in `__main__`, else its namespace.
        let builtins = self.namespace_get(globals, "__builtins__")?;
        let is_module = self.is_a(builtins, "module")?;
        self.namespace_get(
            if is_module { self.u64(builtins, self.layout.module_dict)? } else { builtins },
            name,
        )
    }

    /// The table of the `PyDictKeysObject` at `addr`.
    fn keys(&self, addr: u64) -> Known<Table> {
        Table::of(self.layout, addr, &self.head(addr, self.layout.keys_indices)?)
    }

    /// Key and value of `count` entries from `first` on.
    fn entries(&self, table: &Table, first: u64, count: u64) -> Known<Vec<(u64, u64)>> {
        let words = table.width() as u64;
        let start = first.checked_mul(words * 8).and_then(|bytes| table.entries.checked_add(bytes));
        let flat = self.pointers(start.ok_or(Unknown::TooLong)?, count.saturating_mul(words))?;
        Ok(pairs(&flat, table.width()).collect())
    }
}

/// Whether an entry has a key and a value: a deleted one has not.
fn is_live((key, value): &(u64, u64)) -> bool {
    *key != 0 && *value != 0
}
