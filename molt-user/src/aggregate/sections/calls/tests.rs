use super::*;
use crate::aggregate::sections::{Coverage, states};
use molt_mpa::model::{Section, Status};
use std::collections::BTreeMap;

/// Sections that calls alone fill.
const OF_CALLS: [Section; 6] = [
    Section::CallCounts,
    Section::CallSitesExceptions,
    Section::CallSitesSignatures,
    Section::Containers,
    Section::SymbolsCalls,
    Section::SymbolsExceptions,
];

fn all(calls: CallCoverage) -> BTreeMap<Section, SectionState> {
    states(&Coverage { sampled: true, calls, ..Coverage::default() }).collect()
}

fn throughout() -> CallCoverage {
    CallCoverage { seen: Seen::Throughout, ..CallCoverage::default() }
}

/// The sections that are not complete, with the reason.
fn incomplete(calls: CallCoverage) -> Vec<(Section, Status, String)> {
    let states = all(calls);
    OF_CALLS
        .into_iter()
        .map(|section| (section, states[&section].clone()))
        .filter(|(_, state)| state.status != Status::Complete)
        .map(|(section, state)| (section, state.status, state.reason.unwrap()))
        .collect()
}

/// From beginning to end with nothing lost; C functions have no hook all the same.
#[test]
fn every_call_of_a_run_makes_the_sections_complete() {
    assert_eq!(incomplete(throughout()), []);
    let states = all(throughout());
    assert_eq!(states[&Section::Symbols], SectionState::complete());
    assert_eq!(states[&Section::CallSites].status, Status::Partial);
    assert_eq!(states[&Section::Hotspots].status, Status::Sampled);
}

/// Without hooks the reason stands at each section, and samples fill what they can.
#[test]
fn without_hooks_the_reason_is_given() {
    let seen = Seen::Nothing("this build has no dispatch table".to_owned());
    let found = incomplete(CallCoverage { seen, ..CallCoverage::default() });
    let reason = "this build has no dispatch table".to_owned();
    assert_eq!(found, OF_CALLS.map(|section| (section, Status::Unavailable, reason.clone())));
    assert_eq!(all(CallCoverage::default())[&Section::CallSites].status, Status::Sampled);
}

/// How much windows saw is said in words.
#[test]
fn windows_say_how_long_they_were_open() {
    let millis = |millis: u64| Millis::from_micros(millis * 1_000);
    let seen = Seen::Windows { count: 12, open: millis(340), cpu: millis(25_007) };
    let found = incomplete(CallCoverage { seen, ..CallCoverage::default() });
    let reason = "12 windows of together 0.340 s of 25.007 s of CPU time".to_owned();
    assert_eq!(found, OF_CALLS.map(|section| (section, Status::Partial, reason.clone())));
    let seen = Seen::Windows { count: 1, open: millis(1), cpu: millis(9) };
    let calls = CallCoverage { seen, ..CallCoverage::default() };
    assert_eq!(incomplete(calls.clone())[0].2, "1 window of together 0.001 s of 0.009 s of CPU time");
    assert_eq!(
        all(calls)[&Section::Symbols].reason.as_deref(),
        Some(
            "1 window of together 0.001 s of 0.009 s of CPU time; outside of them what was on a stack when a sample was taken"
        )
    );
}

/// Each gap by itself keeps every section from being complete, and all are named.
#[test]
fn each_gap_is_named() {
    for (gaps, reason) in [
        (Gaps { attached: true, ..Gaps::default() }, "what had run before molt attached was not seen"),
        (Gaps { late: 1, ..Gaps::default() }, "the beginning of 1 process was not seen"),
        (
            Gaps { unhooked: Some((2, "no dispatch table".to_owned())), ..Gaps::default() },
            "2 processes could not be hooked: no dispatch table",
        ),
        (Gaps { lost: 5, ..Gaps::default() }, "5 hits of hooks were lost"),
    ] {
        let found = incomplete(CallCoverage { gaps, ..throughout() });
        assert_eq!(found, OF_CALLS.map(|section| (section, Status::Partial, reason.to_owned())));
    }
    let gaps = Gaps { attached: true, late: 3, ..Gaps::default() };
    let found = incomplete(CallCoverage { gaps, ..throughout() });
    assert_eq!(
        found[0].2,
        "what had run before molt attached was not seen; the beginning of 3 processes was not seen"
    );
}

/// Calls without types are calls: they are missing where types and ends stand, and nowhere else.
#[test]
fn undetailed_calls_are_missing_among_types_and_ends() {
    let gaps = Gaps { undetailed: 9, ..Gaps::default() };
    let found = incomplete(CallCoverage { gaps, ..throughout() });
    let reason = "9 calls were counted without types: a table was full".to_owned();
    assert_eq!(
        found,
        [Section::CallSitesExceptions, Section::CallSitesSignatures].map(|section| (
            section,
            Status::Partial,
            reason.clone()
        ))
    );
}

/// What a build does not show is missing in its own section; results are a part of signatures.
#[test]
fn what_is_not_seen_at_calls_is_said_where_it_belongs() {
    let none = || Missing::All("none".to_owned());
    let some = || Missing::Part("some".to_owned());
    let unavailable = |section| (section, Status::Unavailable, "none".to_owned());
    let partial = |section, reason: &str| (section, Status::Partial, reason.to_owned());
    assert_eq!(
        incomplete(CallCoverage { ends: none(), ..throughout() }),
        [
            unavailable(Section::CallSitesExceptions),
            partial(Section::CallSitesSignatures, "results are not seen: none")
        ]
    );
    assert_eq!(
        incomplete(CallCoverage { ends: some(), ..throughout() }),
        [partial(Section::CallSitesExceptions, "some"), partial(Section::CallSitesSignatures, "some")]
    );
    assert_eq!(
        incomplete(CallCoverage { exceptions: none(), containers: some(), ..throughout() }),
        [partial(Section::Containers, "some"), unavailable(Section::SymbolsExceptions)]
    );
}
