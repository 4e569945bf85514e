//! What an exact artifact cannot say, by version and program: docs/calls.md names the same differences.
use crate::support::facts::{Edge, Fact, Facts};
use crate::support::program::Program;
use crate::support::pythons::Interpreter;

/// A difference from the oracle that is known, and no fault.
struct Named {
    /// Where it may occur.
    applies: fn(&Interpreter, &Program) -> bool,
    /// Makes the oracle's facts say what the artifact says, as far as the difference goes.
    forgive: fn(&mut Facts, &Facts),
}

const NAMED: &[Named] = &[
    // The commonest signatures of a place are kept; importlib calls the bodies of all modules from one place.
    Named { applies: |_, _| true, forgive: rare_signatures_may_be_missing },
    // 3.11 clears the frame of a generator after it has made a RuntimeError of a StopIteration that left it
    // (gen_send_ex2, Objects/genobject.c).
    Named {
        applies: |python, program| python.minor() == 11 && program.name == "exact/exceptions",
        forgive: stop_iteration_may_be_runtime_error,
    },
    // Debian's compiler made a copy of the function that ends frames, for those that C code calls.
    Named { applies: |python, _| python.name == "system-3.11", forgive: results_may_be_missing },
    // Up to 3.10 ends are returns of the evaluation function, of which the kernel keeps track of 64 nested ones
    // (MAX_URETPROBE_DEPTH, include/linux/uprobes.h).
    Named {
        applies: |python, program| python.minor() <= 10 && program.name == "exact/recursion",
        forgive: results_may_be_missing,
    },
    // Up to 3.10 code has no qualified name; the class that would tell it is gone as soon as the loop goes on.
    Named {
        applies: |python, program| python.minor() <= 10 && program.name == "exact/executed",
        forgive: methods_may_have_bare_names,
    },
    // From 3.12 on a code object is instrumented when it first runs after each switch of tracing, and the
    // instruction at which it was called is then executed again.
    Named {
        applies: |python, program| python.minor() >= 12 && program.name == "exact/traced",
        forgive: calls_may_be_counted_again,
    },
    // Instrumentation of lines hides the opcode by which a frame returns, and with it the place of the result.
    Named {
        applies: |python, program| python.minor() >= 12 && program.name == "exact/traced",
        forgive: results_may_be_unread,
    },
];

/// How often `traced.py` switches tracing on or off.
const SWITCHES: u64 = 4;

/// The oracle's facts but for the named differences of this program on this interpreter.
pub(crate) fn forgiven(python: &Interpreter, program: &Program, mut truth: Facts, seen: &Facts) -> Facts {
    for named in NAMED.iter().filter(|named| (named.applies)(python, program)) {
        (named.forgive)(&mut truth, seen);
    }
    truth
}

fn rare_signatures_may_be_missing(truth: &mut Facts, seen: &Facts) {
    for (fact, count) in truth.clone().iter() {
        if matches!(fact, Fact::Signature { edge, .. } if seen.is_cut(edge)) && seen.count(fact) == 0 {
            truth.take(fact, count);
        }
    }
}

fn results_may_be_missing(truth: &mut Facts, seen: &Facts) {
    for (fact, count) in truth.clone().iter() {
        let missing = count.saturating_sub(seen.count(fact));
        match fact {
            Fact::Signature { edge, args, ret: Some(_) } => {
                truth.take(fact, missing);
                let unknown = Fact::Signature { edge: edge.clone(), args: args.clone(), ret: None };
                truth.add(unknown, missing);
            }
            Fact::Failed { .. } => truth.take(fact, missing),
            _ => {}
        }
    }
}

fn results_may_be_unread(truth: &mut Facts, seen: &Facts) {
    for (fact, count) in truth.clone().iter() {
        if let Fact::Signature { edge, args, ret: Some(_) } = fact {
            let unread =
                Fact::Signature { edge: edge.clone(), args: args.clone(), ret: Some("?".to_owned()) };
            let missing = count.saturating_sub(seen.count(fact)).min(seen.count(&unread));
            truth.take(fact, missing);
            truth.add(unread, missing);
        }
    }
}

fn stop_iteration_may_be_runtime_error(truth: &mut Facts, seen: &Facts) {
    for (fact, count) in truth.clone().iter() {
        if let Fact::Failed { edge, type_name } = fact
            && type_name == "StopIteration"
        {
            let type_name = "RuntimeError".to_owned();
            let turned = Fact::Failed { edge: edge.clone(), type_name };
            let turned_count = seen.count(&turned).min(count);
            truth.take(fact, turned_count);
            truth.add(turned, turned_count);
        }
    }
}

fn methods_may_have_bare_names(truth: &mut Facts, seen: &Facts) {
    let bare = |name: &str| name.replace("generated.Made.method", "generated.method");
    let edge = |edge: &Edge| Edge { caller: bare(&edge.caller), callee: bare(&edge.callee), ..edge.clone() };
    for (fact, count) in truth.clone().iter() {
        let renamed = match fact {
            Fact::Calls(name) => Fact::Calls(bare(name)),
            Fact::Edge(found) => Fact::Edge(edge(found)),
            Fact::Signature { edge: found, args, ret } => {
                Fact::Signature { edge: edge(found), args: args.clone(), ret: ret.clone() }
            }
            other => other.clone(),
        };
        if renamed != *fact {
            let moved = seen.count(&renamed).min(count);
            truth.take(fact, moved);
            truth.add(renamed, moved);
        }
    }
}

fn calls_may_be_counted_again(truth: &mut Facts, seen: &Facts) {
    for (fact, count) in seen.iter() {
        let more = count.saturating_sub(truth.count(fact));
        let is_start = matches!(fact, Fact::Calls(_) | Fact::Edge(_) | Fact::Signature { ret: None, .. });
        if is_start && more <= SWITCHES {
            truth.add(fact.clone(), more);
        }
    }
}
