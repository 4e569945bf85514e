//! When system calls, audit events and assignments are watched: always, unless a program makes so many that watching them would
//! cost too much.

use crate::capture::ebpf::cost::HitCost;
use molt_common::call::Meter;
use molt_mpa::quantity::Share;
use std::time::Duration;

/// How often it is looked at while it is open, in nanoseconds.
const LOOK_NS: u64 = 20_000_000;
/// What must be saved up before it is opened again.
const ENOUGH_NS: i64 = 2_000_000;
/// What a hit of a probe costs besides its program, about.
const TRAP_NS: u64 = 600;
/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// System calls, and what is seen together with them at first: functions that do without, and audit events.
    All,
    /// System calls alone.
    Syscalls,
    /// Audit events, once no functions are watched.
    Audits,
    /// Assignments to attributes, and imports.
    Frequent,
}

impl Watched {
    /// One in so many parts of the budget is for it.
    const fn part(self) -> u64 {
        match self {
            Self::All => 2,
            Self::Syscalls | Self::Audits | Self::Frequent => 4,
        }
    }

    /// What a run begins with, and the most that is saved up, in nanoseconds of the target's time.
    const fn credit_ns(self) -> i64 {
        match self {
            Self::All | Self::Syscalls | Self::Audits => 40_000_000,
            // A program has few assignments to modules, and up to 3.10 many to instances, which cost as much.
            Self::Frequent => 20_000_000,
        }
    }

    /// What it has cost since the meter showed nothing, in nanoseconds.
    fn cost_ns(self, new: &Meter) -> u64 {
        let cost = HitCost { trap_ns: TRAP_NS, ..HitCost::default() };
        let probes = |hits: u64| hits.saturating_mul(cost.of_effect(new));
        match self {
            Self::All => Self::Syscalls.cost_ns(new).saturating_add(Self::Audits.cost_ns(new)),
            Self::Syscalls => new.syscalls.saturating_mul(cost.of_syscall(new)),
            Self::Audits => probes(new.effects.saturating_sub(new.frequent)),
            Self::Frequent => probes(new.frequent),
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Watch again.
    Open,
    /// Watch no more.
    Close,
    /// Nothing.
    Stay,
}

/// An account that fills with time and pays for what is watched.
#[derive(Clone, Debug)]
pub(super) struct Valve {
    watched: Watched,
    budget: Share,
    tokens_ns: i64,
    meter: Meter,
    /// What it cost from the look before to the last one.
    cost_ns: u64,
    began_ns: u64,
    looked_ns: u64,
    due_ns: u64,
    open: bool,
    closed_ns: u64,
}

impl Valve {
    /// Open, when the meter shows nothing.
    pub(super) fn new(watched: Watched, budget: Share, now_ns: u64) -> Self {
        Self {
            watched,
            budget,
            tokens_ns: watched.credit_ns(),
            meter: Meter::default(),
            cost_ns: 0,
            began_ns: now_ns,
            looked_ns: now_ns,
            due_ns: now_ns + LOOK_NS,
            open: true,
            closed_ns: 0,
        }
    }

    /// Two of it, of which this one pays for system calls alone, and the other for audit events. Those are watched still,
    /// with nothing to pay for them, and are due at once.
    pub(super) fn divide(&mut self) -> Self {
        self.watched = Watched::Syscalls;
        Self { watched: Watched::Audits, open: true, tokens_ns: 0, due_ns: 0, closed_ns: 0, ..self.clone() }
    }

    pub(super) fn is_due(&self, now_ns: u64) -> bool {
        now_ns >= self.due_ns
    }

    pub(super) fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// The meter shows this now.
    pub(super) fn turn(&mut self, now_ns: u64, meter: Meter) -> Turn {
        let passed_ns = now_ns.saturating_sub(self.looked_ns);
        let new = meter.since(self.meter);
        let cost_ns = self.watched.cost_ns(&new);
        self.cost_ns = cost_ns;
        let parts = u128::from(self.watched.part() * 1_000_000);
        let income = u128::from(passed_ns) * u128::from(self.budget.as_millionths()) / parts;
        let change = i64::try_from(income).unwrap_or(i64::MAX).saturating_sub_unsigned(cost_ns);
        self.tokens_ns = self.tokens_ns.saturating_add(change).min(self.watched.credit_ns());
        (self.meter, self.looked_ns, self.due_ns) = (meter, now_ns, now_ns.saturating_add(LOOK_NS));
        if !self.open {
            self.closed_ns += passed_ns;
        }
        let open = if self.open { self.tokens_ns > 0 } else { self.tokens_ns >= ENOUGH_NS };
        match (std::mem::replace(&mut self.open, open), open) {
            (true, false) => Turn::Close,
            (false, true) => Turn::Open,
            _ => Turn::Stay,
        }
    }

    /// It is open, and as much again will close it.
    pub(super) fn is_nearly_spent(&self) -> bool {
        self.open && self.tokens_ns.saturating_sub_unsigned(self.cost_ns) <= 0
    }

    /// How long it was closed, of how long it has been there; `None` if it never was.
    pub(super) fn unwatched(&self, now_ns: u64) -> Option<(Duration, Duration)> {
        let now_closed = if self.open { 0 } else { now_ns.saturating_sub(self.looked_ns) };
        let closed = self.closed_ns + now_closed;
        let all = now_ns.saturating_sub(self.began_ns);
        (closed > 0).then(|| (Duration::from_nanos(closed), Duration::from_nanos(all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A meter after so many system calls of 120 ns each.
    fn after(syscalls: u64) -> Meter {
        Meter { syscalls, syscalls_timed: 1, syscalls_ns: 120, ..Meter::default() }
    }

    /// A million calls a second are watched for a moment now and then; a quiet program always.
    #[test]
    fn what_costs_too_much_is_watched_seldom() {
        let mut valve = Valve::new(Watched::All, Share::of(1, 100), 0);
        let (mut made, mut watched) = (0, 0);
        for look in 1..=500 {
            if valve.open {
                (made, watched) = (made + 20_000, watched + 1);
            }
            valve.turn(look * LOOK_NS, after(made));
        }
        assert!((10..100).contains(&watched), "{watched} of 500");
        assert!(valve.unwatched(500 * LOOK_NS).is_some());
        let mut quiet = Valve::new(Watched::All, Share::of(1, 100), 0);
        for look in 1..=500 {
            assert_eq!(quiet.turn(look * LOOK_NS, after(look * 100)), Turn::Stay);
        }
        assert_eq!(quiet.unwatched(500 * LOOK_NS), None);
    }

    /// What audit events cost is not taken from system calls once both are paid for apart.
    #[test]
    fn audit_events_do_not_pay_with_the_time_of_system_calls() {
        let mut syscalls = Valve::new(Watched::All, Share::of(1, 100), 0);
        let raised =
            |events: u64| Meter { effects: events, effects_timed: 1, effects_ns: 1000, ..Meter::default() };
        assert_eq!(syscalls.turn(LOOK_NS, raised(100_000)), Turn::Close);
        let mut audits = syscalls.divide();
        assert_eq!(audits.turn(2 * LOOK_NS, raised(110_000)), Turn::Close);
        let mut now = 2 * LOOK_NS;
        let turns: Vec<Turn> = std::iter::repeat_with(|| {
            now += LOOK_NS;
            syscalls.turn(now, raised(110_000 + now))
        })
        .take(10_000)
        .filter(|turn| *turn != Turn::Stay)
        .collect();
        assert_eq!(turns, [Turn::Open]);
    }
}
