//! How far a run's calls were seen, for the sections that rest on them.

use super::observe::Account;
use super::watch::Watch;
use super::{Observe, Options};
use crate::aggregate::sections::{CallCoverage, Gaps, Missing, Seen};
use molt_common::fault::Fault;
use molt_mpa::model::ProcessRole;

/// Faults by which a call, or its end, leaves no record.
const LOSSES: [Fault; 4] =
    [Fault::OpenCallsFull, Fault::CallSitesFull, Fault::UnreadCall, Fault::UnreadException];

/// What the hooks of calls have seen, and what has passed them.
pub(super) fn calls(
    options: &Options,
    watch: &Watch,
    account: &Account,
    faults: &[(Fault, u64)],
) -> CallCoverage {
    let seen = match (options.observe, &account.windows) {
        (Observe::Sample, _) => return CallCoverage::default(),
        // A program that makes no calls while they are hooked has been seen to make none.
        _ if !watch.has_calls() && !watch.unhooked.1.is_empty() => Seen::Nothing(watch.unhooked.1.clone()),
        (_, None) => Seen::Throughout,
        (_, Some(windows)) => Seen::Windows {
            count: windows.list().len() as u64,
            open: windows.total(),
            cpu: account.overhead.target_cpu_ms.unwrap_or_default(),
        },
    };
    let lost: u64 = faults.iter().filter(|(fault, _)| LOSSES.contains(fault)).map(|(_, count)| count).sum();
    let gaps = Gaps {
        attached: options.target.is_attached(),
        late: watch.processes.list().iter().filter(|process| process.role == ProcessRole::Fork).count()
            as u64,
        unhooked: Some(watch.unhooked.clone()).filter(|(count, _)| *count > 0),
        lost: lost + watch.unresolved_calls(),
        undetailed: watch.calls.without_detail(),
    };
    let ends = match watch.open_calls {
        0 => Missing::Nothing,
        open => Missing::Part(format!("{open} calls had not ended, or ended unseen")),
    };
    let containers = Missing::Part("those of a part of the calls of each kind are looked into".to_owned());
    CallCoverage { seen, gaps, ends, exceptions: Missing::Nothing, containers }
}
