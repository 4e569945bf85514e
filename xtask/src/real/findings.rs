//! What an artifact says, and what is wrong with it.

use serde_json::{Map, Value};

use super::programs::Facts;

/// Most of what was seen that may be without a name, as a part of 1.
const MOST_UNRESOLVED: f64 = 0.01;

/// An artifact's figures.
pub(super) struct Figures {
    pub samples: u64,
    /// The greatest share of samples, calls and effects that have no name.
    pub unresolved: f64,
    pub symbols: usize,
    pub call_sites: usize,
    pub types: usize,
    pub modules: usize,
}

/// The figures of an artifact.
pub(super) fn figures(artifact: &Value) -> Figures {
    let samples = number(artifact, "/collector/samples/kept");
    let loss = |cause: &str| number(artifact, &format!("/collector/loss/{cause}"));
    let symbols = map(artifact, "symbols").map(|symbols| symbols.values());
    let calls: u64 = symbols.clone().into_iter().flatten().map(|symbol| number(symbol, "/calls")).sum();
    let effects = symbols.into_iter().flatten().flat_map(|symbol| list(symbol, "effects"));
    let effects: u64 = effects.map(|effect| number(effect, "/count")).sum();
    let shares = [
        share(number(artifact, "/collector/samples/unresolved"), samples),
        share(loss("unresolved_call"), calls),
        share(loss("unresolved_effect"), effects),
    ];
    Figures {
        samples,
        unresolved: shares.into_iter().fold(0.0, f64::max),
        symbols: map(artifact, "symbols").map_or(0, Map::len),
        call_sites: list(artifact, "call_sites").len(),
        types: map(artifact, "types").map_or(0, Map::len),
        modules: map(artifact, "modules").map_or(0, Map::len),
    }
}

/// What is wrong with an artifact of a program of which these facts are known. `exact`: every call was seen.
pub(super) fn faults(artifact: &Value, facts: &Facts, exact: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, what: String| faults.extend((!holds).then_some(what));
    let figures = figures(artifact);
    // One of less than a hundred says nothing.
    let single = number(artifact, "/collector/samples/unresolved") <= 1 && figures.samples < 100;
    check(
        figures.unresolved <= MOST_UNRESOLVED || single,
        format!("{:.2} % are unresolved", figures.unresolved * 100.0),
    );
    let lost = number(artifact, "/collector/loss/ring_full");
    check(lost == 0, format!("{lost} records were lost"));
    let hot: Vec<_> = list(artifact, "hotspots").iter().take(10).map(|spot| text(spot, "symbol")).collect();
    let is_hot = hot.iter().any(|symbol| facts.hot.iter().any(|begin| symbol.starts_with(begin)));
    check(is_hot, format!("none of {:?} is hot: {}", facts.hot, hot.join(" ")));
    let module = map(artifact, "modules").and_then(|modules| modules.get(facts.module));
    let origin = module.map_or("nothing", |module| text(module, "origin"));
    check(
        origin == "site" || facts.module.starts_with("black") && origin == "app",
        format!("{} comes from {origin}", facts.module),
    );
    if let Some((name, attributes)) = facts.class {
        let found = map(artifact, "types").and_then(|types| types.get(name)?.get("attrs")?.as_object());
        let missing =
            attributes.iter().find(|attribute| found.is_none_or(|found| !found.contains_key(**attribute)));
        check(missing.is_none(), format!("{name} has no {missing:?}"));
    }
    if exact {
        for (name, count) in facts.calls {
            let found = map(artifact, "symbols").and_then(|symbols| symbols.get(*name));
            let found = found.map_or(0, |symbol| number(symbol, "/calls"));
            check(found == *count, format!("{name} was called {found} times, not {count}"));
        }
        if let Some((callee, args, ret)) = facts.signature {
            check(
                has_signature(artifact, callee, args, ret),
                format!("{callee} has no signature {args:?} -> {ret}"),
            );
        }
        let (begin, effect) = facts.effect;
        check(has_effect(artifact, begin, effect), format!("no function of {begin} has the effect {effect}"));
    }
    faults
}

/// Whether a call site has a target with these types.
fn has_signature(artifact: &Value, callee: &str, args: &[&str], ret: &str) -> bool {
    let targets = list(artifact, "call_sites").iter().flat_map(|site| list(site, "targets"));
    let signatures = targets
        .filter(|target| text(target, "symbol") == callee)
        .flat_map(|target| list(target, "signatures"));
    signatures.into_iter().any(|signature| {
        list(signature, "args").iter().map(Value::as_str).eq(args.iter().copied().map(Some))
            && text(signature, "ret") == ret
    })
}

/// Whether a function whose name begins so has the effect.
fn has_effect(artifact: &Value, begin: &str, effect: &str) -> bool {
    let symbols = map(artifact, "symbols").into_iter().flatten();
    symbols
        .filter(|(name, _)| name.starts_with(begin))
        .any(|(_, symbol)| list(symbol, "effects").iter().any(|found| text(found, "effect") == effect))
}

fn map<'a>(value: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    value.get(key)?.as_object()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What is not there is 0.
fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let share = part as f64 / (part + whole).max(1) as f64;
    share
}
