//! Times and shares as whole numbers of a small unit, written as JSON numbers.
//!
//! Whole numbers cannot be NaN or infinite, compare exactly, and add up to the same sum in every order. In the
//! file they are decimals: `12.345` milliseconds, a share of `0.25`.
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest number of units. Up to 2^53 each has an `f64` of its own; three bits less leave room for what
/// dividing, parsing and multiplying round off, so that every value survives the file.
const LARGEST: u64 = 1 << 50;

/// A duration or a moment since the start of the run. Unit in memory: 1 µs; in the file: milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(u64);

impl Millis {
    /// From microseconds; more than 35 years are cut to that.
    pub const fn from_micros(micros: u64) -> Self {
        Self(if micros < LARGEST { micros } else { LARGEST })
    }

    /// From nanoseconds, rounded down to a microsecond.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self::from_micros(nanos / 1_000)
    }

    /// In microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }
}

impl From<Duration> for Millis {
    fn from(duration: Duration) -> Self {
        Self::from_micros(u64::try_from(duration.as_micros()).unwrap_or(LARGEST))
    }
}

/// A part of a whole. Unit in memory: a millionth; in the file: a decimal, where 1 is the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u64);

impl Share {
    /// `part / whole`, rounded down, so that shares of one whole never add up to more than it. Nothing of
    /// nothing is 0.
    pub fn of(part: u64, whole: u64) -> Self {
        let millionths = (u128::from(part) * 1_000_000).checked_div(u128::from(whole)).unwrap_or(0);
        Self(u64::try_from(millionths).map_or(LARGEST, |millionths| millionths.min(LARGEST)))
    }

    /// In millionths.
    pub const fn as_millionths(self) -> u64 {
        self.0
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, 1_000, serializer)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(1_000.0, deserializer).map(Self)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, 1_000_000, serializer)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(1_000_000.0, deserializer).map(Self)
    }
}

/// Writes `units` as a number of `units / scale`: without a point when it is whole.
#[expect(clippy::cast_precision_loss, reason = "units is at most 2^50, which an f64 holds exactly")]
fn serialize<S: Serializer>(units: u64, scale: u64, serializer: S) -> Result<S::Ok, S::Error> {
    if units.is_multiple_of(scale) {
        serializer.serialize_u64(units / scale)
    } else {
        serializer.serialize_f64(units as f64 / scale as f64)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked to lie between 0 and 2^50 just before"
)]
fn deserialize<'de, D: Deserializer<'de>>(scale: f64, deserializer: D) -> Result<u64, D::Error> {
    let units = (f64::deserialize(deserializer)? * scale).round();
    if (0.0..=LARGEST as f64).contains(&units) {
        Ok(units as u64)
    } else {
        Err(D::Error::custom("number is negative or too large"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whole values have no point, others have no more digits than their unit has.
    #[test]
    fn numbers_are_written_short() {
        let text = |micros| serde_json::to_string(&Millis::from_micros(micros)).unwrap();
        assert_eq!(text(0), "0");
        assert_eq!(text(12_000), "12");
        assert_eq!(text(12_345), "12.345");
        assert_eq!(text(u64::MAX), "1125899906842.624");
        assert_eq!(serde_json::to_string(&Share::of(1, 3)).unwrap(), "0.333333");
        assert_eq!(serde_json::to_string(&Share::of(3, 3)).unwrap(), "1");
    }

    // What was written is read back to the last digit, at both ends of the range.
    #[test]
    fn numbers_survive_the_file() {
        for micros in [0, 1, 999, 1_000, 1_001, 86_400_000_001, LARGEST - 1, LARGEST] {
            let text = serde_json::to_string(&Millis::from_micros(micros)).unwrap();
            assert_eq!(serde_json::from_str::<Millis>(&text).unwrap().as_micros(), micros);
        }
    }

    // A reader gets an error for what no duration can be.
    #[test]
    fn refuses_negative_and_huge_numbers() {
        for text in ["-1", "-0.001", "1e300", "1125899906843", "\"1\"", "null"] {
            assert!(serde_json::from_str::<Millis>(text).is_err(), "{text} was accepted");
        }
    }

    // Rounding up would let the shares of one run pass 1.
    #[test]
    fn shares_of_one_whole_add_up_to_at_most_it() {
        let sum: u64 = (0..7).map(|_| Share::of(1, 7).as_millionths()).sum();
        assert!(sum <= 1_000_000);
        assert_eq!(Share::of(5, 0).as_millionths(), 0);
    }
}
