//! What functions did to the world, by event.

mod syscalls;
mod table;

pub use syscalls::{Syscall, growth, syscalls};
pub use table::{effect_of, rows};

use super::tally::CodeId;
use molt_common::effect::{AUDIT, EffectCount, EffectKey, THREAD, WRITES};
use molt_mpa::model::{Effect, Observation};
use std::collections::BTreeMap;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// As the artifact writes it: an audit event's name, or `sys:` and a system call's.
    name: String,
    /// What follows the name in the table of effects where the event's flags decide.
    suffix: &'static str,
}

impl Event {
    /// The event that the kernel side has counted under `key`.
    pub fn of(key: &EffectKey) -> Self {
        let suffix = match key.flags {
            WRITES => table::WRITING,
            THREAD => table::THREAD,
            _ => "",
        };
        let name = if key.number == AUDIT {
            let text = key.name.split(|byte| *byte == 0).next().unwrap_or_default();
            if text.is_empty() { UNNAMED.to_owned() } else { String::from_utf8_lossy(text).into_owned() }
        } else {
            let known = syscalls().iter().find(|syscall| syscall.number == key.number);
            known.map_or_else(|| format!("sys:{}", key.number), |known| format!("sys:{}", known.name))
        };
        Self { name, suffix }
    }

    /// As the artifact writes it.
    pub fn into_name(self) -> String {
        self.name
    }
}

/// Stands for an audit event whose name is empty.
const UNNAMED: &str = "?";

/// How often something happened.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    seen: EffectCount,
    /// About so often it happened besides, while nobody watched.
    unwatched: u64,
}

/// What every function did.
#[derive(Debug, Default)]
pub struct Effects(BTreeMap<CodeId, BTreeMap<Event, Count>>);

impl Effects {
    /// `code` has caused `event` so often.
    pub fn add(&mut self, code: CodeId, event: Event, count: EffectCount) {
        let sum = &mut self.0.entry(code).or_default().entry(event).or_default().seen;
        sum.seen += count.seen;
        sum.sampled += count.sampled;
    }

    /// `code` has caused `event`, which was counted for it, about so often besides while nobody watched.
    pub fn add_unwatched(&mut self, code: CodeId, event: &Event, count: u64) {
        if let Some(known) = self.0.get_mut(&code).and_then(|events| events.get_mut(event)) {
            known.unwatched = known.unwatched.saturating_add(count);
        }
    }

    /// Every code that has caused any.
    pub fn codes(&self) -> impl Iterator<Item = CodeId> {
        self.0.keys().copied()
    }

    /// What `code` has caused.
    pub fn of(&self, code: CodeId) -> impl Iterator<Item = Effect> {
        self.0.get(&code).into_iter().flatten().map(|(event, count)| effect(event, *count))
    }
}

fn effect(event: &Event, Count { seen, unwatched }: Count) -> Effect {
    let is_exact = seen.sampled == 0 && unwatched == 0;
    Effect {
        effect: effect_of(&format!("{}{}", event.name, event.suffix)),
        event: event.name.clone(),
        observation: if is_exact { Observation::Exact } else { Observation::Sampled },
        count: seen.seen,
        count_est: (!is_exact).then(|| seen.total().saturating_add(unwatched)),
    }
}

/// Adds what other codes of the same symbol did as well.
pub fn merge(into: &mut Vec<Effect>, further: impl Iterator<Item = Effect>) {
    for effect in further {
        let is_same = |known: &&mut Effect| (known.effect, &known.event) == (effect.effect, &effect.event);
        let Some(known) = into.iter_mut().find(is_same) else {
            into.push(effect);
            continue;
        };
        if known.count_est.is_some() || effect.count_est.is_some() {
            known.observation = Observation::Sampled;
            known.count_est =
                Some(known.count_est.unwrap_or(known.count) + effect.count_est.unwrap_or(effect.count));
        }
        known.count += effect.count;
    }
}

#[cfg(test)]
mod tests;
