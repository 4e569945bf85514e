//! Where calls were made from.

use super::*;

/// A site that both met keeps exact counts, and says of a target that only samples met how it was met.
#[test]
fn exact_counts_win_over_samples() {
    let mut run = Run::default();
    let (main, f, g) = (run.code("<module>", 1), run.code("f", 2), run.code("g", 3));
    let at = run.site(main, 10);
    let stack =
        |callee, offset| [Some(Placed { code: callee, offset: 0 }), Some(Placed { code: main, offset })];
    for callee in [f, f, f, g] {
        // Another callee can lead to another description: it must not make another site.
        run.tally.add(&stack(callee, 10), |_, _| Site::nowhere());
    }
    run.tally.add(&stack(g, 20), |key, _| site(key.offset));
    run.call(at, f, "int", Outcome::Open, 2);
    let sites = run.sites(false);
    let met: Vec<_> = sites
        .iter()
        .map(|site| {
            let target = |target: &CallTarget| (target.symbol.clone(), target.count, target.observation);
            (site.line, site.observation, site.targets.iter().map(target).collect::<Vec<_>>())
        })
        .collect();
    let sampled = Observation::Sampled;
    assert_eq!(
        met,
        [
            (
                10,
                Observation::Exact,
                vec![("app.f".to_owned(), 2, None), ("app.g".to_owned(), 1, Some(sampled))]
            ),
            (20, sampled, vec![("app.g".to_owned(), 1, None)])
        ]
    );
    let exact = run.sites(true);
    assert_eq!(exact.iter().map(|site| (site.line, site.targets.len())).collect::<Vec<_>>(), [(10, 1)]);
}

/// Two call instructions of one expression, and two codes of one caller, are one site.
#[test]
fn places_with_one_id_are_one_site() {
    let mut run = Run::default();
    let (main, again, f) = (run.code("<module>", 1), run.code("<module>", 1 << 9), run.code("f", 2));
    let int = run.returned("int");
    for caller in [main, again] {
        for offset in [10, 12] {
            let key = SiteKey { caller, offset };
            run.calls.site(key, || site(7));
            run.call(key, f, "int", int, 1);
        }
    }
    assert_eq!(signatures(&run.target()), [("(int) -> int".to_owned(), 4)]);
    let ids = call_sites(&run.tally, &run.calls, true, &Files::default(), &mut redactor()).ids;
    assert_eq!(ids.len(), 4);
}

/// A call from a place that nothing names is counted for its callee, and as lost for the sites.
#[test]
fn sites_without_a_name_are_counted() {
    let mut run = Run::default();
    let f = run.code("f", 2);
    let nameless = run.tally.intern(Code { hash: None, ..run.tally.code(f).cloned().unwrap() });
    run.calls.site(SiteKey { caller: nameless, offset: 4 }, Site::nowhere);
    run.call(SiteKey { caller: nameless, offset: 4 }, f, "int", Outcome::Open, 3);
    let found = call_sites(&run.tally, &run.calls, true, &Files::default(), &mut redactor());
    assert_eq!((found.sites.len(), found.unnamed), (0, 3));
    assert_eq!(run.symbols()["app.f"].calls, Some(3));
}
