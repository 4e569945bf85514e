//! What sort of code a code object is.

/// `CO_OPTIMIZED` (`Include/cpython/code.h`), like those below: set for functions, not for modules and class
/// bodies.
const CO_OPTIMIZED: u32 = 0x1;
const CO_GENERATOR: u32 = 0x20;
const CO_COROUTINE: u32 = 0x80;
const CO_ITERABLE_COROUTINE: u32 = 0x100;
const CO_ASYNC_GENERATOR: u32 = 0x200;

/// What sort of code a code object is, as the artifact has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A plain function.
    Function,
    /// A function defined in a class body, with no kind of its own below.
    Method,
    /// A function with `yield`.
    Generator,
    /// An `async def` without `yield`.
    Coroutine,
    /// An `async def` with `yield`.
    AsyncGenerator,
    /// A `lambda`.
    Lambda,
    /// A list, set or dict comprehension with code of its own (up to 3.11), or a generator expression.
    Comprehension,
    /// The body of a `class` statement.
    ClassBody,
    /// A module, or what `exec` and `eval` run.
    Module,
}

impl Kind {
    /// From `co_flags`, `co_name`, `co_qualname` as far as known, and the name of the first parameter.
    pub fn of(flags: u32, name: &str, qualname: Option<&str>, first_parameter: Option<&str>) -> Kind {
        match name {
            "<lambda>" => return Kind::Lambda,
            "<listcomp>" | "<setcomp>" | "<dictcomp>" | "<genexpr>" => return Kind::Comprehension,
            _ => {}
        }
        if flags & CO_OPTIMIZED == 0 {
            return if name == "<module>" { Kind::Module } else { Kind::ClassBody };
        }
        if flags & CO_ASYNC_GENERATOR != 0 {
            Kind::AsyncGenerator
        } else if flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE) != 0 {
            Kind::Coroutine
        } else if flags & CO_GENERATOR != 0 {
            Kind::Generator
        } else if is_method(name, qualname, first_parameter) {
            Kind::Method
        } else {
            Kind::Function
        }
    }

    /// The artifact's word.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Function => "function",
            Kind::Method => "method",
            Kind::Generator => "generator",
            Kind::Coroutine => "coroutine",
            Kind::AsyncGenerator => "async_generator",
            Kind::Lambda => "lambda",
            Kind::Comprehension => "comprehension",
            Kind::ClassBody => "class_body",
            Kind::Module => "module",
        }
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
    use super::Kind;

    /// One line per kind; flags as CPython 3.13 gives them.
    #[test]
    fn tells_kinds_apart() {
        let kind = |flags, name, qualname| Kind::of(flags, name, qualname, None).name();
        assert_eq!(kind(0x3, "f", Some("f")), "function");
        assert_eq!(kind(0x13, "g", Some("f.<locals>.g")), "function");
        assert_eq!(kind(0x3, "m", Some("f.<locals>.C.m")), "method");
        assert_eq!(kind(0x23, "m", Some("C.m")), "generator");
        assert_eq!(kind(0x83, "c", Some("c")), "coroutine");
        assert_eq!(kind(0x103, "c", Some("c")), "coroutine");
        assert_eq!(kind(0x203, "a", Some("a")), "async_generator");
        assert_eq!(kind(0x3, "<lambda>", Some("C.<lambda>")), "lambda");
        assert_eq!(kind(0x33, "<genexpr>", Some("f.<locals>.<genexpr>")), "comprehension");
        assert_eq!(kind(0x0, "C", Some("C")), "class_body");
        assert_eq!(kind(0x40, "<module>", None), "module");
        assert_eq!(Kind::of(0x43, "m", None, Some("self")).name(), "method");
        assert_eq!(Kind::of(0x43, "m", None, Some("x")).name(), "function");
    }
}
