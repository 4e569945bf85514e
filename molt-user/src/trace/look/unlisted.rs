//! What a look has left out.

/// What a look could not list or compare.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unlisted {
    /// Modules that could not be read.
    pub(super) unread: u64,
    /// Entries whose key is no str.
    pub(super) unnamed: u64,
    /// Further entries than are looked at.
    pub(super) further: u64,
    /// Names that are longer than what was read of them.
    pub(super) cut: u64,
    /// Namespaces that are not compared.
    pub(super) large: u64,
    /// Changes that were not told.
    pub(super) changes: u64,
}

impl Unlisted {
    /// Each by the name under which the artifact's `collector.loss` counts it.
    pub(super) fn by_cause(&self) -> [(&'static str, u64); 6] {
        [
            ("unread_module", self.unread),
            ("unnamed_module", self.unnamed),
            ("further_module", self.further),
            ("cut_module_name", self.cut),
            ("large_namespace", self.large),
            ("further_change", self.changes),
        ]
    }
}
