//! What molt says on standard error.

use crate::diagnose::advice::one_line;
use std::io::{IsTerminal, Write};
use tracing_subscriber::EnvFilter;

/// Starts the log that `-v` asks for. `MOLT_LOG` overrides it with a filter of its own.
pub(super) fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "molt_user=info",
        _ => "molt_user=debug",
    };
    let filter = EnvFilter::try_from_env("MOLT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .without_time()
        .with_ansi(colour())
        .with_writer(std::io::stderr)
        .init();
}

/// Whether standard error takes colours: a terminal, and `NO_COLOR` is not set.
fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Says one line. Standard error that is closed loses it, which must not end a run.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "molt: {}", escaped(text));
}

/// Says what failed, with the chain of causes on one line, and what to do about it on lines of their own.
pub(super) fn say_failure(failure: &anyhow::Error, advice: &[String]) {
    say(&one_line(failure.as_ref()));
    for hint in advice {
        let _ = writeln!(std::io::stderr(), "      {}", escaped(hint));
    }
}

/// `text` with control characters made visible: names in a message come from programs that are not trusted.
pub(super) fn escaped(text: &str) -> String {
    let visible =
        |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .flat_map(|c| {
            let shown: Box<dyn Iterator<Item = char>> =
                if visible(c) { Box::new(std::iter::once(c)) } else { Box::new(c.escape_unicode()) };
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    /// A function's name must not move the cursor or turn the line around.
    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(escaped("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(escaped("naïve 名"), "naïve 名");
        assert_eq!(escaped("\u{202e}evil"), "\\u{202e}evil");
    }
}
