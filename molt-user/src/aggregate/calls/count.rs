//! How often something was seen, and how often it is thought to have happened.

/// How often something was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// As observed.
    pub seen: u64,
    /// In the whole run, estimated; `None` where what was seen is all there is.
    pub est: Option<u64>,
}

impl Count {
    /// Everything there is.
    pub const fn exact(seen: u64) -> Self {
        Self { seen, est: None }
    }

    /// What was seen in a window, each for so many of the run; `None` for itself alone.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; `as` keeps it in range"
    )]
    pub fn weighed(seen: u64, weight: Option<f64>) -> Self {
        Self { seen, est: weight.map(|weight| ((seen as f64 * weight).round() as u64).max(seen)) }
    }

    /// Both together. What has no estimate counts as seen in the sum of estimates.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let est =
            (self.est.is_some() || other.est.is_some()).then(|| self.whole().saturating_add(other.whole()));
        Self { seen: self.seen.saturating_add(other.seen), est }
    }

    /// The estimate where there is one, else what was seen; never less than that.
    pub fn whole(self) -> u64 {
        self.est.map_or(self.seen, |est| est.max(self.seen))
    }
}
