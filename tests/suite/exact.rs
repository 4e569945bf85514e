//! `--mode exact`: every call, its types and its outcome, against what the oracle counted.
mod named;
mod repeat;

use molt_mpa::model::{Artifact, Mode};

pub(crate) use self::repeat::two_exact_runs_are_equal;
use crate::support::artifact::{trace_exact, trace_exact_one_by_one};
use crate::support::facts::{Fact, Facts};
use crate::support::process::Ended;
use crate::support::program::{Program, script};
use crate::support::pythons::Interpreter;
use crate::support::truth::Truth;

/// Most differences that a failure lists.
const SHOWN: usize = 60;

/// All calls that the program's own functions make or are the target of are the same, with the types of their
/// arguments and results, and all exceptions in its functions; but for the differences that are named.
///
/// Objects that are freed within microseconds may be lost now and then on a busy machine, which the artifact says.
/// What is wrong is wrong again, so a comparison with faults is made once more, with both runs anew.
pub(crate) fn every_call_is_as_the_oracle_saw_it(python: &Interpreter, program: &Program) {
    compare_runs(python, program, trace_exact);
}

/// The same where each probe is placed by itself, as on kernels before 6.6.
pub(crate) fn probes_placed_one_by_one_see_the_same(python: &Interpreter) {
    compare_runs(python, &script("exact/methods"), trace_exact_one_by_one);
}

/// How a program is traced.
type Trace = fn(&Interpreter, &Program) -> (Artifact, Ended);

fn compare_runs(python: &Interpreter, program: &Program, trace: Trace) {
    if faults(python, program, trace).is_ok() {
        return;
    }
    if let Err(told) = faults(python, program, trace) {
        panic!("{told}");
    }
}

fn faults(python: &Interpreter, program: &Program, trace: Trace) -> Result<(), String> {
    let (truth, plain) = Truth::of(python, program);
    let (artifact, traced) = trace(python, program);
    assert_eq!(traced.stdout, plain.stdout, "the traced program printed something else");
    assert_eq!(artifact.collector.mode, Mode::Exact);
    let modules = modules(program);
    let seen = Facts::of(&artifact).about(&modules);
    let truth = truth.facts.about(&modules).at_lines_of(&seen);
    let seen = seen.at_lines_of(&seen);
    let faults = compare(&named::forgiven(python, program, truth, &seen), &seen);
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!("{}\nmolt said:\n{}", told(&faults), traced.stderr))
}

/// The modules whose calls are compared. Others also ran before the oracle could look.
fn modules(program: &Program) -> Vec<String> {
    let mut modules = program.says("modules");
    modules.push("__main__".to_owned());
    modules
}

fn compare(truth: &Facts, seen: &Facts) -> Vec<String> {
    let differences = truth.differences(seen);
    differences.into_iter().map(|(fact, truth, seen)| format!("{seen}, not {truth} {fact}")).collect()
}

fn told(faults: &[String]) -> String {
    let shown = faults.get(..SHOWN).unwrap_or(faults);
    format!("{} differences\n  {}", faults.len(), shown.join("\n  "))
}

/// Whatever number is changed, missing or too many, the comparison says so.
pub(crate) fn comparison_finds_each_kind_of_fault(python: &Interpreter) {
    let program = script("exact/exceptions");
    let (truth, _) = Truth::of(python, &program);
    let truth = truth.facts.about(&modules(&program));
    assert!(compare(&truth, &truth).is_empty());
    let mut kinds = std::collections::BTreeSet::new();
    for (fact, _) in truth.iter() {
        let (mut more, mut none) = (truth.clone(), truth.clone());
        more.add(fact.clone(), 1);
        none.take(fact, u64::MAX);
        for wrong in [more, none] {
            let faults = compare(&truth, &wrong);
            assert!(matches!(&faults[..], [fault] if fault.ends_with(&fact.to_string())), "{faults:?}");
        }
        kinds.insert(kind(fact));
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::Calls(_) => "calls",
        Fact::Resumes(_) => "resumes",
        Fact::Edge(_) => "edge",
        Fact::Signature { .. } => "signature",
        Fact::Failed { .. } => "failed",
        Fact::Exception { raised: true, .. } => "raised",
        Fact::Exception { raised: false, .. } => "passed through",
    }
}
