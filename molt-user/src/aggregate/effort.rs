//! What seeing every call cost, when it was done, and how far it reached.

use super::calls::Calls;
use super::tally::Tally;
use molt_mpa::model::{Event, EventKind, Overhead, Window};
use molt_mpa::quantity::{Millis, Share};
use std::collections::BTreeSet;

/// The artifact's account of the budget: CPU time spent in hooks and sampling, of that of all traced processes,
/// both in nanoseconds.
pub fn overhead(budget: Option<Share>, spent_ns: u64, cpu_ns: u64) -> Overhead {
    Overhead {
        budget,
        spent: (cpu_ns > 0).then(|| Share::of(spent_ns, cpu_ns)),
        target_cpu_ms: Some(Millis::from_nanos(cpu_ns)),
    }
}

/// The share of samples whose innermost function was seen to be called, or to go on, as well; `None` without
/// samples.
pub fn coverage(tally: &Tally, calls: &Calls) -> Option<Share> {
    let entered = calls.functions().filter(|(_, function)| function.calls.seen > 0 || function.resumes > 0);
    let symbols: BTreeSet<String> =
        entered.filter_map(|(code, _)| Some(tally.code(code)?.symbol())).collect();
    let (mut all, mut covered) = (0, 0);
    for (symbol, hotness) in tally.hotness() {
        all += hotness.own;
        if symbols.contains(symbol) {
            covered += hotness.own;
        }
    }
    (all > 0).then(|| Share::of(covered, all))
}

/// Stretches of time in which every call is seen, noted as they begin and end.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    closed: Vec<Window>,
    open_since: Option<Millis>,
}

impl Windows {
    /// A window opens, since the start of the run. One that is open already goes on.
    pub fn open(&mut self, at: Millis) {
        self.open_since.get_or_insert(at);
    }

    /// The open window closes.
    pub fn close(&mut self, at: Millis) {
        if let Some(start_ms) = self.open_since.take() {
            let length = at.as_micros().saturating_sub(start_ms.as_micros());
            self.closed.push(Window { start_ms, duration_ms: Millis::from_micros(length) });
        }
    }

    /// Those that have closed, the earliest first.
    pub fn list(&self) -> &[Window] {
        &self.closed
    }

    /// How long they were open, together.
    pub fn total(&self) -> Millis {
        Millis::from_micros(self.closed.iter().map(|window| window.duration_ms.as_micros()).sum())
    }

    /// Their beginnings and ends.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        self.closed.iter().flat_map(|window| {
            let end = window.start_ms.as_micros() + window.duration_ms.as_micros();
            [(window.start_ms, EventKind::WindowOpen), (Millis::from_micros(end), EventKind::WindowClose)]
                .map(|(t_ms, what)| Event { t_ms, process: None, what })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::calls::Count;
    use crate::aggregate::code::Code;
    use crate::aggregate::tally::{Placed, Site};
    use molt_mpa::model::SymbolKind;

    /// What is above the budget shows, and without CPU time there is no share of it.
    #[test]
    fn overhead_is_a_share_of_the_targets_time() {
        let part = overhead(Some(Share::of(1, 100)), 30_000_000, 2_000_000_000);
        assert_eq!(part.spent, Some(Share::of(15, 1_000)));
        assert_eq!(part.target_cpu_ms, Some(Millis::from_micros(2_000_000)));
        assert_eq!(overhead(None, 5, 0).spent, None);
    }

    /// Samples count by the function that they fell into; one that only called others was not entered.
    #[test]
    fn coverage_is_that_of_innermost_frames() {
        let mut tally = Tally::default();
        let mut calls = Calls::default();
        assert_eq!(coverage(&tally, &calls), None);
        let [called, resumed, caller] = ["called", "resumed", "caller"].map(|qualname| {
            tally.intern(Code {
                module: "app".to_owned(),
                qualname: qualname.to_owned(),
                file: "app.py".to_owned(),
                first_line: 1,
                hash: None,
                kind: SymbolKind::Function,
                lines: 0,
            })
        });
        let frame = |code| Some(Placed { code, offset: 2 });
        for leaf in [called, called, resumed, caller] {
            tally.add(&[frame(leaf), frame(caller)], |_, _| Site::nowhere());
        }
        let site = crate::aggregate::tally::SiteKey { caller, offset: 2 };
        calls.undetailed(Some(site), called, Count::exact(1));
        assert_eq!(coverage(&tally, &calls), Some(Share::of(2, 4)));
        calls.resumed(resumed, 1);
        assert_eq!(coverage(&tally, &calls), Some(Share::of(3, 4)));
    }

    /// Windows neither nest nor end before they begin.
    #[test]
    fn windows_are_noted_with_their_ends() {
        let at = Millis::from_micros;
        let mut windows = Windows::default();
        windows.close(at(1));
        windows.open(at(10));
        windows.open(at(20));
        windows.close(at(35));
        windows.open(at(50));
        windows.close(at(40));
        let expected = [(10, 25), (50, 0)]
            .map(|(start, length)| Window { start_ms: at(start), duration_ms: at(length) });
        assert_eq!(windows.list(), expected);
        assert_eq!(windows.total(), at(25));
        let events: Vec<_> = windows.events().map(|event| (event.t_ms, event.what)).collect();
        assert_eq!(
            events,
            [
                (at(10), EventKind::WindowOpen),
                (at(35), EventKind::WindowClose),
                (at(50), EventKind::WindowOpen),
                (at(50), EventKind::WindowClose)
            ]
        );
    }
}
