//! Effects: whose they are, and how often each was counted.

use super::Watch;
use super::audits::read_audit;
use crate::aggregate::effects::Event;
use crate::cpython::effect_sites::{EffectSites, Source};
use molt_common::effect::{EffectCount, EffectKey, EffectSeen};

/// The cause under which effects are lost whose code is not known.
const UNRESOLVED: &str = "unresolved_effect";

impl Watch {
    /// The effects of a process are seen, as far as its interpreter has places for probes.
    pub(in crate::trace) fn effects_are_hooked(&mut self, sites: &EffectSites) {
        self.collections_are_timed(matches!(sites.gc_done, Source::Usdt(_)));
        let seen = &mut self.effects_seen;
        seen.hooked = true;
        seen.effects.extend(sites.missing_effects().map(str::to_owned));
        seen.events.extend(sites.missing_events().map(str::to_owned));
    }

    /// Effects of some process pass unseen, for this reason.
    pub(in crate::trace) fn effects_are_unseen(&mut self, why: &str) {
        self.collections_are_timed(false);
        let why = format!("audit events of a process were not seen: {why}");
        self.effects_seen.events.insert(why.clone());
        self.effects_seen.effects.insert(why.clone());
        self.remark(why);
    }

    /// Some audit events pass unseen, and imports that only they tell of, for this reason.
    pub(in crate::trace) fn audits_are_unseen(&mut self, why: &str) {
        let why = format!("not every audit event was seen: {why}");
        self.effects_seen.events.insert(why.clone());
        self.effects_seen.effects.insert(why);
    }

    /// System calls pass unseen, for this reason.
    pub(in crate::trace) fn syscalls_are_unseen(&mut self, why: &str) {
        let why = format!("system calls were not seen: {why}");
        self.effects_seen.effects.insert(why.clone());
        self.remark(why);
    }

    /// Clocks and random numbers pass unseen, for this reason.
    pub(in crate::trace) fn shortcuts_are_unseen(&mut self, why: &str) {
        self.effects_seen
            .effects
            .insert(format!("not every reading of clocks and random numbers was seen: {why}"));
    }

    /// Reads the code of an effect that was met for the first time: it may be freed in a moment.
    pub(super) fn read_effect_ahead(&mut self, seen: &EffectSeen) {
        let pieces = self.pieces.remove(&seen.header.tid).unwrap_or_default();
        self.read_doer_ahead(seen.into(), &pieces);
        let reader = self.subjects.get_mut(&seen.header.pid).and_then(|subject| subject.reader());
        let arguments = reader.map(|reader| read_audit(reader, seen, &pieces)).unwrap_or_default();
        self.keep_arguments(seen, arguments);
    }

    /// Notes what the code of an effect is.
    pub(super) fn effect(&mut self, seen: &EffectSeen) {
        self.note_doer(seen.into());
        self.audit(seen);
    }

    /// Effects that were counted for codes that are not known.
    pub(in crate::trace) fn unresolved_effects(&self) -> u64 {
        self.loss.get(UNRESOLVED).copied().unwrap_or(0)
    }

    /// Adds up what the kernel side has counted.
    pub(in crate::trace) fn count_effects(&mut self, counted: &[(EffectKey, EffectCount)]) {
        for (key, count) in counted {
            self.turn_to_program(key.program);
            let code = self.programs.get(key.program as usize).map(|names| names.code(key.code));
            match code {
                Some(Ok(code)) => self.effects.add(code, Event::of(key), *count),
                Some(Err(_)) | None => *self.loss.entry(UNRESOLVED).or_default() += count.total(),
            }
        }
    }

    /// Adds up what must have happened besides while system calls were not watched.
    pub(in crate::trace) fn count_unwatched(&mut self, missing: &[(EffectKey, u64)]) {
        for (key, count) in missing {
            self.turn_to_program(key.program);
            let code = self.programs.get(key.program as usize).map(|names| names.code(key.code));
            if let Some(Ok(code)) = code {
                self.effects.add_unwatched(code, &Event::of(key), *count);
            }
        }
    }
}
