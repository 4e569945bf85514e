//! A code object's qualified name, wherever it can be had.

use super::code::CodeObject;
use super::source::Sources;

/// Where a qualified name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// `co_qualname`, from 3.11 on.
    Interpreter,
    /// The source file, by name and first line.
    Source,
    /// `co_name` alone: there is no source, or it has several of that name on that line.
    NameOnly,
}

/// The qualified name of `code`, and how it is known; `None` when not even the name could be read.
pub fn qualname(code: &CodeObject, sources: &mut Sources) -> Option<(String, Basis)> {
    if let Ok(qualname) = &code.qualname {
        return Some((qualname.value.clone(), Basis::Interpreter));
    }
    let name = &code.name.as_ref().ok()?.value;
    if name == "<module>" {
        return Some((name.clone(), Basis::Interpreter));
    }
    let file = code.filename.as_ref().ok().and_then(|file| sources.get(&file.value).ok());
    let outline = file.as_ref().and_then(|file| file.outline());
    let found = outline.and_then(|outline| outline.qualname(name, code.first_line));
    Some(found.map_or_else(|| (name.clone(), Basis::NameOnly), |found| (found.to_owned(), Basis::Source)))
}
