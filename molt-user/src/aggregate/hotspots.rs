//! Samples to the ranking by time.

use super::tally::Tally;
use molt_mpa::model::Hotspot;
use molt_mpa::quantity::{Millis, Share};

/// One row for each symbol that was on a stack, in no particular order: the artifact ranks them.
///
/// Each sample stands for `1 / hz` seconds of CPU time.
pub fn hotspots(tally: &Tally, hz: u32) -> Vec<Hotspot> {
    let all = tally.hotness().map(|(_, hotness)| hotness.own).sum();
    let time = |samples: u64| Millis::from_micros(samples.saturating_mul(1_000_000) / u64::from(hz.max(1)));
    tally
        .hotness()
        .map(|(symbol, hotness)| Hotspot {
            symbol: symbol.to_owned(),
            score: Share::of(hotness.own, all),
            time_ms: time(hotness.own),
            total_ms: time(hotness.total),
            samples: hotness.own,
            ..Hotspot::default()
        })
        .collect()
}
