use super::*;
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{
    Arch, Backend, Collector, Header, Mode, Observation, Os, Overhead, Platform, RunMetadata, SectionState,
    SymbolKind, Window,
};
use molt_mpa::quantity::Millis;
use std::time::SystemTime;

/// An artifact of functions with these calls, and estimates of them.
fn artifact(calls: &[(u64, Option<u64>)], state: SectionState) -> Artifact {
    let run = RunMetadata {
        entrypoint: "app.py".to_owned(),
        argv: Vec::new(),
        env_fingerprint: Sha256Hash::of(b""),
        inputs_fingerprint: Sha256Hash::of(b""),
        duration_ms: Millis::default(),
        gc: None,
    };
    let platform = Platform { os: Os::Linux, arch: Arch::X86_64 };
    let header = Header::cpython("3.13.5", platform, run, SystemTime::UNIX_EPOCH);
    let mut artifact = Artifact::new(header, Collector::new(Backend::Ebpf, Mode::Exact));
    artifact.collector.set(Section::SymbolsCalls, state);
    for (index, (calls, calls_est)) in calls.iter().enumerate() {
        let symbol = Symbol {
            module: "app".to_owned(),
            qualname: format!("f{index}"),
            kind: SymbolKind::Function,
            file: None,
            first_line: None,
            codes: Vec::new(),
            observation: Observation::Exact,
            calls: Some(*calls),
            calls_est: *calls_est,
            resumes: None,
            effects: Vec::new(),
            exceptions: Vec::new(),
        };
        artifact.symbols.insert(format!("app.f{index}"), symbol);
    }
    artifact
}

fn partial() -> SectionState {
    SectionState::partial("windows")
}

/// A sampled run has nothing to say of calls.
#[test]
fn nothing_is_said_where_nothing_was_seen() {
    assert_eq!(lines(&artifact(&[], SectionState::unavailable("sampled"))), [""; 0]);
}

/// Hundred percent are said only where the artifact says that nothing is missing.
#[test]
fn a_complete_run_says_so() {
    let calls = [(12_000, None), (345, None)];
    assert_eq!(lines(&artifact(&calls, SectionState::complete())), ["12,345 calls exactly (100 %)"]);
    assert_eq!(lines(&artifact(&calls, partial())), ["12,345 calls exactly"]);
}

/// Windows: which part of the calls they saw, how long they were, what they cost.
#[test]
fn windows_say_how_much_they_saw() {
    let mut artifact = artifact(&[(999, Some(99_900)), (1, None)], partial());
    artifact.collector.windows =
        vec![Window { start_ms: Millis::default(), duration_ms: Millis::from_micros(1_020_000) }; 3];
    artifact.collector.coverage = Some(Share::of(987, 1_000));
    artifact.collector.overhead = Some(Overhead {
        budget: Some(Share::of(1, 100)),
        spent: Some(Share::of(84, 10_000)),
        target_cpu_ms: None,
    });
    assert_eq!(
        lines(&artifact),
        [
            "1,000 calls exactly (1 % of about 99,901) in 3 windows of 3.060 s, 98.7 % of samples in functions seen so",
            "overhead 0.84 % of CPU time, of 1 % allowed"
        ]
    );
}

/// Shares and numbers as people write them.
#[test]
fn numbers_are_short() {
    let percents = [0, 99, 100, 12_345, 250_000, 1_000_000, 2_500_000];
    let texts = percents.map(|millionths| percent(Share::of(millionths, 1_000_000)));
    assert_eq!(texts, ["0", "0", "0.01", "1.2", "25", "100", "250"]);
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
}
