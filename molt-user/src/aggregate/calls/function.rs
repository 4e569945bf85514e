//! What one code was seen to do, wherever it was called from.

use super::{ByException, Count};

/// What one code was seen to do. Empty for one that was only seen to call others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Calls of it.
    pub calls: Count,
    /// How often its generators or coroutines went on.
    pub resumes: u64,
    /// What it raised and let through.
    pub exceptions: ByException<Raises>,
}

impl Function {
    /// Counts what another code of the same name did as well.
    pub fn merge(&mut self, other: &Self) {
        self.calls = self.calls.plus(other.calls);
        self.resumes += other.resumes;
        for (exception, raises) in other.exceptions.iter() {
            let sum = self.exceptions.of(exception);
            sum.raised += raises.raised;
            sum.propagated += raises.propagated;
        }
    }
}

/// Exceptions of one type in one code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raises {
    /// In its own code.
    pub raised: u64,
    /// Through it, on the way out.
    pub propagated: u64,
}
