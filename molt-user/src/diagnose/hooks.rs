//! What would see a program here: each hook with its places, what a hit of it costs, and what it fills.

use super::advice::one_line;
use super::backend::Chosen;
use super::fact::Fact;
use super::trial::Trial;
use crate::aggregate::sections::{CallCoverage, EffectCoverage, Missing, Seen};
use crate::cpython::effect_sites::{EffectSites, Source};
use crate::cpython::sites::Kind;
use crate::discover::Build;
use molt_mpa::model::Section;
use serde_json::{Value, json};

/// How to get an interpreter with the probes that are missing.
const WITH_PROBES: &str =
    "use an interpreter built with ./configure --with-dtrace, as Debian's is: apt-get install python3";
/// How to get one that tells where its functions are.
const WITH_NAMES: &str =
    "use an interpreter that exports its functions, as those of distributions and of pyenv do";

/// A hook, by the name under which sections refer to it.
#[derive(Debug)]
struct Hook {
    name: &'static str,
    /// Where it is, or why it is nowhere.
    place: Result<String, String>,
    /// Nanoseconds of a hit.
    cost_ns: Option<u64>,
    remedy: Option<&'static str>,
}

/// What fills which section.
const FILLS: &[(&str, &[Section])] = &[
    ("sampler", &[Section::Symbols, Section::CallSites, Section::Hotspots]),
    (
        "calls",
        &[
            Section::Symbols,
            Section::CallSites,
            Section::SymbolsCalls,
            Section::CallCounts,
            Section::CallSitesSignatures,
            Section::Containers,
        ],
    ),
    ("returns", &[Section::CallSitesSignatures, Section::CallSitesExceptions, Section::Containers]),
    ("exceptions", &[Section::SymbolsExceptions]),
    ("audit", &[Section::SymbolsEffects]),
    ("system_calls", &[Section::SymbolsEffects]),
    ("processes", &[Section::Events]),
    ("imports", &[Section::Events]),
    ("collections", &[Section::Events]),
    ("end", &[Section::Modules]),
];

/// What a run here would see a program with.
#[derive(Debug)]
pub(super) struct Hooks {
    hooks: Vec<Hook>,
    /// How far calls would be seen by them.
    pub(super) calls: CallCoverage,
    /// How far effects and events would be.
    pub(super) effects: EffectCoverage,
}

impl Hooks {
    /// Of an interpreter, if one is asked about; else of one that has a place for everything. `attached`: it runs
    /// already.
    pub(super) fn of(trial: &Trial, backend: Chosen, build: Option<&Build>, attached: bool) -> Self {
        let probes = match (backend, &trial.hits) {
            (Chosen::Procmem(_), _) => Err("the backend procmem places no probes".to_owned()),
            (Chosen::None(why), _) => Err(why.to_owned()),
            (Chosen::Ebpf, Err(refused)) => Err(one_line(refused)),
            (Chosen::Ebpf, Ok(_)) if !trial.uprobe.is_done() => Err("the kernel refuses uprobes".to_owned()),
            (Chosen::Ebpf, Ok(cost)) => Ok(cost.trap_ns),
        };
        let sites = build.map(|build| build.call_sites().map_err(one_line_of));
        let effects = build.map(EffectSites::of);
        let [calls, returns, exceptions] = call_places(sites.as_ref());
        let source = |found: fn(&EffectSites) -> &Source| match effects.as_ref().map(found) {
            None => Ok("a probe of the interpreter's".to_owned()),
            Some(Source::Nothing) => Err("the interpreter has no place for it".to_owned()),
            Some(source) => Ok(source.to_string()),
        };
        let probe = |name, place: Result<String, String>, remedy| {
            let cost_ns = probes.as_ref().ok().copied().filter(|_| place.is_ok());
            let remedy = place.is_err().then_some(remedy);
            Hook { name, place: probes.clone().and(place), cost_ns, remedy }
        };
        let end = match build.map(|build| build.milestones().ends.len()) {
            Some(0) => Err("the interpreter exports neither Py_FinalizeEx nor Py_Exit".to_owned()),
            _ => Ok("Py_FinalizeEx and Py_Exit".to_owned()),
        };
        let imports = match effects.as_ref().map(|sites| (&sites.import_done, &sites.audit)) {
            Some((Source::Nothing, Source::Functions(_))) => Ok("audit events: no durations".to_owned()),
            _ => source(|sites| &sites.import_done),
        };
        let kernel = |name, place: &str, cost_ns| {
            let place = if backend == Chosen::Ebpf {
                Ok(place.to_owned())
            } else {
                probes.clone().map(|_| String::new())
            };
            Hook { name, place, cost_ns, remedy: None }
        };
        let sampler = match backend {
            Chosen::Ebpf => Ok("the clock of each CPU".to_owned()),
            Chosen::Procmem(_) => Ok("a thread of molt's that reads memory".to_owned()),
            Chosen::None(why) => Err(why.to_owned()),
        };
        let calls_place = probes.clone().and(calls.clone());
        let calls_coverage = coverage(calls_place, &returns, &exceptions, attached);
        let seen = EffectCoverage {
            hooked: probes.is_ok(),
            effects: effects.iter().flat_map(EffectSites::missing_effects).map(str::to_owned).collect(),
            events: effects.iter().flat_map(EffectSites::missing_events).map(str::to_owned).collect(),
        };
        // A probe on a return is another trap, which is not measured.
        let by_return = matches!(&sites, Some(Ok(sites)) if sites.kind == Kind::EvalFrame);
        let returns_ns = probes.as_ref().ok().copied().filter(|_| returns.is_ok() && !by_return);
        let hooks = vec![
            Hook { name: "sampler", place: sampler, cost_ns: None, remedy: None },
            kernel("processes", "tracepoints of fork, exec and exit", None),
            kernel("system_calls", "tracepoint of all system calls", trial.syscall_ns),
            probe("calls", calls, WITH_NAMES),
            Hook { cost_ns: returns_ns, ..probe("returns", returns, WITH_NAMES) },
            probe("exceptions", exceptions, WITH_NAMES),
            probe("audit", source(|sites| &sites.audit), WITH_PROBES),
            probe("imports", imports, WITH_PROBES),
            probe("collections", source(|sites| &sites.gc_done), WITH_PROBES),
            probe("end", end, WITH_NAMES),
        ];
        Self { hooks, calls: calls_coverage, effects: seen }
    }

    /// A line for each: where it is, and what a hit costs the program before anything is done about it.
    pub(super) fn facts(&self) -> Vec<Fact> {
        self.hooks
            .iter()
            .map(|hook| match &hook.place {
                Ok(place) => {
                    let cost = hook.cost_ns.map_or(Value::Null, |ns| json!({ "ns_per_hit": ns }));
                    let value = if cost.is_null() { json!(true) } else { cost };
                    Fact::good(hook.name, value).noted(place.clone())
                }
                Err(why) => Fact::neutral(hook.name, false)
                    .noted(why.clone())
                    .remedied(hook.remedy.map(str::to_owned)),
            })
            .collect()
    }

    /// Those that would fill a section.
    pub(super) fn filling(&self, section: Section) -> Vec<&'static str> {
        let is_there = |name: &str| self.hooks.iter().any(|hook| hook.name == name && hook.place.is_ok());
        let fills = FILLS.iter().filter(|(name, sections)| sections.contains(&section) && is_there(name));
        fills.map(|(name, _)| *name).collect()
    }
}

fn one_line_of(error: &crate::cpython::sites::NoSites) -> String {
    one_line(error)
}

/// Where starts, ends and exceptions of calls are seen.
fn call_places(
    sites: Option<&Result<&crate::cpython::sites::HookSites, String>>,
) -> [Result<String, String>; 3] {
    match sites {
        None => ["the interpreter's main loop", "the end of a frame", "PyTraceBack_Here"]
            .map(|place| Ok(place.to_owned())),
        Some(Err(why)) => [(); 3].map(|()| Err(why.clone())),
        Some(Ok(sites)) => {
            let entry = match sites.kind {
                Kind::Dispatch => format!("{} RESUME handlers", sites.entry.len()),
                Kind::EvalFrame => "the entry of _PyEval_EvalFrameDefault".to_owned(),
            };
            let exit = match &sites.exit {
                Ok(_) if sites.kind == Kind::EvalFrame => {
                    Ok("the return of _PyEval_EvalFrameDefault".to_owned())
                }
                Ok(_) => Ok("the function that clears a frame".to_owned()),
                Err(shape) => Err(shape.to_string()),
            };
            let raised = sites.trace_back_here.map(|_| "PyTraceBack_Here".to_owned());
            [Ok(entry), exit, raised.ok_or_else(|| "PyTraceBack_Here is not exported".to_owned())]
        }
    }
}

/// What calls would show, in exact mode or as long as the budget lasts.
fn coverage(
    calls: Result<String, String>,
    returns: &Result<String, String>,
    exceptions: &Result<String, String>,
    attached: bool,
) -> CallCoverage {
    let missing = |place: &Result<String, String>| match place {
        Ok(_) => Missing::Nothing,
        Err(why) => Missing::All(why.clone()),
    };
    let mut coverage = CallCoverage {
        seen: calls.map_or_else(Seen::Nothing, |_| Seen::Throughout),
        ends: missing(returns),
        exceptions: missing(exceptions),
        containers: Missing::Part("those of a part of the calls of each kind are looked into".to_owned()),
        ..CallCoverage::default()
    };
    coverage.gaps.attached = attached;
    coverage
}
