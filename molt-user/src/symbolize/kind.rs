//! What sort of code a code object is.

use molt_mpa::model::SymbolKind;

/// `CO_OPTIMIZED` (`Include/cpython/code.h`), like those below: set for functions, not for modules and class
/// bodies.
const CO_OPTIMIZED: u32 = 0x1;
const CO_GENERATOR: u32 = 0x20;
const CO_COROUTINE: u32 = 0x80;
const CO_ITERABLE_COROUTINE: u32 = 0x100;
const CO_ASYNC_GENERATOR: u32 = 0x200;

/// What sort of code it is, from `co_flags`, `co_name`, `co_qualname` as far as known, and the name of the
/// first parameter.
pub fn kind_of(flags: u32, name: &str, qualname: Option<&str>, first_parameter: Option<&str>) -> SymbolKind {
    match name {
        "<lambda>" => return SymbolKind::Lambda,
        "<listcomp>" | "<setcomp>" | "<dictcomp>" | "<genexpr>" => return SymbolKind::Comprehension,
        _ => {}
    }
    if flags & CO_OPTIMIZED == 0 {
        return if name == "<module>" { SymbolKind::Module } else { SymbolKind::ClassBody };
    }
    if flags & CO_ASYNC_GENERATOR != 0 {
        SymbolKind::AsyncGenerator
    } else if flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE) != 0 {
        SymbolKind::Coroutine
    } else if flags & CO_GENERATOR != 0 {
        SymbolKind::Generator
    } else if is_method(name, qualname, first_parameter) {
        SymbolKind::Method
    } else {
        SymbolKind::Function
    }
}

/// Whether the qualified name puts the function into a class; without one, whether its first parameter has
/// the name that convention gives it.
fn is_method(name: &str, qualname: Option<&str>, first_parameter: Option<&str>) -> bool {
    match qualname.map(|qualname| qualname.strip_suffix(name)) {
        Some(Some(parent)) => !parent.is_empty() && !parent.ends_with("<locals>."),
        Some(None) => false,
        None => matches!(first_parameter, Some("self" | "cls")),
    }
}

#[cfg(test)]
mod tests {
    use super::{SymbolKind, kind_of};

    /// One line per kind; flags as CPython 3.13 gives them.
    #[test]
    fn tells_kinds_apart() {
        let kind = |flags, name, qualname| kind_of(flags, name, Some(qualname), None);
        assert_eq!(kind(0x3, "f", "f"), SymbolKind::Function);
        assert_eq!(kind(0x13, "g", "f.<locals>.g"), SymbolKind::Function);
        assert_eq!(kind(0x3, "m", "f.<locals>.C.m"), SymbolKind::Method);
        assert_eq!(kind(0x23, "m", "C.m"), SymbolKind::Generator);
        assert_eq!(kind(0x83, "c", "c"), SymbolKind::Coroutine);
        assert_eq!(kind(0x103, "c", "c"), SymbolKind::Coroutine);
        assert_eq!(kind(0x203, "a", "a"), SymbolKind::AsyncGenerator);
        assert_eq!(kind(0x3, "<lambda>", "C.<lambda>"), SymbolKind::Lambda);
        assert_eq!(kind(0x33, "<genexpr>", "f.<locals>.<genexpr>"), SymbolKind::Comprehension);
        assert_eq!(kind(0x0, "C", "C"), SymbolKind::ClassBody);
        assert_eq!(kind_of(0x40, "<module>", None, None), SymbolKind::Module);
        assert_eq!(kind_of(0x43, "m", None, Some("self")), SymbolKind::Method);
        assert_eq!(kind_of(0x43, "m", None, Some("x")), SymbolKind::Function);
    }
}
