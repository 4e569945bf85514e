//! Times and shares as they are typed.

use molt_mpa::quantity::Share;
use std::time::Duration;

/// A number with a unit: ms, s, m or h; seconds without one.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_not_a_number| format!("{text:?} has no number"))?;
    let scale = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unit {unit:?} is none of ms, s, m, h")),
    };
    let seconds = number * scale;
    if seconds <= 0.0 {
        return Err("a duration is longer than nothing".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_too_long| format!("{text} is too long"))
}

/// A number from 0 to 100 and a percent sign, which 0 may lack.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10 million")]
pub(super) fn parse_budget(text: &str) -> Result<Share, String> {
    let Some(number) = text.strip_suffix('%').or((text == "0").then_some(text)) else {
        return Err("a budget ends in a percent sign, as 1% does".to_owned());
    };
    let percent: f64 =
        number.trim().parse().map_err(|_not_a_number| format!("{number:?} is not a number"))?;
    if !(0.0..=100.0).contains(&percent) {
        return Err(format!("{text} is not between 0% and 100%"));
    }
    Ok(Share::of((percent * 100_000.0).round() as u64, 10_000_000))
}

#[cfg(test)]
mod tests {
    use super::{parse_budget, parse_duration};
    use molt_mpa::quantity::Share;
    use std::time::Duration;

    /// The whole range, with and without digits after the point, and nothing else.
    #[test]
    fn reads_budgets_and_refuses_what_is_none() {
        assert_eq!(parse_budget("1%"), Ok(Share::of(1, 100)));
        assert_eq!(parse_budget("0.5%"), Ok(Share::of(5, 1_000)));
        assert_eq!(parse_budget("0.07%"), Ok(Share::of(7, 10_000)));
        assert_eq!(parse_budget("100%"), Ok(Share::of(1, 1)));
        for none in ["0", "0%", "0.0%"] {
            assert_eq!(parse_budget(none), Ok(Share::default()), "{none}");
        }
        for wrong in ["", "%", "1", "0.01", "-1%", "100.1%", "nan%", "inf%", "-inf%", "1e400%", "one%", "1%%"]
        {
            assert!(parse_budget(wrong).is_err(), "{wrong}");
        }
    }

    /// Units as `timeout` and `sleep` have them, and milliseconds.
    #[test]
    fn reads_durations_with_their_units() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_mins(2)));
        for wrong in ["", "s", "0s", "10d", "-1s", "1e400s", "nan"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
