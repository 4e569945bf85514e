//! Calls: what their addresses stand for, and how often each was counted.

use super::containers::{Found, Looker};
use super::{Ask, Watch};
use crate::aggregate::calls::{Call, Count, Outcome, Slot, TypeId};
use crate::aggregate::containers::{Containers, Place};
use crate::aggregate::tally::{CodeId, SiteKey, Tally};
use crate::capture::ebpf::calls::Counted;
use crate::cpython::layout::Layout;
use crate::cpython::{Known, Unknown};
use crate::symbolize::containers::{ContainerKind, container_kind};
use crate::symbolize::memory::{Overlay, Pieces};
use crate::symbolize::types::read_type_name;
use crate::trace::budget::Weighed;
use crate::trace::names::CallNames;
use crate::trace::reader::{Reader, SeenCode};
use molt_common::call::{
    CallKey, CallLayout, KEYWORDS, REST, Seen, Told, UNREAD, address, has_identity, outcome,
};
use molt_common::container::kind;
use molt_common::event::sample::Frame;
use molt_common::walk::Memory;
use molt_common::walk::call::packed_type;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cause under which calls are lost whose codes are not known.
const UNRESOLVED: &str = "unresolved_call";
/// The cause under which containers are lost that could not be read, or changed meanwhile.
const CONTAINER: &str = "unread_container";

impl Watch {
    /// Reads the code objects and the types of a call that was met for the first time, and no more than that:
    /// they may be freed in a moment.
    pub(super) fn read_call_ahead(&mut self, Told { header, seen }: &Told) {
        let pieces = self.pieces.remove(&header.tid).unwrap_or_default();
        let names = self.programs.get_mut(seen.key.program as usize);
        let reader = self.subjects.get_mut(&header.pid).and_then(|subject| subject.reader());
        let (Some(names), Some(reader)) = (names, reader) else { return };
        for (packed, frame) in [(seen.key.callee, callee(seen)), (seen.key.caller, caller(seen))] {
            // What cannot be read is counted when the record is taken.
            if let (None, Some(frame)) = (names.object(packed), frame)
                && let Ok(object) = reader.read_ahead(&frame, &pieces)
            {
                names.note_object(packed, object);
            }
        }
        let layout = reader.calls;
        let memory = Overlay { pieces: &pieces, memory: &reader.memory };
        for packed in types(&seen.key).filter(|packed| *packed > UNREAD) {
            if !names.knows_type(packed) {
                let found = read_type(&memory, &reader.layout, &layout, packed);
                reader.classes.meet(address(packed));
                names.note_type(packed, found.map(|name| self.calls.type_id(&name)));
                if let Ok(Some(kind)) = container_kind(&memory, &reader.layout, address(packed)) {
                    names.note_container(packed);
                    self.asks.push(Ask::Kind(seen.key.program, packed, number_of(kind)));
                }
            }
        }
        let mut looker = Looker { reader, names, calls: &mut self.calls, layout: &layout };
        let looks = looker.look(seen, &pieces);
        if !looks.is_empty() {
            self.looks.insert((header.tid, header.time_ns), looks);
        }
    }

    /// Notes what the codes of a call that was met for the first time are, and where its site is.
    pub(super) fn call(&mut self, Told { header, seen }: &Told) {
        let names = self.programs.get_mut(seen.key.program as usize);
        let reader = self.subjects.get_mut(&header.pid).and_then(|subject| subject.reader());
        let (Some(names), Some(reader)) = (names, reader) else { return };
        let looks = self.looks.remove(&(header.tid, header.time_ns)).unwrap_or_default();
        let outer = caller(seen);
        let Some(inner) = callee(seen) else {
            // The call was told of when it began.
            return place(looks, names.code(seen.key.callee), &mut self.containers, &mut self.loss);
        };
        let object = names.object(seen.key.callee).cloned();
        let callee = identify(reader, object, &inner, outer.as_slice(), &mut self.tally);
        let known = callee.as_ref().map(|(id, _)| *id).map_err(|reason| *reason);
        names.note_code(seen.key.callee, known);
        place(looks, known, &mut self.containers, &mut self.loss);
        let Some(outer) = outer else { return };
        let object = names.object(seen.key.caller).cloned();
        let caller = identify(reader, object, &outer, &[], &mut self.tally);
        names.note_code(seen.key.caller, caller.as_ref().map(|(id, _)| *id).map_err(|reason| *reason));
        let (Ok((_, callee)), Ok((id, caller))) = (callee, caller) else { return };
        let Ok(offset) = u32::try_from(caller.object.instruction(seen.key.offset)) else { return };
        let key = SiteKey { caller: id, offset };
        self.calls.site(key, || reader.site(&caller.object, offset, &callee.object));
        names.note_site(seen.key.caller, seen.key.offset, key);
    }

    /// Adds up what the kernel side has counted in windows, once it is known what that stands for.
    pub(in crate::trace) fn count_weighed(&mut self, stratum: &Weighed<Counted>) {
        for counted in &stratum.counted {
            self.count(counted, Some(stratum.weight));
        }
    }

    /// Adds up what the kernel side has counted, each call for `weight` calls of the run, or for itself alone.
    pub(in crate::trace) fn count(&mut self, counted: &Counted, weight: Option<f64>) {
        let ended = counted.calls.iter().map(|(key, count)| (key, *count));
        let open = counted.open.iter().map(|key| (key, 1));
        for (key, seen) in ended.chain(open) {
            self.turn_to_program(key.program);
            if let Err(reason) = self.count_tuple(key, Count::weighed(seen, weight)) {
                tracing::debug!(?key, %reason, seen, "calls are not known");
                *self.loss.entry(UNRESOLVED).or_default() += seen;
            }
        }
        for (key, seen) in &counted.undetailed {
            self.turn_to_program(key.program);
            let Some(names) = self.programs.get(key.program as usize) else { continue };
            match names.code(key.callee) {
                Ok(callee) => {
                    let site = names.site(key.caller, key.offset);
                    self.calls.undetailed(site, callee, Count::weighed(*seen, weight));
                }
                Err(_unknown) => *self.loss.entry(UNRESOLVED).or_default() += seen,
            }
        }
    }

    /// Leaves for a later account what cannot be added up yet: calls that have not ended, and those of which nothing was
    /// told so far.
    pub(in crate::trace) fn put_off(&mut self, counted: &mut Counted) {
        for key in counted.open.drain(..) {
            self.turn_to_program(key.program);
            let names = self.programs.get(key.program as usize);
            if let Some(Ok(callee)) = names.map(|names| names.code(key.callee)) {
                self.calls.met(callee);
            }
        }
        let is_known = |program: u32, callee| {
            self.programs.get(program as usize).is_some_and(|names| names.code(callee).is_ok())
        };
        counted.calls.retain(|(key, _)| is_known(key.program, key.callee));
        counted.undetailed.retain(|(key, _)| is_known(key.program, key.callee));
    }

    /// Whether any call was seen by hooks.
    pub(in crate::trace) fn has_calls(&self) -> bool {
        self.calls.functions().next().is_some()
    }

    /// Calls that were counted for codes that are not known.
    pub(in crate::trace) fn unresolved_calls(&self) -> u64 {
        self.loss.get(UNRESOLVED).copied().unwrap_or(0)
    }

    fn count_tuple(&mut self, key: &CallKey, count: Count) -> Known<()> {
        let names = self.programs.get(key.program as usize).ok_or(Unknown::Stale)?;
        let callee = names.code(key.callee)?;
        let result = names.type_id(key.result);
        let outcome = match key.outcome {
            outcome::RESUMED => {
                self.calls.resumed(callee, count.seen);
                return Ok(());
            }
            outcome::RAISED_HERE | outcome::RAISED_THROUGH => {
                self.calls.raised(callee, result?, key.outcome == outcome::RAISED_HERE, count.seen);
                return Ok(());
            }
            outcome::RETURNED => Outcome::Returned(result.ok()),
            outcome::RAISED => Outcome::Raised(result.ok()),
            _ => {
                self.open_calls += count.seen;
                Outcome::Open
            }
        };
        let site = names.site(key.caller, key.offset);
        let cut = key.parameters > key.slots;
        let args = slots(key, names);
        self.calls.call(Call { site, callee, args, cut, outcome }, count);
        Ok(())
    }
}

/// How the kernel side calls a kind of containers.
fn number_of(found: ContainerKind) -> u32 {
    match found {
        ContainerKind::Dict => kind::DICT,
        ContainerKind::List => kind::LIST,
        ContainerKind::Tuple => kind::TUPLE,
        ContainerKind::Set => kind::SET,
    }
}

/// Counts what was found in containers under the function that they came with.
fn place(
    looks: Vec<Known<Found>>,
    code: Known<CodeId>,
    containers: &mut Containers,
    loss: &mut BTreeMap<&'static str, u64>,
) {
    for look in looks {
        match look.and_then(|found| Ok((code?, found))) {
            Ok((code, (Some(name), look))) => containers.add(Place::Param(code, name), &look),
            Ok((code, (None, look))) => containers.add(Place::Returned(code), &look),
            Err(reason) => {
                tracing::debug!(%reason, "container left out");
                *loss.entry(CONTAINER).or_default() += 1;
            }
        }
    }
}

/// The callee as a frame that has begun; none where a record tells only of its result.
fn callee(seen: &Seen) -> Option<Frame> {
    let code = address(seen.key.callee);
    let begun =
        Frame { code, identity: seen.callee_identity, globals: seen.callee_globals, lasti: 0, owner: 0 };
    Some(begun).filter(|_| seen.callee_globals != 0)
}

/// The caller, where there is one.
fn caller(seen: &Seen) -> Option<Frame> {
    let (code, lasti) = (address(seen.key.caller), seen.key.offset);
    let waits = Frame { code, identity: seen.caller_identity, globals: seen.caller_globals, lasti, owner: 0 };
    Some(waits).filter(|_| seen.caller_globals != 0)
}

/// Finds out what a frame's code counts under. `object`: its code object, if it was read ahead.
pub(super) fn identify(
    reader: &mut Reader,
    object: Option<Arc<SeenCode>>,
    frame: &Frame,
    further: &[Frame],
    tally: &mut Tally,
) -> Known<(CodeId, Arc<SeenCode>)> {
    let seen = object.map_or_else(|| reader.read_ahead(frame, &Pieces::default()), Ok)?;
    Ok((reader.identify(frame, further, &seen, tally)?, seen))
}

/// Every type of a tuple, packed.
fn types(key: &CallKey) -> impl Iterator<Item = u64> {
    let args = key.args.into_iter().take(key.slots.into());
    args.chain([key.result])
}

/// The name of the type that the kernel side met at `packed`, if it is still there.
fn read_type<M: Memory>(memory: &M, layout: &Layout, calls: &CallLayout, packed: u64) -> Known<String> {
    let there = |addr| {
        let now = packed_type(memory, calls, addr);
        // An identity of 0 was not looked at, or could not be.
        if now == packed || !has_identity(packed) { Ok(()) } else { Err(Unknown::Stale) }
    };
    let addr = address(packed);
    there(addr)?;
    let name = read_type_name(memory, layout, addr)?;
    // The program runs on: what was freed meanwhile may have been read half from its successor.
    there(addr)?;
    Ok(name)
}

/// A call's parameters with the names of their types.
fn slots(key: &CallKey, names: &CallNames) -> Vec<Slot> {
    let known = |packed: u64| names.type_id(packed).map_or(Slot::Unread, |id: TypeId| Slot::Type(id));
    let keywords = key.flags & KEYWORDS != 0;
    let has_rest = key.flags & REST != 0;
    let last = usize::from(key.parameters).saturating_sub(1);
    let rest = last.saturating_sub(usize::from(keywords));
    let kind = |(index, packed): (usize, &u64)| match index {
        index if keywords && index == last => Slot::Keywords,
        index if has_rest && index == rest => Slot::Rest,
        _ => known(*packed),
    };
    key.args.iter().take(key.slots.into()).enumerate().map(kind).collect()
}
