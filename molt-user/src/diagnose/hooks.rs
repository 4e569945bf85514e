//! What would see a program here: each hook with its places, what a hit of it costs, and what it fills.

use super::advice::one_line;
use super::backend::Chosen;
use super::fact::Fact;
use super::trial::Trial;
use crate::aggregate::sections::{AllocationCoverage, CallCoverage, EffectCoverage, Missing, Seen};
use crate::cpython::effect_sites::{EffectSites, Source};
use crate::cpython::sites::{HookSites, Kind};
use crate::discover::Build;
use molt_common::allocation::Site;
use molt_mpa::model::Section;
use serde_json::{Value, json};

/// How to get an interpreter with the probes that are missing.
const WITH_PROBES: &str =
    "use an interpreter built with ./configure --with-dtrace, as Debian's is: apt-get install python3";
/// How to get one that tells where its functions are.
const WITH_NAMES: &str =
    "use an interpreter that exports its functions, as those of distributions and of pyenv do";

/// How to get one whose allocator is found.
const WITH_TABLES: &str =
    "use an interpreter of Debian's or one that was built without a profile, as pyenv's are";

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
    ("allocations", &[Section::HotspotsAlloc]),
    ("end", &[Section::Modules]),
];

/// What a run here would see a program with.
#[derive(Debug)]
pub(super) struct Hooks {
    list: Vec<Hook>,
    /// How far calls would be seen by them.
    pub(super) calls: CallCoverage,
    /// How far effects and events would be.
    pub(super) effects: EffectCoverage,
    /// How far requests of memory would be.
    pub(super) allocations: AllocationCoverage,
}

impl Hooks {
    /// Of an interpreter, if one is asked about; else of one that has a place for everything. `attached`: it runs
    /// already.
    pub(super) fn of(trial: &Trial, backend: Chosen, build: Option<&Build>, attached: bool) -> Self {
        let probes = probe_cost(trial, backend);
        let places = Places::of(build);
        let effects = build.map(EffectSites::of);
        let seen = EffectCoverage {
            hooked: probes.is_ok(),
            syscalls: backend == Chosen::Ebpf && trial.syscall_ns.is_some(),
            effects: effects.iter().flat_map(EffectSites::missing_effects).map(str::to_owned).collect(),
            events: effects.iter().flat_map(EffectSites::missing_events).map(str::to_owned).collect(),
        };
        let allocations = AllocationCoverage::expected(&probes.clone().and(places.allocations.clone()));
        let calls = probes.clone().and(places.calls.clone());
        let calls = coverage(calls, &places.returns, &places.exceptions, attached);
        let mut list = of_kernel(trial, backend);
        list.extend(places.into_hooks(&probes));
        Self { list, calls, effects: seen, allocations }
    }

    /// A line for each: where it is, and what a hit costs the program before anything is done about it.
    pub(super) fn facts(&self) -> Vec<Fact> {
        self.list
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
        let is_there = |name: &str| self.list.iter().any(|hook| hook.name == name && hook.place.is_ok());
        let fills = FILLS.iter().filter(|(name, sections)| sections.contains(&section) && is_there(name));
        fills.map(|(name, _)| *name).collect()
    }
}

/// Nanoseconds of a hit of a probe, or why there are none.
fn probe_cost(trial: &Trial, backend: Chosen) -> Result<u64, String> {
    match (backend, &trial.hits) {
        (Chosen::Procmem(_), _) => Err("the backend procmem places no probes".to_owned()),
        (Chosen::None(why), _) => Err(why.to_owned()),
        (Chosen::Ebpf, Err(refused)) => Err(one_line(refused)),
        (Chosen::Ebpf, Ok(_)) if !trial.uprobe.is_done() => Err("the kernel refuses uprobes".to_owned()),
        (Chosen::Ebpf, Ok(cost)) => Ok(cost.trap_ns),
    }
}

/// Hooks that need nothing of the interpreter.
fn of_kernel(trial: &Trial, backend: Chosen) -> Vec<Hook> {
    let place = |of_ebpf: &str, of_procmem: &str| match backend {
        Chosen::Ebpf => Ok(of_ebpf.to_owned()),
        Chosen::Procmem(_) if !of_procmem.is_empty() => Ok(of_procmem.to_owned()),
        Chosen::Procmem(_) => Err("the backend procmem does not watch them".to_owned()),
        Chosen::None(why) => Err(why.to_owned()),
    };
    let hook = |name, place, cost_ns| Hook { name, place, cost_ns, remedy: None };
    let processes = place("tracepoints of fork, exec and exit", "looks at /proc, a hundred times a second");
    let syscalls = place("tracepoint of all system calls", "");
    vec![
        hook("sampler", place("the clock of each CPU", "a thread of molt's that reads memory"), None),
        hook("processes", processes, None),
        hook("system_calls", syscalls, trial.syscall_ns.filter(|_| backend == Chosen::Ebpf)),
    ]
}

/// Where an interpreter's probes go, or why one goes nowhere.
#[derive(Debug)]
struct Places {
    calls: Result<String, String>,
    returns: Result<String, String>,
    /// Returns are seen by another trap than the others.
    at_return: bool,
    exceptions: Result<String, String>,
    audit: Result<String, String>,
    imports: Result<String, String>,
    collections: Result<String, String>,
    allocations: Result<String, String>,
    end: Result<String, String>,
}

impl Places {
    fn of(build: Option<&Build>) -> Self {
        let sites = build.map(|build| build.call_sites().map_err(|none| one_line(none)));
        let [calls, returns, exceptions] = call_places(sites.as_ref());
        let effects = build.map(EffectSites::of);
        let source = |found: fn(&EffectSites) -> &Source| match effects.as_ref().map(found) {
            None => Ok("a probe of the interpreter's".to_owned()),
            Some(Source::Nothing) => Err("the interpreter has no place for it".to_owned()),
            Some(source) => Ok(source.to_string()),
        };
        let imports = match effects.as_ref().map(|sites| (&sites.import_done, &sites.audit)) {
            Some((Source::Nothing, Source::Functions(_))) => Ok("audit events: no durations".to_owned()),
            _ => source(|sites| &sites.import_done),
        };
        let end = match build.map(|build| build.milestones().ends.len()) {
            Some(0) => Err("the interpreter exports neither Py_FinalizeEx nor Py_Exit".to_owned()),
            _ => Ok("Py_FinalizeEx and Py_Exit".to_owned()),
        };
        Self {
            calls,
            returns,
            at_return: matches!(&sites, Some(Ok(sites)) if sites.kind == Kind::EvalFrame),
            exceptions,
            audit: source(|sites| &sites.audit),
            imports,
            collections: source(|sites| &sites.gc_done),
            allocations: allocation_places(build),
            end,
        }
    }

    /// As hooks, where `probes` can be placed at that cost.
    fn into_hooks(self, probes: &Result<u64, String>) -> impl Iterator<Item = Hook> {
        let all = [
            ("calls", self.calls, WITH_NAMES),
            ("returns", self.returns, WITH_NAMES),
            ("exceptions", self.exceptions, WITH_NAMES),
            ("audit", self.audit, WITH_PROBES),
            ("imports", self.imports, WITH_PROBES),
            ("collections", self.collections, WITH_PROBES),
            ("allocations", self.allocations, WITH_TABLES),
            ("end", self.end, WITH_NAMES),
        ];
        all.into_iter().map(move |(name, place, remedy)| {
            // What a trap on a return costs is not measured.
            let is_measured = place.is_ok() && !(name == "returns" && self.at_return);
            let cost_ns = probes.as_ref().ok().copied().filter(|_| is_measured);
            let remedy = place.is_err().then_some(remedy);
            Hook { name, place: probes.clone().and(place), cost_ns, remedy }
        })
    }
}

/// Where requests of memory are seen.
fn allocation_places(build: Option<&Build>) -> Result<String, String> {
    match build.map(Build::allocation_sites) {
        None => Ok("the functions of the interpreter's allocator".to_owned()),
        Some(Err(why)) => Err(one_line(why)),
        Some(Ok(sites)) => {
            let entered = sites.sites.iter().filter(|place| place.site.flags & Site::COMPARED == 0).count();
            let compared = sites.sites.len() - entered;
            Ok(match compared {
                0 => format!("{entered} functions of the interpreter's allocator"),
                _ => format!(
                    "{entered} functions of the interpreter's allocator, and {compared} places that compare pointers to them"
                ),
            })
        }
    }
}

/// Where starts, ends and exceptions of calls are seen.
fn call_places(sites: Option<&Result<&HookSites, String>>) -> [Result<String, String>; 3] {
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
