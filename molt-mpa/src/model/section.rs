//! The sections whose state `collector.sections` tells.
use super::{Artifact, CallTarget};
use crate::quantity::Millis;

/// A section, or a part of one that another hook fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `branch_counts`.
    BranchCounts,
    /// `call_counts`.
    CallCounts,
    /// `call_sites`.
    CallSites,
    /// `exceptions` of call targets.
    CallSitesExceptions,
    /// `signatures` of call targets.
    CallSitesSignatures,
    /// `containers`.
    Containers,
    /// `events`.
    Events,
    /// `hotspots`.
    Hotspots,
    /// `alloc_bytes`, `alloc_count`, `heap_bytes`, `heap_count` and `rank_alloc` of hotspots.
    HotspotsAlloc,
    /// Rows of hotspots with `native`.
    HotspotsNative,
    /// `loop_counts`.
    LoopCounts,
    /// `modules`.
    Modules,
    /// `mutations` of modules.
    ModulesMutations,
    /// `symbols`.
    Symbols,
    /// `calls` of symbols.
    SymbolsCalls,
    /// `effects` of symbols.
    SymbolsEffects,
    /// `exceptions` of symbols.
    SymbolsExceptions,
    /// `types`.
    Types,
}

impl Section {
    /// Every section, in the order of its name.
    pub const ALL: [Self; 18] = [
        Self::BranchCounts,
        Self::CallCounts,
        Self::CallSites,
        Self::CallSitesExceptions,
        Self::CallSitesSignatures,
        Self::Containers,
        Self::Events,
        Self::Hotspots,
        Self::HotspotsAlloc,
        Self::HotspotsNative,
        Self::LoopCounts,
        Self::Modules,
        Self::ModulesMutations,
        Self::Symbols,
        Self::SymbolsCalls,
        Self::SymbolsEffects,
        Self::SymbolsExceptions,
        Self::Types,
    ];

    /// Its key in `collector.sections`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BranchCounts => "branch_counts",
            Self::CallCounts => "call_counts",
            Self::CallSites => "call_sites",
            Self::CallSitesExceptions => "call_sites.exceptions",
            Self::CallSitesSignatures => "call_sites.signatures",
            Self::Containers => "containers",
            Self::Events => "events",
            Self::Hotspots => "hotspots",
            Self::HotspotsAlloc => "hotspots.alloc",
            Self::HotspotsNative => "hotspots.native",
            Self::LoopCounts => "loop_counts",
            Self::Modules => "modules",
            Self::ModulesMutations => "modules.mutations",
            Self::Symbols => "symbols",
            Self::SymbolsCalls => "symbols.calls",
            Self::SymbolsEffects => "symbols.effects",
            Self::SymbolsExceptions => "symbols.exceptions",
            Self::Types => "types",
        }
    }

    /// Whether the artifact holds nothing of this section.
    pub fn is_empty_in(self, artifact: &Artifact) -> bool {
        let no_target = |holds: fn(&CallTarget) -> bool| {
            !artifact.call_sites.iter().flat_map(|site| &site.targets).any(holds)
        };
        match self {
            Self::BranchCounts => artifact.branch_counts.is_empty(),
            Self::CallCounts => artifact.call_counts.is_empty(),
            Self::CallSites => artifact.call_sites.is_empty(),
            Self::CallSitesExceptions => no_target(|target| target.exceptions.is_some()),
            Self::CallSitesSignatures => no_target(|target| !target.signatures.is_empty()),
            Self::Containers => artifact.containers.is_empty(),
            Self::Events => artifact.events.is_empty(),
            // A function that asked for memory has a row, whether a sample met it or not.
            Self::Hotspots => artifact.hotspots.iter().all(|row| row.total_ms == Millis::default()),
            Self::HotspotsAlloc => !artifact.hotspots.iter().any(|row| {
                row.alloc_bytes.is_some() || row.alloc_count.is_some() || row.heap_bytes.is_some()
            }),
            Self::HotspotsNative => !artifact.hotspots.iter().any(|row| row.native.is_some()),
            Self::LoopCounts => artifact.loop_counts.is_empty(),
            Self::Modules => artifact.modules.is_empty(),
            Self::ModulesMutations => artifact.modules.values().all(|module| module.mutations.is_empty()),
            Self::Symbols => artifact.symbols.is_empty(),
            Self::SymbolsCalls => artifact
                .symbols
                .values()
                .all(|symbol| symbol.all_calls().is_none() && symbol.resumes.is_none()),
            Self::SymbolsEffects => artifact.symbols.values().all(|symbol| symbol.effects.is_empty()),
            Self::SymbolsExceptions => artifact.symbols.values().all(|symbol| symbol.exceptions.is_empty()),
            Self::Types => artifact.types.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Hotspot;
    use crate::tests::full::full;

    // A row is there for what a function asked for as well, and that alone is not a share of time.
    #[test]
    fn memory_that_was_asked_for_is_no_hotspot_by_time() {
        let mut artifact = full();
        artifact.hotspots = vec![Hotspot { heap_bytes: Some(4096), ..Hotspot::default() }];
        assert!(Section::Hotspots.is_empty_in(&artifact));
        assert!(!Section::HotspotsAlloc.is_empty_in(&artifact));
        artifact.hotspots[0].total_ms = Millis::from_micros(1);
        assert!(!Section::Hotspots.is_empty_in(&artifact));
    }

    // Maps are written with sorted keys, and nothing may be missing or twice.
    #[test]
    fn all_lists_each_section_once_by_name() {
        assert!(Section::ALL.is_sorted_by(|left, right| left.name() < right.name() && left < right));
    }
}
