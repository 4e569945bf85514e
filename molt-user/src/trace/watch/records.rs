//! One function for each kind of record.

use super::programs::{introduce, number_of};
use super::{Ask, FirstPython, Watch};
use crate::aggregate::tally::{CodeId, Site, SiteKey};
use crate::clock::monotonic_ns;
use crate::decode::{Record, decode};
use crate::trace::classes::Allowance;
use crate::trace::place::Placing;
use crate::trace::subject::State;
use molt_common::event::Header;
use molt_common::event::process::Birth;
use molt_common::event::sample::{FRESH, Frame, NO_PYTHON, NOT_READY, STACK_CUT, STACK_TORN, Sample};
use molt_common::event::tick::{AMONG_ALLOCATIONS, Tick};
use molt_common::plan::OF_SAMPLE;
use std::sync::Arc;

impl Watch {
    /// Reads the code objects that a record names and that were not read yet. What else the record says is
    /// left to [`Watch::take`].
    pub(in crate::trace) fn read_ahead(&mut self, bytes: &[u8]) {
        let (sample, frames) = match decode(bytes) {
            Ok(Record::Sample(sample, frames)) if sample.header.flags & FRESH != 0 => (sample, frames),
            Ok(Record::Call(seen)) => return self.read_call_ahead(&seen),
            Ok(Record::Effect(seen)) => return self.read_effect_ahead(&seen),
            Ok(Record::Mutation(seen)) => return self.read_mutation_ahead(&seen),
            Ok(Record::Allocation(seen)) => return self.read_allocation_ahead(&seen),
            Ok(Record::Piece(piece, bytes)) => {
                let is_of_sample = piece.header.flags & OF_SAMPLE != 0;
                let pieces = if is_of_sample { &mut self.sampled } else { &mut self.pieces };
                return pieces.entry(piece.header.tid).or_default().add(piece.address, bytes);
            }
            Ok(Record::Words(header, words)) => {
                let pieces = self.pieces.entry(header.tid).or_default();
                return words.iter().for_each(|[at, word]| pieces.add(*at, &word.to_le_bytes()));
            }
            _ => return,
        };
        let told = usize::from(self.is_untold(&sample, frames));
        let pieces = self.sampled.remove(&sample.header.tid).unwrap_or_default();
        let subject = self.subjects.get_mut(&sample.header.pid).map(|subject| &mut subject.state);
        if let Some(State::Python(reader)) = subject {
            for frame in frames.iter().skip(told) {
                // What cannot be read is counted when the record is taken.
                let _ = reader.read_ahead(frame, &pieces);
            }
        }
    }

    pub(super) fn sample(&mut self, sample: &Sample, frames: &[Frame]) {
        let flags = sample.header.flags;
        self.tally.samples.taken += 1;
        let subject = self.subjects.get_mut(&sample.header.pid).map(|subject| &mut subject.state);
        let Some(State::Python(reader)) = subject.filter(|_| flags & (NO_PYTHON | NOT_READY) == 0) else {
            self.tally.samples.not_python += 1;
            return;
        };
        if flags & STACK_TORN != 0 {
            self.tally.samples.torn += 1;
            return;
        }
        let (mut stack, mut seen) = (Vec::with_capacity(frames.len()), Vec::with_capacity(frames.len()));
        // Whether the innermost frame is one that Python shows.
        let mut is_shown = true;
        let mut rest = frames;
        while let Some((frame, callers)) = rest.split_first() {
            rest = callers;
            match reader.place(frame, callers, &mut self.tally) {
                Placing::Hidden => is_shown &= !stack.is_empty(),
                Placing::Unknown(reason) => {
                    tracing::debug!(?frame, %reason, "code is not known");
                    *self.loss.entry(reason.name()).or_default() += 1;
                    stack.push(None);
                }
                Placing::Known(placed, code) => {
                    stack.push(Some(placed));
                    seen.push((placed.code, code));
                }
            }
        }
        if stack.is_empty() {
            self.tally.samples.not_python += 1;
            return;
        }
        self.tally.samples.cut += u64::from(flags & STACK_CUT != 0);
        let object = |id: CodeId| seen.iter().find(|(seen, _)| *seen == id).map(|(_, code)| code);
        self.tally.add(&stack, |site, callee| match (object(site.caller), object(callee)) {
            (Some(caller), Some(callee)) => reader.site(&caller.object, site.offset, &callee.object),
            _ => Site::nowhere(),
        });
        if let (true, Some(frame), Some(Some(top)), Some((id, code))) =
            (is_shown, frames.first(), stack.first(), seen.first())
            && let Ok(offset) = u32::try_from(top.offset)
            && let Some(callee) = reader.callee(frame, code, &sample.values)
        {
            let site = SiteKey { caller: *id, offset };
            self.tally.add_foreign(site, callee, || reader.site(&code.object, offset, &code.object));
        }
        if self.tally.samples.kept == 1 {
            let ago_ms = monotonic_ns().saturating_sub(sample.header.time_ns) / 1_000_000;
            tracing::info!(pid = sample.header.pid, ago_ms, "first sample");
        }
        self.processes.sampled(sample.header.pid);
    }

    pub(super) fn birth(&mut self, birth: &Birth) {
        let (header, at) = (&birth.header, self.since(birth.header.time_ns));
        if birth.child_pid == header.pid {
            self.processes.thread(header.pid, birth.child_tid, at);
            return;
        }
        match self.subjects.get(&birth.child_pid) {
            // It was found by a look at the parent's children before this record came.
            Some(known) if known.since_ns >= header.time_ns => return,
            // The record of its end was lost.
            Some(_) => {
                self.let_go(birth.child_pid, None);
                self.processes.end(birth.child_pid, at, None, None);
                self.turn(header.pid);
            }
            None => {}
        }
        let Some(parent) = self.subjects.get(&header.pid) else { return self.lose("unknown_parent") };
        let mut child = parent.fork(birth.child_pid, header.time_ns);
        child.page = self.new_page(child.page);
        if let (State::Python(reader), true) = (&child.state, child.counts_calls()) {
            // What the parent's addresses stand for holds for its copy, until either goes its own way.
            let mut names = self.programs.get(child.program as usize).cloned().unwrap_or_default();
            names.page = child.page;
            child.program = number_of(&mut self.programs, names);
            introduce(&mut self.asks, child.program, reader);
            self.asks.extend(child.config().map(|config| Ask::Configure(birth.child_pid, Box::new(config))));
            self.asks.push(Ask::Count(birth.child_pid, Arc::clone(&reader.interpreter.build)));
        }
        let python = match &child.state {
            State::Python(reader) => {
                let build = &reader.interpreter.build;
                let version = build.version.to_string();
                Some((FirstPython { process: reader.process.clone(), version }, build.free_threaded))
            }
            _ => None,
        };
        self.subjects.insert(birth.child_pid, child);
        self.turn_with_modules(birth.child_pid);
        self.processes.fork(header.pid, birth.child_pid, at);
        if let Some((python, free_threaded)) = python {
            self.processes.python(birth.child_pid, &python.version, free_threaded);
            self.first_python.get_or_insert(python);
        }
    }

    pub(super) fn exec(&mut self, header: &Header) {
        let at = self.since(header.time_ns);
        if let Some(subject) = self.subjects.get_mut(&header.pid) {
            let before = subject.exec(header.time_ns);
            self.processes.exec(header.pid, at);
            self.settle(header.pid, before, Some(header.time_ns));
        }
    }

    pub(super) fn end(&mut self, header: &Header) {
        let at = self.since(header.time_ns);
        self.pieces.remove(&header.tid);
        self.sampled.remove(&header.tid);
        if header.tid != header.pid {
            self.processes.thread_end(header.pid, header.tid, at);
        } else if self.subjects.get(&header.pid).is_some_and(|subject| subject.launched) {
            // How it ended is told in a moment, by `Watch::ended`.
        } else if self.let_go(header.pid, Some(header.time_ns)) {
            self.processes.end(header.pid, at, None, None);
        }
    }

    /// Counts a tick, unless it waited while a probe was left: such ticks meet the instruction behind the probe, and
    /// belong to it.
    pub(super) fn tick_in_window(&mut self, tick: &Tick) {
        let subject = self.subjects.get(&tick.header.pid).map(|subject| &subject.state);
        let Some(State::Python(reader)) = subject else { return };
        let address = tick.instruction.wrapping_sub(reader.interpreter.load_bias);
        let build = &reader.interpreter.build;
        let among_allocations = tick.header.flags & AMONG_ALLOCATIONS != 0;
        if build.landings().contains(&address)
            || among_allocations && build.allocation_landings().contains(&address)
        {
            return;
        }
        *(if among_allocations { &mut self.allocation_ticks } else { &mut self.ticks }) += 1;
    }

    pub(super) fn start(&mut self, header: &Header) {
        if let Some(subject) = self.subjects.get_mut(&header.pid) {
            subject.begins = true;
        }
    }

    pub(super) fn finalize(&mut self, header: &Header) {
        let Some(subject) = self.subjects.get_mut(&header.pid) else { return };
        if subject.finalized || subject.is_late {
            // `Py_Exit` was passed before.
        } else if subject.is_held() {
            // It stops for its tracer in a moment, see `at_finalization`.
            subject.ends = true;
        } else {
            let read = self.look(header.pid, Allowance::RUNNING);
            self.mark_finalized(header.pid, read);
        }
    }
}
