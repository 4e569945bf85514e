//! Random times, the same for the same seed.

/// A source of random times: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) struct Chance(u64);

impl Chance {
    /// The sequence of `seed`.
    pub(in crate::trace) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A time that is distributed exponentially about `mean_ns`: whatever has passed of it says nothing of the rest,
    /// so that it falls into step with nothing. Never more than 44 times the mean.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and no digit of a random number is worth more than another"
    )]
    pub(in crate::trace) fn delay_ns(&mut self, mean_ns: u64) -> u64 {
        // Above 0, at most 1.
        let uniform = ((self.next() >> 1) + 1) as f64 / (1u64 << 63) as f64;
        (-uniform.ln() * mean_ns as f64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean is kept, and both short and long delays occur.
    #[test]
    fn delays_scatter_about_their_mean() {
        let mut chance = Chance::new(7);
        let delays: Vec<u64> = (0..10_000).map(|_| chance.delay_ns(1_000)).collect();
        let mean = delays.iter().sum::<u64>() / 10_000;
        assert!((950..1_050).contains(&mean), "{mean}");
        assert!(delays.iter().any(|delay| *delay < 50) && delays.iter().any(|delay| *delay > 4_000));
        assert!(delays.iter().all(|delay| *delay < 44_000));
    }

    /// The same seed gives the same times, another one others.
    #[test]
    fn seeds_repeat() {
        let few = |seed| {
            let mut chance = Chance::new(seed);
            [(); 4].map(|()| chance.delay_ns(1_000_000))
        };
        assert_eq!(few(1), few(1));
        assert_ne!(few(1), few(2));
        assert_eq!(Chance::new(3).delay_ns(0), 0);
    }
}
