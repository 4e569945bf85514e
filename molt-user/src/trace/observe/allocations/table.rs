//! The kernel side's table of requests, from which nothing is taken: what is new in it.

use crate::trace::watch::Counted;
use molt_common::allocation::{Allocated, AllocationKey};
use std::collections::BTreeMap;

/// What has come to `told` in the table, of one kind.
pub(super) fn new(
    table: BTreeMap<AllocationKey, Allocated>,
    kind: u32,
    told: &mut BTreeMap<AllocationKey, Allocated>,
) -> Counted {
    let now: BTreeMap<AllocationKey, Allocated> =
        table.into_iter().filter(|(key, _)| key.kind == kind).collect();
    let more = |(key, sum): (&AllocationKey, &Allocated)| {
        let before = told.get(key).copied().unwrap_or_default();
        let count = sum.count.saturating_sub(before.count);
        (count > 0).then(|| (*key, Allocated { count, bytes: sum.bytes.saturating_sub(before.bytes) }))
    };
    let counted = now.iter().filter_map(more).collect();
    *told = now;
    counted
}
