mod sites;
mod symbols;

use super::*;
use crate::aggregate::call_sites::{CallSites, call_sites};
use crate::aggregate::code::{Code, Files};
use crate::aggregate::symbols::symbols;
use crate::aggregate::tally::{Columns, Placed, Tally};
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{CallSite, CallTarget, Observation, Symbol, SymbolKind};
use molt_mpa::redact::{Policy, Redactor};

/// A program of which calls are seen.
#[derive(Default)]
struct Run {
    tally: Tally,
    calls: Calls,
}

impl Run {
    fn code(&mut self, qualname: &str, first_line: u32) -> CodeId {
        self.tally.intern(Code {
            module: "app".to_owned(),
            qualname: qualname.to_owned(),
            file: "app.py".to_owned(),
            first_line,
            hash: Some(Sha256Hash::of(format!("{qualname}{first_line}").as_bytes())),
            kind: SymbolKind::Function,
            lines: 0,
        })
    }

    /// A site in its own line.
    fn site(&mut self, caller: CodeId, offset: u32) -> SiteKey {
        let key = SiteKey { caller, offset };
        self.calls.site(key, || site(offset));
        key
    }

    /// Calls with one argument.
    fn call(&mut self, site: SiteKey, callee: CodeId, arg: &str, outcome: Outcome, count: u64) {
        let args = vec![Slot::Type(self.calls.type_id(arg))];
        let call = Call { site: Some(site), callee, args, cut: false, outcome };
        self.calls.call(call, Count::exact(count));
    }

    fn returned(&mut self, name: &str) -> Outcome {
        Outcome::Returned(Some(self.calls.type_id(name)))
    }

    fn raised(&mut self, name: &str) -> Outcome {
        Outcome::Raised(Some(self.calls.type_id(name)))
    }

    fn symbols(&self) -> BTreeMap<String, Symbol> {
        symbols(&self.tally, &self.calls, &Files::default(), &mut redactor())
    }

    /// Along the source.
    fn sites(&self, exact_only: bool) -> Vec<CallSite> {
        let CallSites { mut sites, .. } =
            call_sites(&self.tally, &self.calls, exact_only, &Files::default(), &mut redactor());
        sites.sort_by_key(|site| site.line);
        sites
    }

    /// The only target of the only site.
    fn target(&self) -> CallTarget {
        let [site] = self.sites(true).try_into().unwrap();
        let [target] = site.targets.try_into().unwrap();
        target
    }
}

fn redactor() -> Redactor {
    Redactor::new(Policy::None, None)
}

fn site(line: u32) -> Site {
    let columns = Some(Columns { col: 4, end_line: line, end_col: 9 });
    Site { line, columns, expr: Some("f(x)".to_owned()), basis: None }
}

/// What a target's signatures say, each as `(arg, ...) -> ret` and its count.
fn signatures(target: &CallTarget) -> Vec<(String, u64)> {
    let text = |args: &[String], ret: &Option<String>| {
        format!("({}) -> {}", args.join(", "), ret.as_deref().unwrap_or("nothing"))
    };
    target
        .signatures
        .iter()
        .map(|signature| (text(&signature.args, &signature.ret), signature.count))
        .collect()
}

/// Equal calls are one signature; without a result raised and open ones are the same.
#[test]
fn calls_become_signatures_and_exceptions() {
    let mut run = Run::default();
    let (main, f) = (run.code("<module>", 1), run.code("f", 2));
    let site = run.site(main, 10);
    let (int, error) = (run.returned("int"), run.raised("ValueError"));
    run.call(site, f, "int", int, 3);
    run.call(site, f, "str", error, 2);
    run.call(site, f, "str", Outcome::Raised(None), 1);
    run.call(site, f, "str", Outcome::Open, 1);
    run.call(site, f, "int", Outcome::Returned(None), 1);
    run.call(site, f, "int", int, 4);
    let target = run.target();
    assert_eq!((target.symbol.as_str(), target.count, target.count_est), ("app.f", 12, None));
    let expected = [("(int) -> int", 7), ("(str) -> nothing", 4), ("(int) -> ?", 1)];
    assert_eq!(signatures(&target), expected.map(|(text, count)| (text.to_owned(), count)));
    assert_eq!(target.exceptions, Some(3));
    let types = [("?", 1), ("ValueError", 2)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(target.exception_types, types.into());
}

/// The parameters that are no plain objects have words of their own.
#[test]
fn slots_are_written_as_the_format_says() {
    let mut run = Run::default();
    let (main, f) = (run.code("<module>", 1), run.code("f", 2));
    let site = Some(run.site(main, 10));
    let args = vec![Slot::Type(run.calls.type_id("app.C")), Slot::Rest, Slot::Unread, Slot::Keywords];
    for cut in [false, true] {
        let call = Call { site, callee: f, args: args.clone(), cut, outcome: Outcome::Open };
        run.calls.call(call, Count::exact(1 + u64::from(cut)));
    }
    let signatures: Vec<_> = run.target().signatures.into_iter().map(|signature| signature.args).collect();
    let whole = ["app.C", "*tuple[...]", "?", "**dict[...]"];
    assert_eq!(signatures, [[&whole[..], &["..."]].concat(), whole.to_vec()]);
}

/// Where ends are not hooked, nothing is said of exceptions: 0 would mean that there were none.
#[test]
fn exceptions_are_there_only_where_ends_are_seen() {
    let mut run = Run::default();
    let (main, f) = (run.code("<module>", 1), run.code("f", 2));
    let site = run.site(main, 10);
    run.call(site, f, "int", Outcome::Open, 5);
    assert_eq!(run.target().exceptions, None);
    let int = run.returned("int");
    run.call(site, f, "int", int, 1);
    assert_eq!(run.target().exceptions, Some(0));
}

/// What the kernel had no room for counts, and says that it has no types.
#[test]
fn undetailed_calls_count_without_types() {
    let mut run = Run::default();
    let (main, f) = (run.code("<module>", 1), run.code("f", 2));
    let site = run.site(main, 10);
    let int = run.returned("int");
    run.call(site, f, "int", int, 2);
    run.calls.undetailed(Some(site), f, Count::exact(7));
    run.calls.undetailed(None, f, Count::exact(1));
    let target = run.target();
    assert_eq!((target.count, target.undetailed), (9, 7));
    assert_eq!(run.symbols()["app.f"].calls, Some(10));
    assert_eq!(run.calls.without_detail(), 8);
}

/// A site where every call has types of its own must not grow without end, nor lose calls.
#[test]
fn memory_for_signatures_is_bounded() {
    let mut run = Run::default();
    let (main, f) = (run.code("<module>", 1), run.code("f", 2));
    let site = run.site(main, 10);
    let error = run.raised("KeyError");
    for n in 0..5_000 {
        let error = run.raised(&format!("app.E{n}"));
        run.call(site, f, &format!("app.T{n}"), error, 1);
    }
    run.call(site, f, "app.T0", error, 100);
    let [site] = run.sites(true).try_into().unwrap();
    let target = &site.targets[0];
    let kept = 256;
    assert_eq!((target.count, target.undetailed), (5_100, 5_000 - kept));
    assert_eq!((target.signatures.len() as u64, site.signatures_dropped), (32, kept - 32));
    assert_eq!(signatures(target)[0], ("(app.T0) -> nothing".to_owned(), 101));
    assert_eq!(target.exceptions, Some(5_100), "an exception counts whether or not the types had room");
    assert_eq!(run.calls.without_detail(), 5_000 - kept);
    assert_eq!((target.exception_types.len(), target.exception_types["..."]), (65, 5_000 - 64 + 100));
}

/// A program may make types without end; their names must not fill molt's memory.
#[test]
fn memory_for_names_is_bounded() {
    let mut calls = Calls::default();
    let known = calls.type_id("int");
    let ids: Vec<TypeId> = (0..140_000).map(|n| calls.type_id(&n.to_string())).collect();
    assert_eq!(calls.type_id("int"), known);
    assert_eq!(calls.type_name(ids[0]), "0");
    assert_eq!(calls.type_name(ids[139_999]), "?");
    assert_eq!(calls.type_id("0"), ids[0]);
}

/// Windows bring estimates; a count without one is the whole of what it counts.
#[test]
fn estimates_add_up_beside_the_counts() {
    let count = |seen, est| Count { seen, est };
    assert_eq!(count(2, None).plus(count(3, None)), count(5, None));
    assert_eq!(count(2, Some(20)).plus(count(3, None)), count(5, Some(23)));
    assert_eq!(Count::default().plus(count(2, Some(1))), count(2, Some(2)), "fewer than were seen");
    assert_eq!(count(1, Some(u64::MAX)).plus(count(1, Some(2))), count(2, Some(u64::MAX)));
}

/// The order in which a hash map of the kernel hands out its entries must not show.
#[test]
fn order_in_changes_nothing() {
    let artifact = |reversed: bool| {
        let mut run = Run::default();
        let mut names: Vec<String> = (0..40).map(|n| format!("T{n}")).collect();
        let mut codes: Vec<(&str, u32)> = vec![("<module>", 1), ("f", 2), ("f", 30), ("g", 4)];
        if reversed {
            names.reverse();
            codes.reverse();
        }
        for (qualname, line) in codes {
            run.code(qualname, line);
        }
        let (main, f, other) = (run.code("<module>", 1), run.code("f", 2), run.code("f", 30));
        let key = run.site(main, 10);
        for name in &names {
            let outcome = run.raised(name);
            run.call(key, f, name, outcome, 1);
            run.call(key, other, name, Outcome::Open, 1);
        }
        (run.symbols(), run.sites(true))
    };
    assert_eq!(artifact(false), artifact(true));
}
