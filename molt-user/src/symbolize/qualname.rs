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
    /// A function in the target's memory.
    Function,
    /// `co_name` alone: there is no source or it has several of that name on that line, and no function was
    /// found.
    NameOnly,
}

/// The qualified name of `code`, and how it is known; `None` when not even the name could be read. `find` looks
/// for a function with the code, and is called when the source says nothing.
pub fn qualname(
    code: &CodeObject,
    sources: Option<&mut Sources>,
    find: impl FnOnce(&str) -> Option<String>,
) -> Option<(String, Basis)> {
    if let Ok(qualname) = &code.qualname {
        return Some((qualname.value.clone(), Basis::Interpreter));
    }
    let name = &code.name.as_ref().ok()?.value;
    if name == "<module>" {
        return Some((name.clone(), Basis::Interpreter));
    }
    if let Some(found) = sources.and_then(|sources| derive(code, name, sources)) {
        return Some((found, Basis::Source));
    }
    Some(find(name).map_or_else(|| (name.clone(), Basis::NameOnly), |found| (found, Basis::Function)))
}

/// What the source says.
fn derive(code: &CodeObject, name: &str, sources: &mut Sources) -> Option<String> {
    let file = sources.get(&code.filename.as_ref().ok()?.value).ok()?;
    file.outline()?.qualname(name, code.first_line).map(str::to_owned)
}
