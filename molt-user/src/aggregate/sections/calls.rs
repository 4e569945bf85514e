//! How far calls were seen, and what is seen at calls: types, results, exceptions, containers.

use molt_mpa::model::SectionState;
use molt_mpa::quantity::Millis;

/// When calls were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never, for this reason.
    Nothing(String),
    /// In windows.
    Windows {
        /// Their number.
        count: u64,
        /// How long they were open, together.
        open: Millis,
        /// The CPU time of all traced processes.
        cpu: Millis,
    },
    /// All the time: in exact mode, or when the first window never had to close.
    Throughout,
}

impl Default for Seen {
    fn default() -> Self {
        Self::Nothing("needs every call to be seen; this run was sampled".to_owned())
    }
}

/// What passed unseen although calls were hooked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The first process had run before molt attached to it.
    pub attached: bool,
    /// Further processes whose beginning was missed.
    pub late: u64,
    /// Processes whose Python has no hooks, and the reason of one of them.
    pub unhooked: Option<(u64, String)>,
    /// Hits of hooks that left no record, or one that could not be used.
    pub lost: u64,
    /// Calls that were counted without types and ends, see `Calls::without_detail`.
    pub undetailed: u64,
}

/// What is not seen at calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is missing.
    #[default]
    Nothing,
    /// Some of it is, for this reason.
    Part(String),
    /// It is not seen at all, for this reason.
    All(String),
}

/// How far calls were seen, and what is seen at calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallCoverage {
    /// When calls were seen.
    pub seen: Seen,
    /// What passed unseen nevertheless.
    pub gaps: Gaps,
    /// Ends of calls, with results and exceptions.
    pub ends: Missing,
    /// Exceptions by function.
    pub exceptions: Missing,
    /// Contents of containers.
    pub containers: Missing,
}

impl CallCoverage {
    /// Which functions ran. Those that samples met are there as well.
    pub(super) fn symbols(&self) -> SectionState {
        self.state(self.sampled(), &Missing::Nothing)
    }

    /// Which calls were made. Those that samples met are there as well.
    pub(super) fn sites(&self) -> SectionState {
        self.state(self.sampled(), &Missing::Part("calls of functions written in C are sampled".to_owned()))
    }

    /// How often functions were called.
    pub(super) fn counts(&self) -> SectionState {
        self.state([], &Missing::Nothing)
    }

    /// Types of arguments and results.
    pub(super) fn signatures(&self) -> SectionState {
        let ends = match &self.ends {
            Missing::All(reason) => &Missing::Part(format!("results are not seen: {reason}")),
            ends => ends,
        };
        self.state(self.undetailed(), ends)
    }

    /// How calls ended.
    pub(super) fn ends(&self) -> SectionState {
        self.state(self.undetailed(), &self.ends)
    }

    /// Exceptions by function.
    pub(super) fn exceptions(&self) -> SectionState {
        self.state([], &self.exceptions)
    }

    /// Contents of containers.
    pub(super) fn containers(&self) -> SectionState {
        self.state([], &self.containers)
    }

    /// What fills the time between windows.
    fn sampled(&self) -> Option<String> {
        matches!(self.seen, Seen::Windows { .. })
            .then(|| "outside of them what was on a stack when a sample was taken".to_owned())
    }

    fn undetailed(&self) -> Option<String> {
        let calls = self.gaps.undetailed;
        (calls > 0).then(|| format!("{calls} calls were counted without types: a table was full"))
    }

    fn state(&self, further: impl IntoIterator<Item = String>, missing: &Missing) -> SectionState {
        let mut reasons = Vec::new();
        match &self.seen {
            Seen::Nothing(reason) => return SectionState::unavailable(reason),
            Seen::Windows { count, open, cpu } => reasons.push(windows(*count, *open, *cpu)),
            Seen::Throughout => {}
        }
        reasons.extend(self.gaps.reasons());
        reasons.extend(further);
        match missing {
            Missing::Nothing => {}
            Missing::Part(reason) => reasons.push(reason.clone()),
            Missing::All(reason) => return SectionState::unavailable(reason),
        }
        if reasons.is_empty() { SectionState::complete() } else { SectionState::partial(reasons.join("; ")) }
    }
}

impl Gaps {
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.attached {
            reasons.push("what had run before molt attached was not seen".to_owned());
        }
        if self.late > 0 {
            reasons.push(format!("the beginning of {} was not seen", processes(self.late)));
        }
        if let Some((count, reason)) = &self.unhooked {
            reasons.push(format!("{} could not be hooked: {reason}", processes(*count)));
        }
        if self.lost > 0 {
            reasons.push(format!("{} hits of hooks were lost", self.lost));
        }
        reasons
    }
}

fn processes(count: u64) -> String {
    format!("{count} {}", if count == 1 { "process" } else { "processes" })
}

fn windows(count: u64, open: Millis, cpu: Millis) -> String {
    let windows = if count == 1 { "window" } else { "windows" };
    format!("{count} {windows} of together {} s of {} s of CPU time", seconds(open), seconds(cpu))
}

/// To the millisecond.
fn seconds(time: Millis) -> String {
    let millis = time.as_micros() / 1_000;
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests;
