//! Assignments to attributes of modules: which module and attribute each is about, and what looks show besides.

use super::Watch;
use crate::aggregate::mutations::Attribute;
use crate::cpython::effect_sites::EffectSites;
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use crate::symbolize::memory::{Overlay, Pieces};
use crate::symbolize::modules::is_initializing;
use crate::symbolize::namespaces::{Changed, MAX_NAMES};
use crate::trace::reader::Reader;
use crate::trace::subject::State;
use molt_common::mutation::{MutationKey, MutationSeen};
use molt_mpa::model::SymbolKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The import system, under either of the names that it has: what it writes into a module belongs to the import
/// (`_init_module_attrs` in `Lib/importlib/_bootstrap.py`), as does what C code writes that it calls.
const IMPORTERS: [&str; 4] = [
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "_frozen_importlib",
    "_frozen_importlib_external",
];
/// But for a submodule, which it writes into the package.
const BINDS_SUBMODULES: &str = "_find_and_load_unlocked";

/// The cause under which assignments are lost whose module or attribute is not known.
const UNREAD: &str = "unread_mutation";

/// Program, module and attribute, as the kernel side names them.
type Target = (u32, u64, u64);

/// What is known of assignments that were met.
#[derive(Debug, Default)]
pub(super) struct Assigned {
    /// By target.
    places: BTreeMap<Target, Place>,
    /// Made while the module was being imported.
    early: BTreeSet<MutationKey>,
    /// Read ahead, by thread and time.
    read: HashMap<(u32, u64), Known<Read>>,
}

/// An attribute in some process.
#[derive(Clone, Debug)]
struct Place {
    attribute: Attribute,
    namespace: u64,
    /// Address of its name.
    name: u64,
}

/// What the memory says at an assignment.
#[derive(Debug)]
struct Read {
    place: Place,
    /// Whether the attribute is there.
    is_there: Option<bool>,
    /// Whether the module is being imported.
    is_early: bool,
}

impl Watch {
    /// Assignments of a process are counted, as far as its interpreter has places for probes.
    pub(in crate::trace) fn assignments_are_hooked(&mut self, sites: &EffectSites) {
        self.mutations_seen.hooked = true;
        self.mutations_seen.reasons.extend(sites.missing_mutations().map(str::to_owned));
        self.happenings.sees_ends |= sites.import_return.is_some();
    }

    /// Assignments pass unseen from now on, for this reason.
    pub(in crate::trace) fn assignments_are_unseen(&mut self, why: &str) {
        self.mutations_seen.reasons.insert(format!("not every assignment to a module was counted: {why}"));
    }

    /// Reads what an assignment that was met for the first time is about: it may be done in a moment.
    pub(super) fn read_mutation_ahead(&mut self, seen: &MutationSeen) {
        let pieces = self.pieces.remove(&seen.header.tid).unwrap_or_default();
        self.read_doer_ahead(seen.into(), &pieces);
        let reader = self.subjects.get_mut(&seen.header.pid).and_then(|subject| subject.reader());
        let Some(reader) = reader else { return };
        self.assigned.read.insert((seen.header.tid, seen.header.time_ns), read(reader, seen, &pieces));
    }

    /// Notes what an assignment that was met for the first time is about.
    pub(super) fn mutation(&mut self, seen: &MutationSeen) {
        let (header, key) = (&seen.header, seen.key);
        self.note_doer(seen.into());
        let read = self.assigned.read.remove(&(header.tid, header.time_ns));
        let Some(Ok(Read { place, is_there, is_early })) = read else { return };
        if is_early || self.happenings.imports(header.pid, &place.attribute.module) {
            self.assigned.early.insert(key);
        } else if !self.mutations.begin(&place.attribute, is_there) {
            self.lose("further_mutation");
        }
        self.assigned.places.entry((key.program, key.module, key.name)).or_insert(place);
    }

    /// Adds up what the kernel side has counted.
    pub(in crate::trace) fn count_mutations(&mut self, counted: &[(MutationKey, u64)]) {
        for (key, count) in counted {
            self.turn_to_program(key.program);
            // Without Python code the interpreter makes its own modules when it begins.
            if self.assigned.early.contains(key) || key.code == 0 {
                continue;
            }
            let Some(place) = self.assigned.places.get(&(key.program, key.module, key.name)) else {
                *self.loss.entry(UNREAD).or_default() += count;
                continue;
            };
            let names = self.programs.get(key.program as usize);
            let by = names.and_then(|names| names.code(key.code).ok());
            let code = by.and_then(|id| self.tally.code(id));
            let is_import = code.is_some_and(|code| {
                IMPORTERS.contains(&code.module.as_str()) && code.qualname != BINDS_SUBMODULES
            });
            if !is_import {
                self.mutations.assigned(&place.attribute, by, key.deletes != 0, *count);
            }
        }
    }

    /// Notes what a look has found to be different.
    pub(super) fn changed(&mut self, changes: Vec<(String, Changed)>) {
        for (module, Changed { name, change, .. }) in changes {
            if !self.mutations.compared(Attribute { module, name }, change) {
                self.lose("further_mutation");
            }
        }
    }

    /// Process `pid` was looked at for the last time: which of the attributes that were assigned to are there.
    pub(super) fn settle_assigned(&mut self, pid: u32) {
        let Some(subject) = self.subjects.get(&pid) else { return };
        let State::Python(reader) = &subject.state else { return };
        let objects = Objects::new(&reader.memory, &reader.layout);
        for ((program, ..), place) in &self.assigned.places {
            if *program == subject.program
                && let Some(is_there) =
                    reader.looks.has(&objects, place.namespace, place.name, &place.attribute.name)
            {
                self.mutations.end(&place.attribute, is_there);
            }
        }
    }

    /// Notes which globals the code that ran in a process sets.
    pub(super) fn suspect(&mut self, reader: &Reader) {
        for seen in reader.codes.known() {
            let (Some(Ok(id)), Ok(module)) = (seen.id.get(), &seen.object.module) else { continue };
            for name in &seen.object.stored_globals {
                let attribute = Attribute { module: module.value.clone(), name: name.clone() };
                if self.tally.code(*id).is_some_and(|code| code.kind == SymbolKind::Module) {
                    self.mutations.is_of_body(attribute);
                } else {
                    self.mutations.suspect(attribute, *id);
                }
            }
        }
    }
}

/// Reads which attribute an assignment is about. `pieces`: the module and its namespace as they were before it.
fn read(reader: &Reader, seen: &MutationSeen, pieces: &Pieces) -> Known<Read> {
    let memory = Overlay { pieces, memory: &reader.memory };
    let objects = Objects::new(&memory, &reader.layout);
    let namespace = objects.u64(seen.key.module, reader.layout.module_dict)?;
    let module = objects.namespace_name(namespace)?.value;
    let name = objects.str(seen.name)?.value;
    if module.is_empty() || name.is_empty() {
        return Err(Unknown::Absent);
    }
    let most = usize::try_from(MAX_NAMES).unwrap_or(usize::MAX);
    let is_there = objects.dict_start(namespace, most).ok().filter(|start| !start.rest).map(|start| {
        let mut keys = start.items.iter().map(|(key, _)| *key);
        keys.any(|key| key == seen.name)
            || start.items.iter().any(|(key, _)| objects.is_text(*key, &name) == Ok(true))
    });
    let spec = objects.namespace_get(namespace, "__spec__");
    let is_early = spec.is_ok_and(|spec| is_initializing(&reader.memory, &reader.layout, spec));
    let attribute = Attribute { module, name };
    Ok(Read { place: Place { attribute, namespace, name: seen.name }, is_there, is_early })
}
