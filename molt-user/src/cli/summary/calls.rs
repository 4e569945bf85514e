//! What is said at the end of a run in which calls were seen.

use molt_mpa::model::{Artifact, Section, Status, Symbol};
use molt_mpa::quantity::Share;

/// Calls seen, windows, and what that cost, a line each; none where nothing of the kind was done.
pub(super) fn lines(artifact: &Artifact) -> Vec<String> {
    [calls(artifact), overhead(artifact)].into_iter().flatten().collect()
}

/// `12,345 calls exactly (100 %)`, or the part that windows saw.
fn calls(artifact: &Artifact) -> Option<String> {
    let sum =
        |calls: fn(&Symbol) -> Option<u64>| -> u64 { artifact.symbols.values().filter_map(calls).sum() };
    let (seen, all) = (sum(|symbol| symbol.calls), sum(Symbol::all_calls));
    if seen == 0 {
        return None;
    }
    let state = artifact.collector.sections.get(Section::SymbolsCalls.name());
    let complete = state.is_some_and(|state| state.status == Status::Complete);
    let mut parts = vec![format!("{} calls exactly", grouped(seen))];
    if complete {
        parts.push(" (100 %)".to_owned());
    } else if all > seen {
        parts.push(format!(" ({} % of about {})", percent(Share::of(seen, all)), grouped(all)));
    }
    let windows = &artifact.collector.windows;
    if !windows.is_empty() && !complete {
        let micros: u64 = windows.iter().map(|window| window.duration_ms.as_micros()).sum();
        let plural = if windows.len() == 1 { "" } else { "s" };
        let (seconds, millis) = (micros / 1_000_000, micros / 1_000 % 1_000);
        parts.push(format!(" in {} window{plural} of {seconds}.{millis:03} s", windows.len()));
    }
    if let Some(coverage) = artifact.collector.coverage {
        parts.push(format!(", {} % of samples in functions seen so", percent(coverage)));
    }
    Some(parts.concat())
}

fn overhead(artifact: &Artifact) -> Option<String> {
    let overhead = artifact.collector.overhead?;
    let spent = percent(overhead.spent?);
    Some(match overhead.budget {
        Some(budget) => format!("overhead {spent} % of CPU time, of {} % allowed", percent(budget)),
        None => format!("overhead {spent} % of CPU time"),
    })
}

/// In percent, to the hundredth below one and to the tenth above, without needless zeros.
fn percent(share: Share) -> String {
    let hundredths = share.as_millionths() / 100;
    let hundredths = if hundredths < 100 { hundredths } else { hundredths / 10 * 10 };
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number with a comma after each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
