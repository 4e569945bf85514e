//! Counted facts about calls, as the oracle or an artifact states them, in one form.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use molt_mpa::model::{Artifact, CallSite, IdBasis, Symbol, TargetKind};

use super::truth::{Columns, Place, symbol};

/// What a number is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// Calls of a function, from wherever.
    Calls(String),
    /// Steps of generators and coroutines after the first.
    Resumes(String),
    /// Calls from one place.
    Edge(Edge),
    /// Calls from one place with these argument types and, where the call has returned, this result.
    Signature { edge: Edge, args: Vec<String>, ret: Option<String> },
    /// Calls from one place that ended in an exception of this type.
    Failed { edge: Edge, type_name: String },
    /// Exceptions of this type in a function: raised there, or passed on by what it called.
    Exception { function: String, type_name: String, raised: bool },
}

/// A place that calls, and what it calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) caller: String,
    /// Without text.
    pub(crate) place: Place,
    pub(crate) callee: String,
}

/// How often each was counted; what was not is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    counts: BTreeMap<Fact, u64>,
    /// Callers and lines that an artifact has as one place, where columns are not known.
    lines: Vec<(String, u32, u32)>,
    /// Callers and places with more signatures than an artifact keeps.
    cut: BTreeSet<(String, Place)>,
}

impl Facts {
    /// What an artifact says of calls that were all seen.
    pub(crate) fn of(artifact: &Artifact) -> Self {
        let mut facts = Self::default();
        let name = |key: &str| artifact.symbols.get(key).map_or_else(|| key.to_owned(), name_of);
        for one in artifact.symbols.values() {
            let function = name_of(one);
            facts.add(Fact::Calls(function.clone()), one.calls.unwrap_or_default());
            facts.add(Fact::Resumes(function.clone()), one.resumes.unwrap_or_default());
            for seen in &one.exceptions {
                for (raised, count) in [(true, seen.raised), (false, seen.propagated)] {
                    let type_name = seen.type_name.clone();
                    facts.add(Fact::Exception { function: function.clone(), type_name, raised }, count);
                }
            }
        }
        for site in &artifact.call_sites {
            let (caller, place) = (name(&site.caller), place_of(site));
            if place.columns.is_none() {
                facts.lines.push((caller.clone(), site.line, site.end_line.unwrap_or(site.line)));
            }
            if site.signatures_dropped > 0 {
                facts.cut.insert((caller.clone(), place.clone()));
            }
            for target in site.targets.iter().filter(|target| target.kind == TargetKind::Py) {
                let callee = name(&target.symbol);
                let edge = Edge { caller: caller.clone(), place: place.clone(), callee };
                facts.add(Fact::Edge(edge.clone()), target.count);
                for seen in &target.signatures {
                    let (args, ret) = (seen.args.clone(), seen.ret.clone());
                    facts.add(Fact::Signature { edge: edge.clone(), args, ret }, seen.count);
                }
                for (type_name, count) in &target.exception_types {
                    let type_name = type_name.clone();
                    facts.add(Fact::Failed { edge: edge.clone(), type_name }, *count);
                }
            }
        }
        facts
    }

    /// Adds to a number.
    pub(crate) fn add(&mut self, fact: Fact, count: u64) {
        if count > 0 {
            *self.counts.entry(fact).or_default() += count;
        }
    }

    /// Takes from a number; as much as there is.
    pub(crate) fn take(&mut self, fact: &Fact, count: u64) {
        let left = self.count(fact).saturating_sub(count);
        self.counts.remove(fact);
        self.add(fact.clone(), left);
    }

    pub(crate) fn count(&self, fact: &Fact) -> u64 {
        self.counts.get(fact).copied().unwrap_or_default()
    }

    /// Whether the place has more signatures than are kept.
    pub(crate) fn is_cut(&self, edge: &Edge) -> bool {
        self.cut.contains(&(edge.caller.clone(), edge.place.clone()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Fact, u64)> {
        self.counts.iter().map(|(fact, count)| (fact, *count))
    }

    /// The facts about functions of these modules, and about calls from or of them.
    pub(crate) fn about(&self, modules: &[String]) -> Self {
        let is_own = |name: &String| {
            modules.iter().any(|module| name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.')))
        };
        let mut facts = self.clone();
        facts.counts.retain(|fact, _| match fact {
            Fact::Calls(name) | Fact::Resumes(name) | Fact::Exception { function: name, .. } => is_own(name),
            Fact::Edge(edge) | Fact::Signature { edge, .. } | Fact::Failed { edge, .. } => {
                is_own(&edge.caller) || is_own(&edge.callee)
            }
        });
        facts
    }

    /// The same facts with those places that have a line only where `other` has them: an artifact gives the
    /// first line of the whole expression, the interpreter that of the instruction.
    pub(crate) fn at_lines_of(&self, other: &Self) -> Self {
        let mut facts = Self { counts: BTreeMap::new(), ..self.clone() };
        for (fact, count) in self.iter() {
            let mut fact = fact.clone();
            if let Some(edge) = fact.edge_mut().filter(|edge| edge.place.columns.is_none()) {
                let around = other.lines.iter().filter(|(caller, first, last)| {
                    *caller == edge.caller && (*first..=*last).contains(&edge.place.line)
                });
                if let Some((_, first, _)) = around.min_by_key(|(_, first, last)| last - first) {
                    edge.place.line = *first;
                }
            }
            facts.add(fact, count);
        }
        facts
    }

    /// What is not the same in both: the fact, here and there.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Vec<(&'a Fact, u64, u64)> {
        let missing = other.counts.keys().filter(|fact| !self.counts.contains_key(fact));
        let mut all: Vec<_> = self.counts.keys().chain(missing).collect();
        all.sort();
        let counted = all.into_iter().map(|fact| (fact, self.count(fact), other.count(fact)));
        counted.filter(|(_, here, there)| here != there).collect()
    }
}

impl Fact {
    fn edge_mut(&mut self) -> Option<&mut Edge> {
        match self {
            Self::Edge(edge) | Self::Signature { edge, .. } | Self::Failed { edge, .. } => Some(edge),
            Self::Calls(_) | Self::Resumes(_) | Self::Exception { .. } => None,
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Calls(function) => write!(out, "calls of {function}"),
            Self::Resumes(function) => write!(out, "resumes of {function}"),
            Self::Edge(edge) => write!(out, "calls {edge}"),
            Self::Signature { edge, args, ret } => {
                let ret = ret.as_deref().unwrap_or("no result");
                write!(out, "calls {edge} with ({}) -> {ret}", args.join(", "))
            }
            Self::Failed { edge, type_name } => write!(out, "calls {edge} that ended in {type_name}"),
            Self::Exception { function, type_name, raised: true } => {
                write!(out, "{type_name} raised in {function}")
            }
            Self::Exception { function, type_name, raised: false } => {
                write!(out, "{type_name} passed through {function}")
            }
        }
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self { caller, place: Place { line, columns }, callee } = self;
        write!(out, "from {caller}:{line}")?;
        if let Some(Columns { col, end_line, end_col, .. }) = columns {
            write!(out, ":{col}-{end_line}:{end_col}")?;
        }
        write!(out, " of {callee}")
    }
}

fn name_of(one: &Symbol) -> String {
    symbol(Some(&one.module), Some(&one.qualname))
}

fn place_of(site: &CallSite) -> Place {
    let columns = match (site.id_basis, site.col, site.end_line, site.end_col) {
        (None | Some(IdBasis::Position), Some(col), Some(end_line), Some(end_col)) => {
            Some(Columns { col, end_line, end_col, text: None })
        }
        _ => None,
    };
    Place { line: site.line, columns }
}
