//! Hotspots: where time goes and memory comes from.
use serde::{Deserialize, Serialize};

use crate::quantity::{Millis, Share};

/// A function by what it costs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hotspot {
    /// By `module.qualname`; for a row with `native`, the Python function that called it.
    pub symbol: String,
    /// `library:function` of a hot C function. Its time is part of its caller's row as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// Share of all self time.
    pub score: Share,
    /// CPU time in its own code and in C that it called.
    pub time_ms: Millis,
    /// CPU time in it and in all that it called, recursion counted once.
    pub total_ms: Millis,
    /// Samples that the self time rests on.
    pub samples: u64,
    /// Bytes allocated in its own code, where allocations were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alloc_bytes: Option<u64>,
    /// The same for the whole run, estimated; there where not all of them were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alloc_bytes_est: Option<u64>,
    /// Allocations in its own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alloc_count: Option<u64>,
    /// The same for the whole run, estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alloc_count_est: Option<u64>,
    /// Bytes that the kernel gave the process for its heap in the function's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_bytes: Option<u64>,
    /// How often it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_count: Option<u64>,
    /// Place by self time, from 1. Set by [`super::Artifact::normalize`].
    #[serde(default)]
    pub rank_time: u32,
    /// Place by bytes allocated, the estimate where there is one, from 1. Set by [`super::Artifact::normalize`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_alloc: Option<u32>,
}
