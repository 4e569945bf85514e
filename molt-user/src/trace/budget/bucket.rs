//! The account of what observing may cost: a token bucket, in nanoseconds of the target's time.

use molt_mpa::quantity::Share;

/// What a run begins with, so that start-up and short programs are seen whole, and the most that is ever saved up,
/// so that a long quiet time is not followed by a long slow one.
const CREDIT_NS: i64 = 200_000_000;

/// What may be spent still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) struct Bucket {
    budget: Share,
    /// What it begins with, and the most that it holds.
    credit_ns: i64,
    tokens_ns: i64,
    /// Totals when it was last brought up to date.
    cpu_ns: u64,
    spent_ns: u64,
}

impl Bucket {
    /// The part of the credit that start-up does not get: what else is seen, and windows that notice their end late, take
    /// from it as well.
    pub(in crate::trace) const RESERVE_NS: u64 = CREDIT_NS.unsigned_abs() * 2 / 5;
    /// Half of what it gets.
    pub(in crate::trace) const HALF_NS: u64 = (CREDIT_NS.unsigned_abs() - Self::RESERVE_NS) / 2;

    /// With the credit, before anything has run.
    pub(in crate::trace) fn new(budget: Share) -> Self {
        Self::with_credit(budget, CREDIT_NS)
    }

    /// With a credit of its own.
    pub(in crate::trace) fn with_credit(budget: Share, credit_ns: i64) -> Self {
        Self { budget, credit_ns, tokens_ns: credit_ns, cpu_ns: 0, spent_ns: 0 }
    }

    /// The target has used `cpu_ns` so far, of which observing has cost `spent_ns`. The cost is an estimate, which
    /// may also come down.
    pub(in crate::trace) fn update(&mut self, cpu_ns: u64, spent_ns: u64) {
        let filled = self.income(cpu_ns.saturating_sub(self.cpu_ns));
        let spent = signed(spent_ns).saturating_sub(signed(self.spent_ns));
        self.tokens_ns = self.tokens_ns.saturating_add(filled).saturating_sub(spent).min(self.credit_ns);
        self.cpu_ns = self.cpu_ns.max(cpu_ns);
        self.spent_ns = spent_ns;
    }

    /// What may be spent now; 0 in debt.
    pub(in crate::trace) fn tokens_ns(&self) -> u64 {
        u64::try_from(self.tokens_ns).unwrap_or(0)
    }

    /// CPU time of the target after which it will hold `tokens_ns`, if nothing is spent; `None` if never.
    pub(in crate::trace) fn cpu_until(&self, tokens_ns: u64) -> Option<u64> {
        let missing = signed(tokens_ns.min(self.credit_ns.unsigned_abs())).saturating_sub(self.tokens_ns);
        let missing = u64::try_from(missing).unwrap_or(0);
        let scaled = u128::from(missing) * 1_000_000;
        let cpu_ns = scaled.checked_div(self.budget.as_millionths().into())?;
        u64::try_from(cpu_ns).ok()
    }

    fn income(&self, cpu_ns: u64) -> i64 {
        let filled = u128::from(cpu_ns) * u128::from(self.budget.as_millionths()) / 1_000_000;
        i64::try_from(filled).unwrap_or(i64::MAX)
    }
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn percent(number: u64) -> Bucket {
        Bucket::new(Share::of(number, 100))
    }

    /// It fills with the budget's share of CPU time, never above the credit, and goes into debt.
    #[test]
    fn fills_with_cpu_time_up_to_the_credit() {
        let mut bucket = percent(1);
        bucket.update(1_000 * MS, 0);
        assert_eq!(bucket.tokens_ns(), 200 * MS);
        bucket.update(1_000 * MS, 195 * MS);
        assert_eq!(bucket.tokens_ns(), 5 * MS);
        bucket.update(2_000 * MS, 195 * MS);
        assert_eq!(bucket.tokens_ns(), 15 * MS);
        bucket.update(2_000 * MS, 220 * MS);
        assert_eq!(bucket.tokens_ns(), 0);
        // 10 ms of debt are paid off first.
        assert_eq!(bucket.cpu_until(0), Some(1_000 * MS));
        bucket.update(3_000 * MS, 220 * MS);
        assert_eq!((bucket.tokens_ns(), bucket.cpu_until(0)), (0, Some(0)));
        assert_eq!(bucket.cpu_until(2 * MS), Some(200 * MS));
    }

    /// A cost that turns out to be lower gives back, and a clock that goes backwards gives nothing twice.
    #[test]
    fn corrections_are_taken() {
        let mut bucket = percent(1);
        bucket.update(1_000 * MS, 100 * MS);
        bucket.update(1_000 * MS, 90 * MS);
        assert_eq!(bucket.tokens_ns(), 120 * MS);
        bucket.update(500 * MS, 90 * MS);
        bucket.update(1_000 * MS, 90 * MS);
        assert_eq!(bucket.tokens_ns(), 120 * MS);
    }

    /// Without income nothing comes; with all of it, tokens come as fast as time goes.
    #[test]
    fn the_ends_of_the_range_hold() {
        let mut none = percent(0);
        none.update(1_000 * MS, 200 * MS);
        assert_eq!(none.cpu_until(1), None);
        assert_eq!(none.cpu_until(0), None);
        let mut all = percent(100);
        all.update(0, 200 * MS);
        assert_eq!(all.cpu_until(7), Some(7));
        all.update(u64::MAX, u64::MAX);
        assert!(all.tokens_ns() <= 200 * MS);
        assert_eq!(all.cpu_until(u64::MAX).map(|ns| ns <= 200 * MS), Some(true));
    }
}
