//! The artifact as types: one file per section, in the order in which they stand in the file.
//!
//! Names of fields are the keys of the file. What is not known is `None` or empty and has no key. Keys that
//! these types do not have are ignored when read: later versions only add optional ones.
mod call_site;
mod collector;
mod container;
mod events;
mod header;
mod hotspot;
mod module;
mod normalize;
mod observation;
mod redactions;
mod section;
mod symbol;
mod types;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use call_site::{CallSite, CallTarget, IdBasis, Signature, TargetKind};
pub use collector::{
    Backend, Collector, Mode, Overhead, Process, ProcessRole, Samples, SectionState, Status, Window,
};
pub use container::{Container, DictFacts, ElementFacts, KeySet, LengthRange};
pub use events::{AuditArgument, Event, EventKind};
pub use header::{Arch, CollectionTime, FORMAT_VERSION, Header, Os, Platform, RunMetadata, utc_seconds};
pub use hotspot::Hotspot;
pub use module::{Module, ModuleKind, ModuleMutation, MutationKind, Origin};
pub use normalize::{MAX_CALL_SITES, MAX_EVENTS, MAX_KEY_SETS, MAX_KEYS, MAX_SIGNATURES};
pub use observation::Observation;
pub use redactions::{HashFunction, Policy, Redactions};
pub use section::Section;
pub use symbol::{Code, Effect, EffectKind, ExceptionCount, Symbol, SymbolKind};
pub use types::{AttributeFacts, AttributePlace, TypeFacts, TypeForm, TypeKind, TypeMutation};

/// One run of a program, as the file says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Which format, which Python, which run.
    #[serde(flatten)]
    pub header: Header,
    /// How the observations were made, and what is missing.
    pub collector: Collector,
    /// By module name.
    #[serde(default)]
    pub modules: BTreeMap<String, Module>,
    /// By `module.qualname`.
    #[serde(default)]
    pub symbols: BTreeMap<String, Symbol>,
    /// By file, line, column, then id and caller.
    #[serde(default)]
    pub call_sites: Vec<CallSite>,
    /// By `module.qualname`; the builtins without their module.
    #[serde(default)]
    pub types: BTreeMap<String, TypeFacts>,
    /// By place, see [`Container`].
    #[serde(default)]
    pub containers: BTreeMap<String, Container>,
    /// The longest self time first, then by symbol.
    #[serde(default)]
    pub hotspots: Vec<Hotspot>,
    /// The earliest first.
    #[serde(default)]
    pub events: Vec<Event>,
    /// What was done to strings that come from the program's data.
    #[serde(default)]
    pub redactions: Redactions,
    /// Calls by `module.function`: a symbol's `calls_est` where it has one, else its `calls`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub call_counts: BTreeMap<String, u64>,
    /// Times that a branch was taken, by `module.function:line:taken|not_taken`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub branch_counts: BTreeMap<String, u64>,
    /// Iterations of a loop, by `module.function:line`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loop_counts: BTreeMap<String, u64>,
}

impl Artifact {
    /// An artifact with empty sections.
    pub fn new(header: Header, collector: Collector) -> Self {
        Self {
            header,
            collector,
            modules: BTreeMap::new(),
            symbols: BTreeMap::new(),
            call_sites: Vec::new(),
            types: BTreeMap::new(),
            containers: BTreeMap::new(),
            hotspots: Vec::new(),
            events: Vec::new(),
            redactions: Redactions::default(),
            call_counts: BTreeMap::new(),
            branch_counts: BTreeMap::new(),
            loop_counts: BTreeMap::new(),
        }
    }
}

/// Whether a count is zero, which has no key in the file.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
