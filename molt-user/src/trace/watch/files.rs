//! The files that an artifact names.

use super::Watch;
use crate::aggregate::code::Files;
use crate::symbolize::paths::SourceFile;

impl Watch {
    /// Every file that codes and modules name, placed under the import roots.
    pub(in crate::trace) fn files(&self) -> Files {
        let called = self.calls.functions().filter_map(|(id, _)| self.tally.code(id));
        let codes = self.tally.codes().chain(called);
        let codes = codes.chain(self.effects.codes().filter_map(|id| self.tally.code(id)));
        let codes = codes.chain(self.allocations.codes().filter_map(|id| self.tally.code(id)));
        let mutators = self.mutations.codes();
        let codes = codes.chain(mutators.iter().filter_map(|id| self.tally.code(*id)));
        let names = codes.map(|code| code.file.as_str()).chain(self.modules.files());
        let place = |name: &str| {
            let inside = |place: &SourceFile| *place != SourceFile::Outside;
            self.roots.values().map(|roots| roots.place(name)).find(inside).unwrap_or(SourceFile::Outside)
        };
        Files(names.map(|name| (name.to_owned(), place(name))).collect())
    }
}
