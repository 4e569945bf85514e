//! A look at a process: what its modules are now, what changed in them, and what its interpreter has counted. The
//! process runs on meanwhile.

mod unlisted;

use super::reader::Reader;
use crate::clock::{monotonic_ns, thread_cpu_ns};
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use crate::symbolize::collections::{Collected, GENERATIONS, read_collected};
use crate::symbolize::memory::Recent;
use crate::symbolize::modules::{
    Entry, Module, is_initializing, main_interpreter, read_entries, read_entry, read_import_paths,
};
use crate::symbolize::namespaces::{Changed, Namespaces};
use crate::symbolize::paths::Roots;
use molt_mpa::model::ModuleKind;
use std::collections::HashMap;
use unlisted::Unlisted;

/// How long after it was found an interpreter is looked at first: it has imported what `site` imports.
const FIRST_NS: u64 = 100_000_000;
/// Shortest and longest pause between two looks, the next one twice as long as the last: a program imports most of
/// its modules when it starts.
const PAUSES_NS: (u64, u64) = (1_000_000_000, 16_000_000_000);
/// A pause is at least so many times as long as the look before has taken: looks take 0.2 % of a processor.
const COST: u64 = 500;
/// What looks may take beyond that, once: modules that are new take longer than those that are known.
const CREDIT_NS: u64 = 300_000_000;
/// How long after an import a look comes that would come later else, and how often it does: what changes a module may
/// come soon.
const SOON_NS: u64 = 10_000_000;
const SOON: u32 = 8;
/// Most bytes of the names and files of all modules: 400 for each.
const MAX_TEXT: usize = 8 << 20;

/// What looks at one process know.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    /// When the next one is due.
    pub(super) next_ns: u64,
    /// When the last one began; 0 before the first.
    pub(super) last_ns: u64,
    pause_ns: u64,
    /// What is left of the credit.
    credit_ns: u64,
    /// Looks that may come soon.
    soon: u32,
    /// Entries of `sys.modules` that were read, but for what may still change.
    known: HashMap<Entry, Seen>,
    /// Bytes of their names.
    text: usize,
    namespaces: Namespaces,
    collected: Option<[Collected; GENERATIONS]>,
    /// What the last look could not list.
    unlisted: Unlisted,
}

/// A module as it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Option<ModuleKind>,
    pub(super) file: Option<&'a str>,
    pub(super) namespace: u64,
}

/// A module that was read.
#[derive(Clone, Debug)]
struct Seen {
    name: String,
    kind: Option<ModuleKind>,
    file: Option<String>,
    namespace: u64,
    /// Its `__spec__` while it is being imported, as far as is known; else 0.
    spec: u64,
    /// Nothing more is to be learned from reading it again.
    whole: bool,
}

/// What a look has found.
#[derive(Debug)]
pub(super) struct Look {
    /// Modules that are new, or may have changed.
    pub(super) modules: Vec<Module>,
    /// Their import roots.
    pub(super) roots: Roots,
    /// What changed in namespaces: the module's name, and the change.
    pub(super) changes: Vec<(String, Changed)>,
    /// Collections of garbage since the last look, where the interpreter counts them.
    pub(super) collected: Known<[Collected; GENERATIONS]>,
}

impl Looks {
    /// Before the first look at a process that was found at `now_ns`.
    pub(super) fn new(now_ns: u64) -> Self {
        Self {
            next_ns: now_ns + FIRST_NS,
            last_ns: 0,
            pause_ns: PAUSES_NS.0,
            credit_ns: CREDIT_NS,
            soon: SOON,
            known: HashMap::new(),
            text: 0,
            namespaces: Namespaces::default(),
            collected: None,
            unlisted: Unlisted::default(),
        }
    }

    /// Collections count from the interpreter's beginning, not from the first look on.
    pub(super) fn count_from_start(&mut self) {
        self.collected.get_or_insert_default();
    }

    /// Whether a look is due.
    pub(super) fn is_due(&self, now_ns: u64) -> bool {
        now_ns >= self.next_ns
    }

    /// A module was imported at `now_ns`.
    pub(super) fn imported(&mut self, now_ns: u64) {
        let soon_ns = now_ns.saturating_add(SOON_NS);
        if self.soon > 0 && self.last_ns > 0 && soon_ns < self.next_ns {
            self.soon -= 1;
            self.next_ns = soon_ns;
        }
    }

    /// A look that began at `began_ns` has taken so much of a processor.
    fn took(&mut self, began_ns: u64, cost_ns: u64) {
        self.last_ns = began_ns;
        let unpaid_ns = cost_ns.saturating_sub(self.credit_ns);
        self.credit_ns = self.credit_ns.saturating_sub(cost_ns);
        self.next_ns = began_ns.saturating_add(self.pause_ns.max(unpaid_ns.saturating_mul(COST)));
    }

    /// The modules that the last look has found, by name.
    pub(super) fn modules(&self) -> impl Iterator<Item = Listed<'_>> {
        let mut found: Vec<&Seen> = self.known.values().filter(|seen| seen.namespace != 0).collect();
        found.sort_by(|one, other| (&one.name, one.namespace).cmp(&(&other.name, other.namespace)));
        found.into_iter().map(|seen| Listed {
            name: &seen.name,
            kind: seen.kind,
            file: seen.file.as_deref(),
            namespace: seen.namespace,
        })
    }

    /// Whether the module at `namespace` had the name, at the last look.
    pub(super) fn has<M: molt_common::walk::Memory>(
        &self,
        objects: &Objects<'_, M>,
        namespace: u64,
        name: u64,
        text: &str,
    ) -> Option<bool> {
        self.namespaces.has(objects, namespace, name, text)
    }

    /// What the last look could not list, by cause.
    pub(super) fn losses(&self) -> [(&'static str, u64); 6] {
        self.unlisted.by_cause()
    }
}

impl Reader {
    /// Looks at the main interpreter.
    pub(super) fn look(&mut self) -> Known<Look> {
        let (began_ns, cpu_ns) = (monotonic_ns(), thread_cpu_ns());
        let paused_ns = began_ns.saturating_sub(self.looks.last_ns);
        let found = self.try_look();
        let cost_ns = thread_cpu_ns().saturating_sub(cpu_ns);
        tracing::info!(pid = self.process.pid, cost_ns, modules = self.looks.known.len(), "looked");
        self.looks.took(began_ns, cost_ns);
        // What an import has brought forward does not count.
        if found.is_ok() && paused_ns >= self.looks.pause_ns {
            self.looks.pause_ns = (self.looks.pause_ns * 2).min(PAUSES_NS.1);
        }
        found
    }

    fn try_look(&mut self) -> Known<Look> {
        let runtime = self.interpreter.runtime();
        let interp = main_interpreter(&self.memory, &self.layout, runtime)?;
        let (entries, cut) = read_entries(&self.memory, &self.layout, interp)?;
        // Before what is told once only.
        let paths = read_import_paths(&self.memory, &self.layout, interp)?;
        let mut lost = Unlisted { changes: self.looks.unlisted.changes, ..Unlisted::default() };
        let modules = self.read_new(&entries, &mut lost);
        // Before the interpreter has begun, and when it has been torn down, there is a dict of another kind.
        if !self.looks.known.values().any(|seen| seen.name == "builtins") {
            self.looks.known.clear();
            return Err(Unknown::Malformed);
        }
        lost.further += u64::from(cut);
        let changes = self.compare(&mut lost);
        let collected = self.collect(runtime);
        self.looks.unlisted = lost;
        Ok(Look { modules, roots: self.roots(paths), changes, collected })
    }

    /// Reads the entries that are new, or of which more may be learned, and forgets those that are gone.
    fn read_new(&mut self, entries: &[Entry], lost: &mut Unlisted) -> Vec<Module> {
        let mut known = HashMap::with_capacity(entries.len());
        let mut modules = Vec::new();
        self.looks.text = 0;
        for entry in entries {
            let seen = match self.looks.known.remove(entry).filter(|seen| seen.whole) {
                Some(seen) => seen,
                None => match read_entry(&Recent::new(&self.memory), &self.layout, *entry) {
                    Ok(module) => {
                        let seen = Seen::of(&module);
                        lost.cut += u64::from(module.name.cut);
                        modules.push(module);
                        seen
                    }
                    Err(Unknown::WrongType) => {
                        lost.unnamed += 1;
                        continue;
                    }
                    Err(_) => {
                        lost.unread += 1;
                        continue;
                    }
                },
            };
            self.looks.text += seen.name.len();
            if self.looks.text > MAX_TEXT {
                lost.further += 1;
                continue;
            }
            known.insert(*entry, seen);
        }
        self.looks.known = known;
        modules
    }

    /// Compares the namespaces of the modules whose import has finished.
    fn compare(&mut self, lost: &mut Unlisted) -> Vec<(String, Changed)> {
        let Self { looks, memory, layout, .. } = self;
        let mut names = HashMap::new();
        for seen in looks.known.values_mut().filter(|seen| seen.namespace != 0) {
            if seen.spec != 0 {
                if is_initializing(memory, layout, seen.spec) {
                    continue;
                }
                seen.spec = 0;
            }
            // One that stands under two names is told of under the first.
            let name = names.entry(seen.namespace).or_insert_with(|| seen.name.clone());
            if seen.name < *name {
                name.clone_from(&seen.name);
            }
        }
        let mut namespaces: Vec<u64> = names.keys().copied().collect();
        namespaces.sort_unstable();
        let objects = Objects::new(memory, layout);
        let read = |pieces: &[(u64, usize)], into: &mut [u8]| memory.read_pieces(pieces, into);
        let (changes, skipped) = looks.namespaces.compare(&objects, &read, &namespaces);
        lost.large += skipped.large as u64;
        lost.changes += skipped.changes as u64;
        let named = changes.into_iter().filter_map(|changed| {
            let module = names.get(&changed.namespace)?.clone();
            Some((module, changed)).filter(|(module, changed)| !module.is_empty() && !changed.name.is_empty())
        });
        named.collect()
    }

    /// Collections since the last look.
    fn collect(&mut self, runtime: u64) -> Known<[Collected; GENERATIONS]> {
        let now = read_collected(&self.memory, &self.layout, runtime)?;
        let before = self.looks.collected.replace(now).unwrap_or(now);
        let mut new = now;
        for (new, before) in new.iter_mut().zip(before) {
            *new = new.since(before);
        }
        Ok(new)
    }
}

impl Seen {
    fn of(module: &Module) -> Self {
        let place = module.place;
        let file = module.file.as_ref().ok().map(|file| file.value.clone());
        // `importlib` gives a file to the frozen modules that it is made of when it is imported itself.
        let may_have_file_later = file.is_none() && module.kind == Some(ModuleKind::Frozen);
        Self {
            name: module.name.value.clone(),
            kind: module.kind,
            file,
            namespace: place.map_or(0, |place| place.namespace),
            spec: place.map_or(0, |place| place.spec),
            // The main module has its file later, and a program may make a module of an object.
            whole: module.name.value != "__main__" && module.kind.is_some() && !may_have_file_later,
        }
    }
}
