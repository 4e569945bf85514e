//! One line of a report.

use serde_json::Value;

/// How a fact bears on tracing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Worth knowing, and no hindrance.
    Neutral,
    /// Something is lacking.
    Lacking,
}

impl State {
    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Neutral => "neutral",
            Self::Lacking => "lacking",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Its key.
    pub name: &'static str,
    /// What was found; null if that could not be told.
    pub value: Value,
    /// How it bears on tracing.
    pub state: State,
    /// What it means, in one sentence without a full stop.
    pub note: Option<String>,
    /// The hooks that it rests on.
    pub by: Vec<&'static str>,
    /// What would give what is lacking: a command, or a few words where no command can.
    pub remedy: Option<String>,
}

impl Fact {
    /// A fact that is no hindrance.
    pub fn neutral(name: &'static str, value: impl Into<Value>) -> Self {
        Self { name, value: value.into(), state: State::Neutral, note: None, by: Vec::new(), remedy: None }
    }

    /// A fact that is as it should be.
    pub fn good(name: &'static str, value: impl Into<Value>) -> Self {
        Self { state: State::Good, ..Self::neutral(name, value) }
    }

    /// A fact that keeps something from being observed: what, and what to do about it.
    pub fn lacking(name: &'static str, value: impl Into<Value>, note: impl Into<String>) -> Self {
        Self { state: State::Lacking, note: Some(note.into()), ..Self::neutral(name, value) }
    }

    /// The same with its meaning.
    #[must_use]
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// The same with a remedy.
    #[must_use]
    pub fn remedied(self, remedy: Option<String>) -> Self {
        Self { remedy, ..self }
    }
}
