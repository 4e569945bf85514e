//! The header: which format, which Python, which run.
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::ids::Sha256Hash;
use crate::quantity::{Millis, Share};

/// The version of the format that this crate writes and reads.
pub const FORMAT_VERSION: &str = "0.1";

/// The keys of the top level that say what the file is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT_VERSION`].
    pub molt_profile_version: String,
    /// When the file was made: RFC 3339 in UTC with `Z` and whole seconds, see [`utc_seconds`].
    pub created_at_utc: String,
    /// `CPython`.
    pub python_implementation: String,
    /// The target's own full version, such as `3.13.5` or `3.15.0a2`.
    pub python_version: String,
    /// The machine that the target ran on.
    pub platform: Platform,
    /// The run itself.
    pub run_metadata: RunMetadata,
}

impl Header {
    /// The header of a run of CPython, made at `created`.
    pub fn cpython(
        python_version: &str,
        platform: Platform,
        run_metadata: RunMetadata,
        created: SystemTime,
    ) -> Self {
        Self {
            molt_profile_version: FORMAT_VERSION.to_owned(),
            created_at_utc: utc_seconds(created),
            python_implementation: "CPython".to_owned(),
            python_version: python_version.to_owned(),
            platform,
            run_metadata,
        }
    }
}

/// Operating system and processor of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system.
    pub os: Os,
    /// The processor.
    pub arch: Arch,
}

impl Platform {
    /// The platform that this code was compiled for, `None` where the format has no name for it.
    pub fn of_this_build() -> Option<Self> {
        let os = match std::env::consts::OS {
            "linux" => Os::Linux,
            "macos" => Os::Darwin,
            _ => return None,
        };
        let arch = match std::env::consts::ARCH {
            "x86_64" => Arch::X86_64,
            "aarch64" => Arch::Arm64,
            _ => return None,
        };
        Some(Self { os, arch })
    }
}

/// Operating systems that the format names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    Darwin,
}

/// Processors that the format names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64.
    #[serde(rename = "x86_64")]
    X86_64,
    /// AArch64.
    Arm64,
}

/// What ran, and how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMetadata {
    /// `pkg.mod:__main__` for `-m pkg.mod`, a script's file name relative to the working folder, `-c`, or
    /// `<attached>` and the name of the main module. A script outside the working folder is data: redacted.
    pub entrypoint: String,
    /// The target's arguments after the interpreter, each redacted.
    pub argv: Vec<String>,
    /// See [`crate::ids::env_fingerprint`].
    pub env_fingerprint: Sha256Hash,
    /// See [`crate::ids::inputs_fingerprint`].
    pub inputs_fingerprint: Sha256Hash,
    /// From the start of observation to its end.
    pub duration_ms: Millis,
    /// What collecting garbage took; absent where it was not seen how long collections take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc: Option<CollectionTime>,
}

/// What collecting garbage took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionTime {
    /// From the beginning to the end of each collection, all together.
    pub time_ms: Millis,
    /// Its share of [`super::Overhead::target_cpu_ms`], at most 1; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

impl CollectionTime {
    /// So much of a run that took `cpu_ms`.
    pub fn of(time_ms: Millis, cpu_ms: Option<Millis>) -> Self {
        let cpu = cpu_ms.map(Millis::as_micros).filter(|micros| *micros > 0);
        Self { time_ms, share: cpu.map(|cpu| Share::of(time_ms.as_micros().min(cpu), cpu)) }
    }
}

/// `time` as `2026-01-02T00:00:00Z`. Times before 1970 or after 9999 are cut to that range.
pub fn utc_seconds(time: SystemTime) -> String {
    const LAST_SECOND_OF_9999: u64 = 253_402_300_799;
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let seconds = seconds.min(LAST_SECOND_OF_9999);
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, which puts the leap day at the end of one: then the days before a month are
/// `(153 * month + 2) / 5`, and 400 years always have 146,097 days.
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    const DAYS_FROM_MARCH_OF_YEAR_0: u64 = 719_468;
    let days = days_since_1970 + DAYS_FROM_MARCH_OF_YEAR_0;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    // Dates around leap days and century rules, against seconds from `date -u +%s`.
    #[test]
    fn seconds_become_the_calendar_date() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_767_312_000, "2026-01-02T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc_seconds(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        assert_eq!(utc_seconds(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }
}
