//! The first arguments of audit events, as they were when a function raised each for the first time.

use super::Watch;
use crate::symbolize::arguments::{Argument, read_arguments};
use crate::symbolize::memory::{Overlay, Pieces};
use crate::trace::reader::Reader;
use molt_common::effect::{ARGUMENTS_AT, AUDIT, EffectKey, EffectSeen};
use molt_mpa::model::{AuditArgument, Event, EventKind};
use molt_mpa::quantity::Millis;
use molt_mpa::redact::{Category, Redactor};
use std::collections::HashMap;

/// Most events whose arguments are kept.
const MAX_AUDITS: usize = 20_000;

/// Events with their arguments, those that were read ahead by thread and time.
#[derive(Debug, Default)]
pub(super) struct Audits {
    read: HashMap<(u32, u64), Vec<Argument>>,
    pub(super) seen: Vec<Audit>,
}

/// An event with its arguments.
#[derive(Debug)]
pub(super) struct Audit {
    at: Millis,
    /// By its number, since it may move on the list.
    process: Option<u32>,
    key: EffectKey,
    arguments: Vec<Argument>,
}

/// What was sent of the arguments of `seen`, read while the objects are there.
pub(super) fn read_audit(reader: &Reader, seen: &EffectSeen, pieces: &Pieces) -> Vec<Argument> {
    if seen.key.number != AUDIT || !pieces.has(ARGUMENTS_AT) {
        return Vec::new();
    }
    read_arguments(&Overlay { pieces, memory: &reader.memory }, &reader.layout)
}

/// The class of the instance that gets another one, if the event is about that (`object_set_class`,
/// `Objects/typeobject.c`, 3.8 to 3.15).
fn class_left<'a>(key: &EffectKey, arguments: &'a [Argument]) -> Option<&'a str> {
    let [instance, Argument { value: Some(attribute), .. }, ..] = arguments else { return None };
    (attribute == b"__class__" && key.name.starts_with(b"object.__setattr__\0"))
        .then_some(instance.type_name.as_str())
}

impl Watch {
    /// Keeps what was read ahead until its record is taken.
    pub(super) fn keep_arguments(&mut self, seen: &EffectSeen, arguments: Vec<Argument>) {
        if !arguments.is_empty() {
            self.audits.read.insert((seen.header.tid, seen.header.time_ns), arguments);
        }
    }

    /// A function has raised an event for the first time.
    pub(super) fn audit(&mut self, seen: &EffectSeen) {
        if seen.key.number != AUDIT {
            return;
        }
        let arguments = self.audits.read.remove(&(seen.header.tid, seen.header.time_ns)).unwrap_or_default();
        if let Some(class) = class_left(&seen.key, &arguments) {
            self.types.left(class);
        }
        if self.audits.seen.len() == MAX_AUDITS {
            return self.lose("further_event");
        }
        let (at, process) = (self.since(seen.header.time_ns), self.processes.serial(seen.header.pid));
        self.audits.seen.push(Audit { at, process, key: seen.key, arguments });
    }

    /// Every such event as the artifact has it.
    pub(in crate::trace) fn audit_events(&mut self, redactor: &mut Redactor) -> Vec<Event> {
        let mut event = |audit: Audit| {
            let names = self.programs.get(audit.key.program as usize)?;
            let code = names.code(audit.key.code).ok().and_then(|id| self.tally.code(id));
            let mut argument = |found: Argument| AuditArgument {
                type_name: found.type_name,
                value: found.value.map(|bytes| redactor.redact_bytes(Category::AuditArgument, &bytes)),
            };
            let what = EventKind::Audit {
                event: crate::aggregate::effects::Event::of(&audit.key).into_name(),
                symbol: code.map(crate::aggregate::code::Code::symbol),
                arguments: audit.arguments.into_iter().map(&mut argument).collect(),
            };
            let process = audit.process.and_then(|serial| self.processes.place_of(serial));
            Some(Event { t_ms: audit.at, process, what })
        };
        std::mem::take(&mut self.audits.seen).into_iter().filter_map(&mut event).collect()
    }
}
