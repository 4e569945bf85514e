//! All sections together: what is counted makes a sound artifact.

use super::call_counts::call_counts;
use super::call_sites::call_sites;
use super::calls::{Call, Calls, Count, Outcome, Slot};
use super::code::{Code, Files};
use super::containers::{Containers, Contents, Key, Look, Place};
use super::effort::{Windows, coverage, overhead};
use super::hotspots::hotspots;
use super::sections::{CallCoverage, Coverage, Gaps, Seen, states};
use super::symbols::symbols;
use super::tally::{CodeId, Columns, Placed, Site, SiteKey, Tally};
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{
    Arch, Artifact, Backend, Collector, Header, Mode, Observation, Os, Platform, RunMetadata, SymbolKind,
};
use molt_mpa::quantity::{Millis, Share};
use molt_mpa::redact::{Policy, Redactor};
use molt_mpa::validate::validate_slice;
use std::time::SystemTime;

/// A run in windows: everything that the artifact can say of calls is in it. `order` is that in which equal
/// facts are handed over.
fn run(order: &[u32]) -> Artifact {
    let (mut tally, mut calls, mut containers) = (Tally::default(), Calls::default(), Containers::default());
    let mut code = |qualname: &str, first_line| {
        tally.intern(Code {
            module: "app".to_owned(),
            qualname: qualname.to_owned(),
            file: "/srv/app.py".to_owned(),
            first_line,
            hash: Some(Sha256Hash::of(&[0x5a])),
            kind: SymbolKind::Function,
            lines: 0,
        })
    };
    let callees: Vec<CodeId> = order.iter().map(|n| code(&format!("f{n}"), *n)).collect();
    let main = code("<module>", 1);
    for (n, callee) in order.iter().zip(callees) {
        let site = SiteKey { caller: main, offset: n % 3 * 2 };
        let columns = Some(Columns { col: 0, end_line: 7 + site.offset, end_col: 4 });
        let at = || Site { line: 7 + site.offset, columns, expr: None, basis: None };
        calls.site(site, at);
        let [int, error] =
            [format!("app.T{}", n % 40), "KeyError".to_owned()].map(|name| calls.type_id(&name));
        for outcome in [Outcome::Returned(Some(int)), Outcome::Raised(Some(error)), Outcome::Open] {
            let args = vec![Slot::Type(int), Slot::Rest, Slot::Keywords, Slot::Unread];
            let call = Call { site: Some(site), callee, args, cut: n % 2 == 0, outcome };
            calls.call(call, Count { seen: 2, est: Some(33) });
        }
        calls.undetailed(Some(site), callee, Count { seen: 5, est: Some(50) });
        calls.undetailed(None, callee, Count::exact(1));
        calls.resumed(callee, 3);
        calls.raised(callee, error, n % 2 == 0, 4);
        let list = Look { length: 9, contents: Contents::List(vec![int, error]) };
        let dict = Look { length: 1, contents: Contents::Dict(vec![(Key::Str("/etc".to_owned()), int)]) };
        for place in [
            Place::Param(callee, "x".to_owned()),
            Place::Returned(callee),
            Place::Argument(site, 0),
            Place::Result(site),
        ] {
            containers.add(place.clone(), &list);
            containers.add(place, &dict);
        }
        let frame = |code, offset| Some(Placed { code, offset });
        tally.add(&[frame(callee, 2), frame(main, 2)], |_, _| at());
    }
    artifact(&tally, &calls, &containers)
}

fn artifact(tally: &Tally, calls: &Calls, containers: &Containers) -> Artifact {
    let mut redactor = Redactor::new(Policy::Hash, None);
    let files = Files::default();
    let run = RunMetadata {
        entrypoint: "app.py".to_owned(),
        argv: Vec::new(),
        env_fingerprint: Sha256Hash::of(b""),
        inputs_fingerprint: Sha256Hash::of(b""),
        duration_ms: Millis::from_micros(9_000),
        gc: None,
    };
    let platform = Platform { os: Os::Linux, arch: Arch::X86_64 };
    let header = Header::cpython("3.13.5", platform, run, SystemTime::UNIX_EPOCH);
    let mut artifact = Artifact::new(header, Collector::new(Backend::Ebpf, Mode::Windows));
    let mut windows = Windows::default();
    windows.open(Millis::from_micros(1_000));
    windows.close(Millis::from_micros(3_000));
    let found = call_sites(tally, calls, false, &files, &mut redactor);
    artifact.symbols = symbols(tally, calls, &files, &mut redactor);
    artifact.call_counts = call_counts(&artifact.symbols);
    artifact.containers = containers.section(Observation::Sampled, tally, calls, &found.ids, &mut redactor);
    artifact.call_sites = found.sites;
    artifact.hotspots = hotspots(tally, 99);
    artifact.events = windows.events().collect();
    let cpu = Millis::from_micros(8_000);
    let seen = Seen::Windows { count: 1, open: Millis::from_micros(2_000), cpu };
    let gaps = Gaps { attached: true, undetailed: calls.without_detail(), ..Gaps::default() };
    let calls_seen = CallCoverage { seen, gaps, ..CallCoverage::default() };
    let collector = &mut artifact.collector;
    for (section, state) in states(&Coverage { sampled: true, calls: calls_seen, ..Coverage::default() }) {
        collector.set(section, state);
    }
    collector.overhead = Some(overhead(Some(Share::of(1, 100)), 70_000, 8_000_000));
    collector.coverage = coverage(tally, calls);
    collector.windows = windows.list().to_vec();
    artifact.redactions = redactor.summary();
    artifact.normalize();
    artifact
}

/// The checks of `molt validate` hold for all of it.
#[test]
fn what_is_counted_makes_a_sound_artifact() {
    let artifact = run(&(0..100).collect::<Vec<_>>());
    let findings = validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap();
    assert_eq!(findings.faults, []);
    assert_eq!((artifact.symbols.len(), artifact.call_sites.len()), (101, 3));
    assert_eq!((artifact.call_counts.len(), artifact.containers.len()), (100, 206));
    assert_eq!(artifact.collector.coverage, Some(Share::of(1, 1)));
    assert!(artifact.call_sites.iter().all(|site| site.signatures_dropped > 0));
}

/// The kernel's maps and the samples come in any order; the file does not show it.
#[test]
fn the_order_of_facts_does_not_show() {
    let order: Vec<u32> = (0..100).collect();
    let shuffled: Vec<u32> = order.iter().map(|n| n * 37 % 100).collect();
    assert_eq!(run(&order), run(&shuffled));
}
