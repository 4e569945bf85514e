//! Codes to symbols: one entry for each name.

use super::code::{Code, Files};
use super::tally::Tally;
use molt_mpa::model::{Code as CodeEntry, Observation, Symbol};
use molt_mpa::redact::Redactor;
use std::collections::BTreeMap;

/// Every code that was on a stack, by `module.qualname`.
pub fn symbols(tally: &Tally, files: &Files, redactor: &mut Redactor) -> BTreeMap<String, Symbol> {
    let mut symbols: BTreeMap<String, Symbol> = BTreeMap::new();
    for code in tally.codes() {
        let entry = code.hash.map(|code_hash| CodeEntry { code_hash, first_line: code.first_line });
        let symbol = symbols.entry(code.symbol()).or_insert_with(|| empty(code, files, redactor));
        symbol.first_line = symbol.first_line.min(Some(code.first_line));
        symbol.codes.extend(entry);
    }
    symbols
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
        effects: Vec::new(),
        exceptions: Vec::new(),
    }
}
