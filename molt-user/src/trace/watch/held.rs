//! Samples that wait for what the kernel side is telling of.
//!
//! A clock may tick while the kernel side copies the code of a call that it tells of for the first time. The sample
//! comes before that, with no copy of its own, and to read the code by it would be to read what may be gone in a moment,
//! or, of a module that begins, to read a name that it did not have yet. What the thread tells of next is that call.

use super::Watch;
use crate::trace::names::CallNames;
use crate::trace::subject::State;
use molt_common::event::sample::{COPIED, Frame, Sample};
use molt_common::event::{Header, KIND_PIECE, KIND_WORDS};
use std::collections::BTreeMap;

/// One sample of each thread at most.
#[derive(Debug, Default)]
pub(in crate::trace) struct Held {
    /// Every call is told of, so that there is something to wait for.
    pub(in crate::trace) until_told: bool,
    samples: BTreeMap<u32, (Sample, Box<[Frame]>)>,
}

impl Watch {
    /// Whether a sample has met a function of which nothing was told yet, and brings no copy of its code.
    pub(super) fn is_untold(&self, sample: &Sample, frames: &[Frame]) -> bool {
        let waits = self.held.until_told && sample.header.flags & COPIED == 0;
        let (true, Some(innermost)) = (waits, frames.first()) else { return false };
        let Some(subject) = self.subjects.get(&sample.header.pid) else { return false };
        let names = self.programs.get(subject.program as usize);
        let is_new = matches!(&subject.state, State::Python(reader) if !reader.knows(innermost));
        is_new && subject.counts_calls() && names.is_some_and(CallNames::has_sites)
    }

    /// Takes a sample, or keeps it until something more is told of its thread.
    pub(super) fn sample_or_hold(&mut self, sample: &Sample, frames: &[Frame]) {
        if self.is_untold(sample, frames) {
            self.held.samples.insert(sample.header.tid, (*sample, frames.into()));
        } else {
            self.sample(sample, frames);
        }
    }

    /// Takes the sample that waits for what this record tells.
    pub(super) fn take_held(&mut self, told: &Header) {
        let is_part = matches!(told.kind, KIND_PIECE | KIND_WORDS);
        if let (false, Some((sample, frames))) = (is_part, self.held.samples.remove(&told.tid)) {
            self.sample(&sample, &frames);
        }
    }

    /// Takes the samples of a process that still wait.
    pub(super) fn take_all_held(&mut self, pid: u32) {
        let of_process = |_: &u32, (sample, _): &mut (Sample, _)| sample.header.pid == pid;
        for (_, (sample, frames)) in self.held.samples.extract_if(.., of_process).collect::<Vec<_>>() {
            self.sample(&sample, &frames);
        }
    }
}
