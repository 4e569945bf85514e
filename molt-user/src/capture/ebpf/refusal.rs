//! What a refusal of the kernel comes down to.

use nix::errno::Errno;
use std::error::Error;
use std::io;

/// Longest part of the verifier's log that goes into a message, in characters.
const MAX_REASON_CHARS: usize = 200;
/// How the statistics begin that end a log (`print_verification_stats`, `kernel/bpf/verifier.c`, Linux 6.12).
const STATISTICS: [&str; 3] = ["processed ", "verification time ", "stack depth "];

/// The line of a verifier's log that says why: the last one before the statistics. None if the log is empty,
/// that is, if the program was refused before it was verified.
pub(super) fn reason(log: &str) -> Option<String> {
    let lines = log.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.rev().find(|line| !STATISTICS.iter().any(|head| line.starts_with(head)))?;
    Some(last.chars().take(MAX_REASON_CHARS).collect())
}

/// The system's error number in a chain of causes, if one has it.
pub fn errno(error: &(dyn Error + 'static)) -> Option<Errno> {
    anyhow::Chain::new(error).find_map(|cause| match cause.downcast_ref::<io::Error>() {
        Some(io) => io.raw_os_error().map(Errno::from_raw),
        None => cause.downcast_ref().copied(),
    })
}

#[cfg(test)]
mod tests {
    use super::{errno, reason};
    use nix::errno::Errno;
    use std::io;

    /// The end of a log as Linux 6.18 writes it, and of one without statistics.
    #[test]
    fn takes_the_line_that_says_why() {
        let log = "0: R1=ctx() R10=fp0\n; repeat(..) @ main.rs:1\n12: (85) call unknown#9999\n\
                   invalid func unknown#9999\nprocessed 13 insns (limit 1000000) max_states_per_insn 0\n\n";
        assert_eq!(reason(log).as_deref(), Some("invalid func unknown#9999"));
        assert_eq!(reason("R1 type=scalar expected=fp").as_deref(), Some("R1 type=scalar expected=fp"));
        assert_eq!(reason("\n\n"), None);
        assert_eq!(reason(&"x".repeat(100_000)).unwrap().len(), 200);
    }

    /// The number may lie under several layers, or nowhere.
    #[test]
    fn finds_the_error_number_below_its_context() {
        let deep = anyhow::Error::from(io::Error::from(Errno::EPERM)).context("inner").context("outer");
        assert_eq!(errno(deep.as_ref()), Some(Errno::EPERM));
        assert_eq!(errno(anyhow::anyhow!("no number").as_ref()), None);
    }
}
