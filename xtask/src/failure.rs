//! How a failure is told.

use anyhow::Error;

/// The causes on one line, and below it what can be done about them. No backtrace: what fails here is mostly
/// another program.
pub(crate) fn text(failure: &Error) -> String {
    let mut causes = Vec::new();
    let mut advice = Vec::new();
    for cause in failure.chain() {
        let said = cause.to_string();
        let mut lines = said.lines().map(str::to_owned);
        causes.extend(lines.next());
        advice.extend(lines);
    }
    advice.insert(0, causes.join(": "));
    advice.join("\n")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    // Advice of an outer failure must not come between it and its cause.
    #[test]
    fn causes_come_before_advice() {
        let failure = anyhow!("no such file").context("failed to build\nInstall it.");
        assert_eq!(super::text(&failure), "failed to build: no such file\nInstall it.");
    }
}
