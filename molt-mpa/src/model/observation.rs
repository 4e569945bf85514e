//! How an observation was made.
use serde::{Deserialize, Serialize};

/// How an observation was made. The better one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// Seen at a sampling instant. Counts are numbers of samples.
    Sampled,
    /// Seen in windows in which nothing of the kind passes unseen. Counts are numbers of occurrences.
    Exact,
}
