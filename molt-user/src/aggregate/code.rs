//! What a code object is, as opposed to where it lay in which process.

use crate::symbolize::paths::SourceFile;
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{Origin, SymbolKind};
use molt_mpa::redact::{Category, Redactor};
use std::collections::BTreeMap;

/// Stands for the module of code whose globals have no `__name__`.
pub const UNNAMED: &str = "<unnamed>";

/// A code object by its contents. Two processes that run the same program have the same ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// `__name__` of its globals.
    pub module: String,
    /// `co_qualname`, or what stands for it before 3.11.
    pub qualname: String,
    /// `co_filename`.
    pub file: String,
    /// `co_firstlineno`.
    pub first_line: u32,
    /// Of `co_code`; `None` when it could not be read.
    pub hash: Option<Sha256Hash>,
    /// What kind of function it is.
    pub kind: SymbolKind,
    /// Of its line table: equal code may stand at different places of a line.
    pub lines: u64,
}

impl Code {
    /// Its name in the artifact.
    pub fn symbol(&self) -> String {
        format!("{}.{}", self.module, self.qualname)
    }
}

/// Every file of a run by the name that the program gives it.
///
/// Import roots are known only when the run is well under way, so that names are kept as they are until then.
#[derive(Debug, Default)]
pub struct Files(pub BTreeMap<String, SourceFile>);

impl Files {
    /// How the artifact names the file that the program calls `name`.
    pub fn name(&self, name: &str, redactor: &mut Redactor) -> String {
        match self.0.get(name) {
            Some(SourceFile::Rooted { path, .. }) => path.clone(),
            Some(SourceFile::Synthetic(name)) => name.clone(),
            Some(SourceFile::Outside) | None => redactor.redact(Category::Path, name),
        }
    }

    /// Whose the file is, where it is in an import root.
    pub fn origin(&self, name: &str) -> Option<Origin> {
        match self.0.get(name) {
            Some(SourceFile::Rooted { origin, .. }) => Some(*origin),
            _ => None,
        }
    }
}
