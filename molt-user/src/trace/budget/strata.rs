//! How many calls each that was counted stands for.
//!
//! Time without a window is given to the windows next to it, half to either, and what a window saw is scaled by the
//! time that it stands for. So a window in a busy phase, which closes soon, weighs no more than one in a quiet phase.
//! The first stretch is of start-up, which is like nothing that follows: it stands for itself alone.

/// Windows with what was counted in them. Each is handed back when the time that it stands for is known.
#[derive(Clone, Debug)]
pub(in crate::trace) struct Strata<T> {
    waiting: Option<Waiting<T>>,
}

#[derive(Clone, Debug)]
struct Waiting<T> {
    counted: T,
    /// Length and the time that it stands for; `None` for the first window.
    ns: Option<(u64, u64)>,
}

/// What was counted in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::trace) struct Weighed<T> {
    pub(in crate::trace) counted: T,
    /// How many calls each counted one stands for, at least 1; `None` if for itself alone.
    pub(in crate::trace) weight: Option<f64>,
}

impl<T> Strata<T> {
    /// Before the first window.
    pub(in crate::trace) fn new() -> Self {
        Self { waiting: None }
    }

    /// A window of `length_ns` has closed, which opened `gap_ns` after the one before closed: the target's CPU time,
    /// without what the hooks took. The window before, if there was one.
    pub(in crate::trace) fn closed(&mut self, counted: T, length_ns: u64, gap_ns: u64) -> Option<Weighed<T>> {
        let (before, ns) = match self.waiting.take() {
            None => (None, None),
            Some(first @ Waiting { ns: None, .. }) => (Some(first), Some((length_ns, length_ns + gap_ns))),
            Some(Waiting { counted, ns: Some((length, stands_for)) }) => {
                let half = gap_ns / 2;
                let before = Waiting { counted, ns: Some((length, stands_for + half)) };
                (Some(before), Some((length_ns, length_ns + gap_ns - half)))
            }
        };
        self.waiting = Some(Waiting { counted, ns });
        before.map(Waiting::weighed)
    }

    /// The run ends `tail_ns` after the last window, which is handed back.
    pub(in crate::trace) fn ended(&mut self, tail_ns: u64) -> Option<Weighed<T>> {
        let Waiting { counted, ns } = self.waiting.take()?;
        let ns = ns.map(|(length, stands_for)| (length, stands_for + tail_ns));
        Some(Waiting { counted, ns }.weighed())
    }
}

impl<T> Waiting<T> {
    #[expect(clippy::cast_precision_loss, reason = "a weight is an estimate")]
    fn weighed(self) -> Weighed<T> {
        let weight = self.ns.map(|(length, stands_for)| stands_for as f64 / length.max(1) as f64);
        Weighed { counted: self.counted, weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every moment after the first window is stood for exactly once.
    #[test]
    fn windows_share_the_time_between_them() {
        let mut strata = Strata::new();
        assert_eq!(strata.closed("first", 500, 0), None);
        assert_eq!(strata.closed("second", 10, 90), Some(Weighed { counted: "first", weight: None }));
        // 10 of its own, 90 before, 30 after.
        let second = strata.closed("third", 20, 60);
        assert_eq!(second, Some(Weighed { counted: "second", weight: Some(13.0) }));
        // 20 of its own, 30 before, 50 after.
        assert_eq!(strata.ended(50), Some(Weighed { counted: "third", weight: Some(5.0) }));
        assert_eq!(strata.ended(50), None);
    }

    /// A program that ends soon after its first window has no estimate, and one without windows nothing at all.
    #[test]
    fn the_first_window_stands_for_itself() {
        let mut strata = Strata::new();
        assert_eq!(strata.closed(1, 0, 0), None);
        assert_eq!(strata.ended(1_000), Some(Weighed { counted: 1, weight: None }));
        assert_eq!(Strata::<u8>::new().ended(5), None);
    }

    /// Phases of 1,000 ns, busy and quiet in turn: windows close after 100 calls, or after 100 ns. The estimate is
    /// that of the calls made, though windows in busy phases are a hundred times shorter.
    #[test]
    fn short_windows_weigh_as_much_as_long_ones() {
        let rate = |at: u64| if at / 1_000 % 2 == 0 { 100 } else { 0 };
        let (mut at, mut closed_at, mut strata, mut sum) = (7, 0, Strata::new(), 0.0);
        strata.closed(0, 0, 0);
        let mut chance = crate::trace::budget::Chance::new(1);
        while at < 4_000_000 {
            let (length, calls) = if rate(at) > 0 { (1, 100) } else { (100, 0) };
            if let Some(Weighed { counted, weight: Some(weight) }) =
                strata.closed(calls, length, at - closed_at)
            {
                sum += f64::from(counted) * weight;
            }
            closed_at = at + length;
            at = closed_at + 50 + chance.delay_ns(200);
        }
        let made = closed_at as f64 / 2.0 * 100.0;
        assert!((sum / made - 1.0).abs() < 0.05, "{sum} of {made}");
    }
}
