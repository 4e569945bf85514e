//! Every statement of an artifact about a program is one that the oracle makes as well.
use std::collections::BTreeSet;

use molt_mpa::ids::SiteId;
use molt_mpa::model::{Artifact, CallSite, IdBasis, Symbol, TargetKind};

use crate::support::artifact::trace_for;
use crate::support::program::Program;
use crate::support::pythons::Interpreter;
use crate::support::truth::{Place, Truth};

/// Most statements that a failure lists.
const SHOWN: usize = 12;

/// Compares names, hashes, first lines, call edges, positions, modules and output.
///
/// The traced run is not the one that the oracle saw: a thread may make a call in one of them only, and chance
/// decides what is sampled. What is wrong is wrong again, so a comparison with faults is made once more, with
/// both runs anew and the traced one longer.
pub(crate) fn artifact_says_what_the_oracle_saw(python: &Interpreter, program: &Program) {
    if compare(python, program, SECONDS.0).is_ok() {
        return;
    }
    if let Err(faults) = compare(python, program, SECONDS.1) {
        panic!("{faults}");
    }
}

/// How long a program is traced, and how long the second time.
const SECONDS: (&str, &str) = ("0.4", "1.2");

fn compare(python: &Interpreter, program: &Program, seconds: &str) -> Result<(), String> {
    let (truth, plain) = Truth::of(python, program);
    let (artifact, traced) = trace_for(python, program, seconds);
    assert_eq!(traced.stdout, plain.stdout, "the traced program printed something else");

    let mut faults = Vec::new();
    check_header(&artifact, python, program, &mut faults);
    check_symbols(&artifact, &truth, &mut faults);
    check_call_sites(&artifact, &truth, &mut faults);
    check_modules(&artifact, &truth, &mut faults);
    check_expected(&artifact, program, &mut faults);
    if faults.is_empty() {
        return Ok(());
    }
    let count = faults.len();
    faults.truncate(SHOWN);
    Err(format!("{count} faults\n  {}\nmolt said:\n{}", faults.join("\n  "), traced.stderr))
}

fn check_header(artifact: &Artifact, python: &Interpreter, program: &Program, faults: &mut Vec<String>) {
    let version = &artifact.header.python_version;
    if *version != python.version {
        faults.push(format!("python_version is {version}, not {}", python.version));
    }
    let samples = artifact.collector.samples.unwrap_or_default();
    // A stack that is being rebuilt at the sampling instant cannot be read, nor can code that was freed before
    // it was looked up, as a module's is after its import; both must stay rare. What a program hands to eval()
    // is freed at once.
    let unresolved_one_in = if program.name == "executed" { 3 } else { 5 };
    let unresolved = samples.unresolved * unresolved_one_in;
    if samples.kept == 0 || samples.torn * 20 > samples.taken || unresolved > samples.kept {
        faults.push(format!("too few samples are good: {samples:?}, {:?}", artifact.collector.loss));
    }
    // One program has a stack of more frames than a sample's walk goes over.
    if (samples.cut > 0) != (program.name == "deep") {
        faults.push(format!("{} of {} stacks are cut", samples.cut, samples.kept));
    }
}

fn check_symbols(artifact: &Artifact, truth: &Truth, faults: &mut Vec<String>) {
    for (name, symbol) in &artifact.symbols {
        if is_outside(symbol) {
            continue;
        }
        if *name != format!("{}.{}", symbol.module, symbol.qualname) {
            faults.push(format!("symbol {name} is module {} and name {}", symbol.module, symbol.qualname));
        }
        let mut paths = BTreeSet::new();
        for code in &symbol.codes {
            let hash = code.code_hash.to_string();
            let Some(files) = truth.files(symbol, code.first_line, &hash) else {
                let known = truth.like(symbol).join(", ");
                faults.push(format!("no code {name} at line {} {hash}; known: {known}", code.first_line));
                continue;
            };
            paths.extend(files);
        }
        let file = symbol.file.as_deref().unwrap_or_default();
        if !paths.is_empty() && !paths.iter().any(|path| is_file(path, file)) {
            faults.push(format!("file of {name} is {file}, not {paths:?}"));
        }
    }
}

/// Whether the artifact's file, relative to its import root, may be the code object's.
fn is_file(path: &str, file: &str) -> bool {
    path == file || path.strip_suffix(file).is_some_and(|root| root.ends_with('/'))
}

fn check_call_sites(artifact: &Artifact, truth: &Truth, faults: &mut Vec<String>) {
    faults.extend(impossible_calls(artifact, truth).into_iter().map(|(fault, _)| fault));
}

/// Calls that the program does not make, and how often each was seen.
pub(crate) fn impossible_calls(artifact: &Artifact, truth: &Truth) -> Vec<(String, u64)> {
    let mut faults = Vec::new();
    for site in &artifact.call_sites {
        let Some(caller) = artifact.symbols.get(&site.caller) else {
            let count = site.targets.iter().map(|target| target.count).sum();
            faults.push((format!("caller {} is no symbol", site.caller), count));
            continue;
        };
        if truth.ran_at_startup(&caller.module) || is_outside(caller) {
            continue;
        }
        for target in site.targets.iter().filter(|target| target.kind == TargetKind::Py) {
            let Some(callee) = artifact.symbols.get(&target.symbol) else {
                faults.push((format!("callee {} is no symbol", target.symbol), target.count));
                continue;
            };
            match truth.places(caller, callee) {
                None => {
                    let fault = format!("{} never called {}", site.caller, target.symbol);
                    faults.push((fault, target.count));
                }
                // Under the oracle atexit is imported already, so that the program's own import of it calls
                // nothing.
                Some(_) if caller.qualname == "<module>" && callee.qualname == "_find_and_load" => {}
                Some(places) if !places.iter().any(|place| is_place(site, place)) => {
                    let site = format!("{}:{:?}-{:?}:{:?}", site.line, site.col, site.end_line, site.end_col);
                    let fault =
                        format!("{} called {} at {places:?}, not {site}", caller.qualname, target.symbol);
                    faults.push((fault, target.count));
                }
                Some(_) => {}
            }
        }
    }
    faults
}

/// Whether a call site is at this place, and its id is what the place makes it.
fn is_place(site: &CallSite, place: &Place) -> bool {
    let Some(columns) = &place.columns else {
        // Without columns the expression was found in the source, and surrounds the instruction's line.
        let has_no_columns = matches!(site.id_basis, Some(IdBasis::Line | IdBasis::Code));
        return has_no_columns && (site.line..=site.end_line.unwrap_or(site.line)).contains(&place.line);
    };
    let id = match (site.id_basis, &columns.text) {
        (None, Some(expr)) => SiteId::Text { col: columns.col, expr },
        (Some(IdBasis::Position), _) => {
            SiteId::Position { col: columns.col, end_line: columns.end_line, end_col: columns.end_col }
        }
        _ => return false,
    };
    let expected = (place.line, Some(columns.col), Some(columns.end_line), Some(columns.end_col));
    expected == (site.line, site.col, site.end_line, site.end_col)
        && site.id == id.hash(&site.file, site.line)
}

fn check_modules(artifact: &Artifact, truth: &Truth, faults: &mut Vec<String>) {
    let known: BTreeSet<&String> = artifact.modules.keys().collect();
    let missing: Vec<&String> = truth.modules.iter().filter(|name| !known.contains(name)).collect();
    if !missing.is_empty() {
        faults.push(format!("modules are missing: {missing:?}"));
    }
}

fn check_expected(artifact: &Artifact, program: &Program, faults: &mut Vec<String>) {
    for name in program.says("expect") {
        if !artifact.hotspots.iter().any(|hotspot| hotspot.symbol == name) {
            faults.push(format!("{name} is not among the {} hotspots", artifact.hotspots.len()));
        }
    }
}

/// What runs where the oracle cannot look: the system's own start-up hook, which the oracle's replaces, lines of
/// .pth files, which are executed as `site` or without a name, and from 3.11 on what computes `sys.path` before
/// there are modules.
fn is_outside(symbol: &Symbol) -> bool {
    matches!(symbol.module.as_str(), "sitecustomize" | "apport_python_hook")
        || (matches!(symbol.module.as_str(), "site" | "<unnamed>") && symbol.qualname == "<module>")
        || symbol.file.as_deref() == Some("<frozen getpath>")
}
