//! A code object's qualified name, wherever it can be had.

use super::code::CodeObject;
use super::source::SourceFile;
use std::sync::Arc;

/// Where a qualified name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// `co_qualname`, from 3.11 on.
    Interpreter,
    /// The source file, by name and first line.
    Source,
    /// A function in the target's memory.
    Function,
    /// `co_name` alone: there is no source or it has several of that name on that line, and no function was
    /// found.
    NameOnly,
}

/// The qualified name of `code`, and how it is known; `None` when not even the name could be read. `source` gives the
/// file that was compiled, and is called when the code object has no such name; `find` looks for a function with the
/// code, and is called when the source says nothing.
pub fn qualname(
    code: &CodeObject,
    source: impl FnOnce() -> Option<Arc<SourceFile>>,
    find: impl FnOnce(&str) -> Option<String>,
) -> Option<(String, Basis)> {
    if let Ok(qualname) = &code.qualname {
        return Some((qualname.value.clone(), Basis::Interpreter));
    }
    let name = &code.name.as_ref().ok()?.value;
    if name == "<module>" {
        return Some((name.clone(), Basis::Interpreter));
    }
    if let Some(found) = source().and_then(|file| derive(code, name, &file)) {
        return Some((found, Basis::Source));
    }
    Some(find(name).map_or_else(|| (name.clone(), Basis::NameOnly), |found| (found, Basis::Function)))
}

/// What the source says.
fn derive(code: &CodeObject, name: &str, file: &SourceFile) -> Option<String> {
    file.outline()?.qualname(name, code.first_line).map(str::to_owned)
}
