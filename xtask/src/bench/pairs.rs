//! Measurements in pairs: bare and traced close together in time, since a machine is not equally fast all day.

use anyhow::Result;

/// One of the two runs of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    Traced,
}

/// A pair of measurements of the same thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair<T = f64> {
    pub bare: T,
    pub traced: T,
}

impl Pair {
    pub(crate) fn ratio(&self) -> f64 {
        self.traced / self.bare
    }

    pub(crate) fn difference(&self) -> f64 {
        self.traced - self.bare
    }
}

/// Measures `count` pairs. Which one goes first alternates: a drift, or what the first run leaves in a cache,
/// then favours neither.
pub(crate) fn measure<T>(count: usize, mut run: impl FnMut(Kind) -> Result<T>) -> Result<Vec<Pair<T>>> {
    (0..count)
        .map(|index| {
            if index % 2 == 0 {
                let bare = run(Kind::Bare)?;
                Ok(Pair { bare, traced: run(Kind::Traced)? })
            } else {
                let traced = run(Kind::Traced)?;
                Ok(Pair { bare: run(Kind::Bare)?, traced })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each kind goes first as often as the other, and each value lands on its own side.
    #[test]
    fn the_order_within_pairs_alternates() {
        let mut order = Vec::new();
        let pairs = measure(2, |kind| {
            order.push(kind);
            Ok(if kind == Kind::Bare { 2.0 } else { 3.0 })
        });
        assert_eq!(order, [Kind::Bare, Kind::Traced, Kind::Traced, Kind::Bare]);
        assert_eq!(pairs.unwrap(), [Pair { bare: 2.0, traced: 3.0 }; 2]);
    }
}
