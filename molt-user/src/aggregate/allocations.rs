//! How much memory each function asked for.

use super::calls::Count;
use super::tally::{CodeId, Tally};
use molt_common::allocation::Allocated;
use molt_mpa::model::Hotspot;
use std::collections::BTreeMap;

/// What one function asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Requests {
    /// Blocks, and their bytes together.
    count: Count,
    bytes: Count,
    /// Memory that was mapped for blocks.
    growth: Allocated,
}

impl Requests {
    fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.plus(other.count),
            bytes: self.bytes.plus(other.bytes),
            growth: Allocated {
                count: self.growth.count + other.growth.count,
                bytes: self.growth.bytes.saturating_add(other.growth.bytes),
            },
        }
    }
}

/// What every function asked for.
#[derive(Debug, Default)]
pub struct Allocations(BTreeMap<CodeId, Requests>);

impl Allocations {
    /// `code` has asked for blocks in a window, each of which stands for `weight` of the run.
    pub fn add(&mut self, code: CodeId, seen: Allocated, weight: f64) {
        let weighed = |seen| Count::weighed(seen, Some(weight));
        self.sum(
            code,
            Requests { count: weighed(seen.count), bytes: weighed(seen.bytes), ..Requests::default() },
        );
    }

    /// `code` has made the heap grow.
    pub fn grow(&mut self, code: CodeId, growth: Allocated) {
        self.sum(code, Requests { growth, ..Requests::default() });
    }

    fn sum(&mut self, code: CodeId, more: Requests) {
        let requests = self.0.entry(code).or_default();
        *requests = requests.plus(more);
    }

    /// Every code that has asked for memory.
    pub fn codes(&self) -> impl Iterator<Item = CodeId> {
        self.0.keys().copied()
    }

    /// Writes into `rows`, one for each symbol, what its codes asked for, and adds those that were on no stack.
    pub fn fill(&self, rows: &mut Vec<Hotspot>, tally: &Tally) {
        let mut symbols: BTreeMap<String, Requests> = BTreeMap::new();
        for (id, requests) in &self.0 {
            let Some(code) = tally.code(*id) else { continue };
            let sum = symbols.entry(code.symbol()).or_default();
            *sum = sum.plus(*requests);
        }
        for row in rows.iter_mut() {
            if let Some(requests) = symbols.remove(&row.symbol) {
                requests.write(row);
            }
        }
        for (symbol, requests) in symbols {
            let mut row = Hotspot { symbol, ..Hotspot::default() };
            requests.write(&mut row);
            rows.push(row);
        }
    }
}

impl Requests {
    fn write(self, row: &mut Hotspot) {
        if self.count.seen > 0 {
            row.alloc_count = Some(self.count.seen);
            row.alloc_count_est = self.count.est;
            row.alloc_bytes = Some(self.bytes.seen);
            row.alloc_bytes_est = self.bytes.est;
        }
        if self.growth.count > 0 {
            row.heap_count = Some(self.growth.count);
            row.heap_bytes = Some(self.growth.bytes);
        }
    }
}
