//! Effects: whose they are, and how often each was counted.

use super::Watch;
use crate::aggregate::effects::Event;
use molt_common::call::address;
use molt_common::effect::{EffectCount, EffectKey, EffectSeen};
use molt_common::event::sample::Frame;

/// The cause under which effects are lost whose code is not known.
const UNRESOLVED: &str = "unresolved_effect";

impl Watch {
    /// Reads the code of an effect that was met for the first time: it may be freed in a moment.
    pub(super) fn read_effect_ahead(&mut self, seen: &EffectSeen) {
        let pieces = self.pieces.remove(&seen.header.tid).unwrap_or_default();
        if let Some(reader) = self.subjects.get_mut(&seen.header.pid).and_then(|subject| subject.reader()) {
            // What cannot be read is counted when the record is taken.
            let _ = reader.read_ahead(&frame(seen), &pieces);
        }
    }

    /// Notes what the code of an effect is.
    pub(super) fn effect(&mut self, seen: &EffectSeen) {
        let names = self.programs.get_mut(seen.key.program as usize);
        let reader = self.subjects.get_mut(&seen.header.pid).and_then(|subject| subject.reader());
        if let (Some(names), Some(reader)) = (names, reader) {
            let known = super::calls::identify(reader, &frame(seen), &[], &mut self.tally);
            names.note_code(seen.key.code, known.map(|(id, _)| id));
        }
    }

    /// Adds up what the kernel side has counted.
    pub(in crate::trace) fn count_effects(&mut self, counted: &[(EffectKey, EffectCount)]) {
        for (key, count) in counted {
            let code = self.programs.get(key.program as usize).map(|names| names.code(key.code));
            match code {
                Some(Ok(code)) => self.effects.add(code, Event::of(key), *count),
                Some(Err(_)) | None => *self.loss.entry(UNRESOLVED).or_default() += count.total(),
            }
        }
    }
}

/// The code as a frame of it.
fn frame(seen: &EffectSeen) -> Frame {
    Frame { code: address(seen.key.code), identity: seen.identity, globals: seen.globals, lasti: 0, owner: 0 }
}
