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
