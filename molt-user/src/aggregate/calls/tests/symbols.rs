//! What functions did.

use super::*;
use crate::aggregate::call_counts::call_counts;
use molt_mpa::model::ExceptionCount;

/// `call_counts` has the estimate where there is one; functions that were not called are not in it.
#[test]
fn counts_of_calls_are_estimates_or_counts() {
    let mut run = Run::default();
    let (main, f, g) = (run.code("<module>", 1), run.code("f", 2), run.code("g", 3));
    let site = run.site(main, 10);
    let int = run.returned("int");
    run.call(site, f, "int", int, 4);
    run.calls.undetailed(Some(site), g, Count { seen: 2, est: Some(50) });
    let symbols = run.symbols();
    let calls = |name: &str| (symbols[name].calls, symbols[name].calls_est);
    assert_eq!([calls("app.f"), calls("app.g")], [(Some(4), None), (Some(2), Some(50))]);
    assert_eq!(calls("app.<module>"), (None, None));
    let counts = [("app.f", 4), ("app.g", 50)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(call_counts(&symbols), counts.into());
    let [site] = run.sites(true).try_into().unwrap();
    let estimates: Vec<_> = site.targets.iter().map(|target| target.count_est).collect();
    assert_eq!(estimates, [None, Some(50)]);
}

/// Functions that no sample met, and those that only samples met, stand side by side.
#[test]
fn symbols_are_those_of_samples_and_of_calls() {
    let mut run = Run::default();
    let (main, f, steps, hot) =
        (run.code("<module>", 1), run.code("f", 2), run.code("steps", 3), run.code("hot", 4));
    let never = run.code("never", 5);
    run.tally.add(&[Some(Placed { code: hot, offset: 2 })], |_, _| Site::nowhere());
    let site = run.site(main, 10);
    run.call(site, f, "int", Outcome::Open, 1);
    run.calls.resumed(steps, 3);
    run.calls.resumed(steps, 4);
    assert!(run.tally.code(never).is_some());
    let symbols = run.symbols();
    let seen: Vec<_> = symbols
        .iter()
        .map(|(name, symbol)| (name.as_str(), symbol.observation, symbol.calls, symbol.resumes))
        .collect();
    let exact = Observation::Exact;
    assert_eq!(
        seen,
        [
            ("app.<module>", exact, None, None),
            ("app.f", exact, Some(1), None),
            ("app.hot", Observation::Sampled, None, None),
            ("app.steps", exact, None, Some(7))
        ]
    );
    assert_eq!(symbols["app.f"].codes[0].code_hash, Sha256Hash::of(b"f2"));
    assert_eq!(symbols["app.f"].first_line, Some(2));
}

/// An exception is raised in one function and passes through others; codes of one name are one symbol.
#[test]
fn exceptions_of_all_codes_of_a_name_add_up() {
    let mut run = Run::default();
    let (second, first) = (run.code("f", 9), run.code("f", 2));
    let [key, value] = ["KeyError", "ValueError"].map(|name| run.calls.type_id(name));
    run.calls.raised(first, value, true, 1);
    run.calls.raised(second, value, true, 2);
    run.calls.raised(second, value, false, 5);
    run.calls.raised(second, key, false, 1);
    let symbol = &run.symbols()["app.f"];
    let exception = |name: &str, raised, propagated| ExceptionCount {
        type_name: name.to_owned(),
        observation: Observation::Exact,
        raised,
        propagated,
    };
    assert_eq!(symbol.exceptions, [exception("KeyError", 0, 1), exception("ValueError", 3, 5)]);
    assert_eq!((symbol.codes.len(), symbol.first_line), (2, Some(2)));
}
