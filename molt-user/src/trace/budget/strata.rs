//! How many calls each that was counted stands for.
//!
//! Time without a window is given to the windows next to it, half to either, and what a window saw is scaled by the
//! time that it stands for. So a window in a busy phase, which closes soon, weighs no more than one in a quiet phase.
//! Neighbours that are alike stand for their time together: one alone may have seen a part of a loop only. The first
//! stretch is of start-up, which is like nothing that follows: it stands for itself alone.

/// Hits that are enough for a stratum.
const ENOUGH: u64 = 50_000;
/// Windows are alike if one has at most so many times the hits of the other in the same time.
const ALIKE: u128 = 4;
/// How many times as long code takes at most, in tenths, that hits interrupt all the time. By the program's known rate of
/// calls it was 1.7 to 2.5 times with CPython 3.11 to 3.15.
const SLOWEST: u64 = 24;

/// A window that has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) struct Closed {
    /// Its hits.
    pub(in crate::trace) hits: u64,
    /// How long the program ran in it, in nanoseconds, as far as ticks have met it: longer than it would have without
    /// hits.
    pub(in crate::trace) length_ns: u64,
    /// How long after the one before it opened.
    pub(in crate::trace) gap_ns: u64,
}

/// Windows with what was counted in them. Each is handed back when the time that it stands for is known.
#[derive(Clone, Debug)]
pub(in crate::trace) struct Strata<T> {
    /// How much longer the program runs for a hit, in nanoseconds.
    after_ns: u64,
    /// The program's time from one tick to the next.
    tick_ns: u64,
    /// A stratum with enough hits, and the one that is being filled.
    full: Option<Stratum<T>>,
    filling: Option<Stratum<T>>,
}

/// What was counted in windows that stand for their time together.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::trace) struct Weighed<T> {
    pub(in crate::trace) counted: Vec<T>,
    /// How many calls each counted one stands for, at least 1.
    pub(in crate::trace) weight: f64,
}

#[derive(Clone, Debug)]
struct Stratum<T> {
    counted: Vec<T>,
    hits: u64,
    length_ns: u64,
    /// The time that it stands for besides its own.
    gaps_ns: u64,
}

impl<T> Strata<T> {
    /// Before the first window.
    pub(in crate::trace) fn new(after_ns: u64, tick_ns: u64) -> Self {
        Self { after_ns, tick_ns, full: None, filling: None }
    }

    /// How long the program ran where so many ticks have met it.
    pub(in crate::trace) fn length_ns(&self, ticks: u64) -> u64 {
        ticks.saturating_mul(self.tick_ns)
    }

    /// A window has closed. A stratum that is complete, if that makes one so.
    pub(in crate::trace) fn closed(&mut self, counted: T, window: Closed) -> Option<Weighed<T>> {
        let Closed { hits, length_ns, gap_ns } = window;
        let mut new = Stratum { counted: vec![counted], hits, length_ns, gaps_ns: gap_ns };
        let Some(last) = &mut self.filling else {
            self.filling = Some(new);
            return None;
        };
        if last.hits < ENOUGH && last.is_like(&new, self.tick_ns) {
            last.add(new);
            return None;
        }
        let half = gap_ns / 2;
        last.gaps_ns += half;
        new.gaps_ns -= half;
        let done = std::mem::replace(&mut self.full, self.filling.replace(new));
        let (after_ns, tick_ns) = (self.after_ns, self.tick_ns);
        done.map(|done| done.weighed(after_ns, tick_ns))
    }

    /// The run ends `tail_ns` after the last window. What has not been handed back yet.
    pub(in crate::trace) fn ended(&mut self, tail_ns: u64) -> Vec<Weighed<T>> {
        let (full, last) = (self.full.take(), self.filling.take());
        let last = last.map(|last| Stratum { gaps_ns: last.gaps_ns + tail_ns, ..last });
        let strata = match (full, last) {
            (Some(mut full), Some(last)) if last.hits < ENOUGH && full.is_like(&last, self.tick_ns) => {
                full.add(last);
                [Some(full), None]
            }
            (full, last) => [full, last],
        };
        strata.into_iter().flatten().map(|stratum| stratum.weighed(self.after_ns, self.tick_ns)).collect()
    }
}

impl<T> Stratum<T> {
    fn is_like(&self, other: &Self, tick_ns: u64) -> bool {
        let mine = u128::from(self.hits) * u128::from(other.length_ns + tick_ns);
        let theirs = u128::from(other.hits) * u128::from(self.length_ns + tick_ns);
        mine <= ALIKE * theirs && theirs <= ALIKE * mine
    }

    fn add(&mut self, other: Self) {
        self.counted.extend(other.counted);
        self.hits += other.hits;
        self.length_ns += other.length_ns;
        self.gaps_ns += other.gaps_ns;
    }

    /// With one tick more than have met the program, what is divided by their number is right in the mean: 1 / (n + 1)
    /// is 1 / m for n about m (Poisson), where 1 / n is more. One for all windows, since it is their sum that divides.
    #[expect(clippy::cast_precision_loss, reason = "a weight is an estimate")]
    fn weighed(self, after_ns: u64, tick_ns: u64) -> Weighed<T> {
        let met_ns = self.length_ns.saturating_add(tick_ns);
        let least_ns = (met_ns.saturating_mul(10) / SLOWEST).max(1);
        let length_ns = met_ns.saturating_sub(self.hits.saturating_mul(after_ns)).max(least_ns);
        let weight = length_ns.saturating_add(self.gaps_ns) as f64 / length_ns as f64;
        Weighed { counted: self.counted, weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(hits: u64, length_ns: u64, gap_ns: u64) -> Closed {
        Closed { hits, length_ns, gap_ns }
    }

    /// Every moment is stood for exactly once.
    #[test]
    fn windows_share_the_time_between_them() {
        let mut strata = Strata::new(0, 0);
        assert_eq!(strata.closed("busy", window(1_000, 10_000, 90_000)), None);
        assert_eq!(strata.closed("quiet", window(1, 20_000, 60_000)), None);
        // 10 of its own, 90 before, 30 after.
        let busy = strata.closed("busy again", window(1_000, 10_000, 10_000));
        assert_eq!(busy, Some(Weighed { counted: vec!["busy"], weight: 13.0 }));
        // 20 of its own, 30 before, 5 after; 10, 5 and 50.
        let rest: Vec<f64> = strata.ended(50_000).into_iter().map(|stratum| stratum.weight).collect();
        assert_eq!(rest, [55.0 / 20.0, 65.0 / 10.0]);
        assert_eq!(strata.ended(50_000), []);
    }

    /// Small windows that are alike are weighed together, at the end with the stratum before them as well.
    #[test]
    fn windows_that_are_alike_stand_together() {
        let mut strata = Strata::new(0, 0);
        assert_eq!(strata.closed(1, window(ENOUGH, 1_000_000, 0)), None);
        assert_eq!(strata.closed(2, window(500, 20_000, 500_000)), None);
        assert_eq!(strata.closed(3, window(500, 5_000, 400_000)), None);
        let weight = 2_000.0 / 1_025.0;
        assert_eq!(strata.ended(75_000), [Weighed { counted: vec![1, 2, 3], weight }]);
    }

    /// What hits have slowed down counts less, and no window has no length.
    #[test]
    fn the_delay_of_hits_is_no_time_of_the_program() {
        let weight = |length_ns, after_ns| {
            let mut strata = Strata::new(after_ns, 0);
            strata.closed((), window(1_000, length_ns, 1_000_000));
            strata.ended(0).first().map(|stratum| stratum.weight)
        };
        assert_eq!(weight(100_000, 0), Some(11.0));
        assert_eq!(weight(100_000, 50), Some(21.0));
        assert_eq!(weight(240_000, 500), Some(11.0));
        assert_eq!(weight(0, 0), Some(1_000_001.0));
    }

    /// The mean of many strata of a few ticks each is that of a long one, however many windows each of them has.
    #[test]
    fn few_ticks_do_not_make_a_weight_larger() {
        let mut chance = crate::trace::budget::Chance::new(5);
        let weights: Vec<f64> = (0..2_000)
            .map(|_| {
                // Ticks 50 apart meet 5 windows of 80 each.
                let mut ticks = |mut left: u64| {
                    std::iter::from_fn(|| {
                        left = left.checked_sub(chance.delay_ns(50))?;
                        Some(())
                    })
                    .count()
                };
                let mut strata = Strata::new(0, 50);
                for _ in 0..5 {
                    let met = ticks(80) as u64;
                    strata.closed((), window(100, 50 * met, 8_000));
                }
                strata.ended(0).first().unwrap().weight
            })
            .collect();
        let mean = weights.iter().sum::<f64>() / 2_000.0;
        assert!((90.0..112.0).contains(&mean), "{mean}");
    }

    /// Phases of 1 ms, busy and quiet in turn: windows close after 100 calls, or after 100 µs. The estimate is that of
    /// the calls made, though windows in busy phases are a hundred times shorter.
    #[test]
    fn short_windows_weigh_as_much_as_long_ones() {
        let is_busy = |at: u64| (at / 1_000_000).is_multiple_of(2);
        let (mut at, mut closed_at, mut strata, mut sum) = (7, 0, Strata::new(0, 0), 0.0);
        let mut add =
            |stratum: Weighed<u32>| sum += f64::from(stratum.counted.iter().sum::<u32>()) * stratum.weight;
        let mut chance = crate::trace::budget::Chance::new(1);
        while at < 4_000_000_000 {
            let (length, calls) = if is_busy(at) { (1_000, 100) } else { (100_000, 0) };
            let closed = strata.closed(calls, window(calls.into(), length, at - closed_at));
            closed.into_iter().for_each(&mut add);
            closed_at = at + length;
            at = closed_at + 50_000 + chance.delay_ns(200_000);
        }
        strata.ended(0).into_iter().for_each(&mut add);
        let made = f64::from(u32::try_from(closed_at / 2 / 10).unwrap());
        assert!((sum / made - 1.0).abs() < 0.1, "{sum} of {made}");
    }
}
