//! Symbols to the map of calls that readers of the format without sections look at.

use molt_mpa::model::Symbol;
use std::collections::BTreeMap;

/// Calls of each symbol that was seen to be called: the estimate where there is one, else what was seen.
pub fn call_counts(symbols: &BTreeMap<String, Symbol>) -> BTreeMap<String, u64> {
    symbols.iter().filter_map(|(name, symbol)| Some((name.clone(), symbol.all_calls()?))).collect()
}
