//! Codes to symbols: one entry for each name.

use super::calls::{Calls, Function, Raises, TypeId};
use super::code::{Code, Files};
use super::effects::{Effects, merge};
use super::tally::{CodeId, Tally};
use molt_mpa::model::{Code as CodeEntry, ExceptionCount, Observation, Symbol};
use molt_mpa::redact::Redactor;
use std::collections::{BTreeMap, BTreeSet};

/// Every code that was on a stack, called, or calling, by `module.qualname`.
pub fn symbols(
    tally: &Tally,
    calls: &Calls,
    files: &Files,
    redactor: &mut Redactor,
) -> BTreeMap<String, Symbol> {
    // By code, so that the first of several under one name does not depend on which was met first.
    let mut codes: BTreeMap<&Code, Option<&Function>> = tally.codes().map(|code| (code, None)).collect();
    for (id, function) in calls.functions() {
        codes.extend(tally.code(id).map(|code| (code, Some(function))));
    }
    let mut symbols: BTreeMap<String, (Symbol, Function)> = BTreeMap::new();
    for (code, function) in codes {
        let entry = code.hash.map(|code_hash| CodeEntry { code_hash, first_line: code.first_line });
        let (symbol, sum) = symbols
            .entry(code.symbol())
            .or_insert_with(|| (empty(code, files, redactor), Function::default()));
        symbol.first_line = symbol.first_line.min(Some(code.first_line));
        symbol.codes.extend(entry.filter(|entry| !symbol.codes.contains(entry)));
        if let Some(function) = function {
            symbol.observation = Observation::Exact;
            sum.merge(function);
        }
    }
    symbols.into_iter().map(|(name, (symbol, sum))| (name, with_calls(symbol, &sum, calls))).collect()
}

/// Adds what functions did to the world, and the functions that were seen by nothing else.
pub fn add_effects(
    symbols: &mut BTreeMap<String, Symbol>,
    tally: &Tally,
    effects: &Effects,
    files: &Files,
    redactor: &mut Redactor,
) {
    // By code, for the reason above.
    let ids: BTreeMap<&Code, CodeId> =
        effects.codes().filter_map(|id| tally.code(id).map(|code| (code, id))).collect();
    for (code, id) in ids {
        merge(&mut add_code(symbols, (code, Observation::Exact), files, redactor).effects, effects.of(id));
    }
}

/// Adds functions that were seen in this way to do something else, and maybe nothing besides.
pub fn add_codes(
    symbols: &mut BTreeMap<String, Symbol>,
    tally: &Tally,
    (codes, how): (impl IntoIterator<Item = CodeId>, Observation),
    files: &Files,
    redactor: &mut Redactor,
) {
    let codes: BTreeSet<&Code> = codes.into_iter().filter_map(|id| tally.code(id)).collect();
    for code in codes {
        add_code(symbols, (code, how), files, redactor);
    }
}

/// The symbol of a code that was met in this way. What exact means met as well stays exact.
fn add_code<'a>(
    symbols: &'a mut BTreeMap<String, Symbol>,
    (code, how): (&Code, Observation),
    files: &Files,
    redactor: &mut Redactor,
) -> &'a mut Symbol {
    let symbol = symbols.entry(code.symbol()).or_insert_with(|| empty(code, files, redactor));
    let entry = code.hash.map(|code_hash| CodeEntry { code_hash, first_line: code.first_line });
    symbol.codes.extend(entry.filter(|entry| !symbol.codes.contains(entry)));
    symbol.observation = symbol.observation.max(how);
    symbol
}

/// The symbol with what exact means showed of all its codes.
fn with_calls(symbol: Symbol, sum: &Function, calls: &Calls) -> Symbol {
    let exception = |(id, raises): (TypeId, Raises)| ExceptionCount {
        type_name: calls.type_name(id).to_owned(),
        observation: Observation::Exact,
        raised: raises.raised,
        propagated: raises.propagated,
    };
    Symbol {
        calls: (sum.calls.seen > 0).then_some(sum.calls.seen),
        calls_est: sum.calls.est,
        resumes: (sum.resumes > 0).then_some(sum.resumes),
        exceptions: sum.exceptions.iter().map(exception).collect(),
        ..symbol
    }
}

fn empty(code: &Code, files: &Files, redactor: &mut Redactor) -> Symbol {
    Symbol {
        module: code.module.clone(),
        qualname: code.qualname.clone(),
        kind: code.kind,
        file: Some(files.name(&code.file, redactor)),
        first_line: Some(code.first_line),
        codes: Vec::new(),
        observation: Observation::Sampled,
        calls: None,
        calls_est: None,
        resumes: None,
        effects: Vec::new(),
        exceptions: Vec::new(),
    }
}
