//! Where in an interpreter's file its audit events, imports and collections of garbage are seen.

use crate::discover::Build;
use crate::discover::args::{Argument, Place};
use crate::discover::notes::Probe;
use molt_common::mutation::setter;
use molt_common::operand::{CONSTANT, IN_MEMORY, IN_REGISTER, Operand, cookie};
use std::fmt;

/// The registers of a function's arguments by number (System V ABI).
const ARGUMENTS: [u8; 6] = [7, 6, 2, 1, 8, 9];

/// A place for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Where in the file.
    pub offset: u64,
    /// Where in the file the 16-bit counter is that must be above zero; 0 if there is none.
    pub semaphore: u64,
    /// Where the arguments are: [`cookie`].
    pub cookie: u64,
}

/// What sees one kind of event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A USDT probe, at all its places.
    Usdt(Vec<Spot>),
    /// Functions that do the same.
    Functions(Vec<(&'static str, Spot)>),
    /// Nothing.
    #[default]
    Nothing,
}

impl Source {
    /// The places of the probes.
    pub fn spots(&self) -> Vec<Spot> {
        match self {
            Self::Usdt(spots) => spots.clone(),
            Self::Functions(functions) => functions.iter().map(|(_, spot)| *spot).collect(),
            Self::Nothing => Vec::new(),
        }
    }
}

/// What sees an interpreter's events, each by the name of its USDT probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EffectSites {
    /// Audit events: name, tuple of arguments.
    pub audit: Source,
    /// The import of a module begins: its name.
    pub import_start: Source,
    /// It ends: its name, whether it was found.
    pub import_done: Source,
    /// A collection begins: the generation.
    pub gc_start: Source,
    /// It ends: objects freed.
    pub gc_done: Source,
    /// Where the function that imports is, for the ends of imports that only an audit event tells of.
    pub import_return: Option<u64>,
    /// Where the functions are that assign to attributes, each with its [`setter`].
    pub setters: Vec<(u64, u64)>,
}

impl EffectSites {
    /// What there is in `build`.
    pub fn of(build: &Build) -> Self {
        let usdt = |name| usdt(&build.probes, name);
        let place = |name: &str| build.elf.file_offset(build.elf.find_symbol(name.as_bytes())?.address);
        let audit = match usdt("audit") {
            Source::Nothing => audit_functions(build),
            found => found,
        };
        let setters =
            [("PyObject_SetAttr", setter::OUTER), ("_PyObject_GenericSetAttrWithDict", setter::INNER)];
        Self {
            import_return: place("PyImport_ImportModuleLevelObject")
                .filter(|_| matches!(audit, Source::Functions(_))),
            setters: setters.into_iter().filter_map(|(name, cookie)| Some((place(name)?, cookie))).collect(),
            audit,
            import_start: usdt("import__find__load__start"),
            import_done: usdt("import__find__load__done"),
            gc_start: usdt("gc__start"),
            gc_done: usdt("gc__done"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usdt(spots) if spots.len() == 1 => write!(f, "usdt probe"),
            Self::Usdt(spots) => write!(f, "usdt probe at {} places", spots.len()),
            Self::Functions(functions) => {
                let names: Vec<&str> = functions.iter().map(|(name, _)| *name).collect();
                write!(f, "{}", names.join(", "))
            }
            Self::Nothing => write!(f, "none"),
        }
    }
}

impl EffectSites {
    /// Each source under the name of its USDT probe.
    pub fn list(&self) -> impl Iterator<Item = (&'static str, &Source)> {
        let all = [
            ("audit", &self.audit),
            ("gc__done", &self.gc_done),
            ("gc__start", &self.gc_start),
            ("import__find__load__done", &self.import_done),
            ("import__find__load__start", &self.import_start),
        ];
        all.into_iter()
    }

    /// Effects that pass unseen, in words.
    pub fn missing_effects(&self) -> impl Iterator<Item = &'static str> {
        let audit = match self.audit {
            Source::Usdt(_) => None,
            Source::Functions(_) => {
                Some("events that Python code raises by sys.audit were not seen without the probe audit")
            }
            Source::Nothing => Some("audit events were not seen: the interpreter has no place for a probe"),
        };
        audit.into_iter()
    }

    /// Imports and collections that pass unseen, in words.
    pub fn missing_events(&self) -> impl Iterator<Item = &'static str> {
        let imports = match (&self.import_done, &self.audit) {
            (Source::Usdt(_), _) => None,
            (_, Source::Functions(_)) if self.import_return.is_some() => None,
            (_, Source::Functions(_)) => {
                Some("imports have no durations: the interpreter has no probe for their ends")
            }
            _ => Some("imports were not seen: the interpreter has no place for a probe"),
        };
        let collections = match self.gc_done {
            Source::Usdt(_) => None,
            _ => Some(
                "collections of garbage were counted at looks, without durations: the interpreter has no probe \
                 for them",
            ),
        };
        // Probe and event are in the function that import statements call (`Python/import.c`), while `import_module`
        // calls the import system, which is Python code (`Lib/importlib/__init__.py`).
        let by_hand = "modules that importlib.import_module itself imports have no event: it passes no probe";
        imports.into_iter().chain(collections).chain([by_hand])
    }

    /// Assignments to attributes of modules that pass unseen, in words.
    pub fn missing_mutations(&self) -> Option<&'static str> {
        self.setters
            .is_empty()
            .then_some("assignments to modules were not seen: the interpreter has no place for a probe")
    }
}

/// All places of a probe. One with an argument that cannot be found is as good as none.
fn usdt(probes: &[Probe], name: &str) -> Source {
    let places = probes.iter().filter(|probe| probe.name == name);
    let spots: Option<Vec<Spot>> = places.map(spot).collect();
    spots.filter(|spots| !spots.is_empty()).map_or(Source::Nothing, Source::Usdt)
}

fn spot(probe: &Probe) -> Option<Spot> {
    let arguments = probe.arguments.as_ref()?;
    let first = operand(arguments.first()?)?;
    let second = arguments.get(1).map_or(Some(Operand::NONE), operand)?;
    let semaphore = probe.semaphore_offset.unwrap_or(0);
    Some(Spot { offset: probe.file_offset, semaphore, cookie: cookie(first, second)? })
}

fn operand(argument: &Argument) -> Option<Operand> {
    let (place, register, number) = match argument.place? {
        Place::Register(register) => (IN_REGISTER, register.0, 0),
        Place::Memory { base, displacement } => (IN_MEMORY, base.0, displacement),
        Place::Constant(number) => (CONSTANT, 0, number),
    };
    let number = i32::try_from(number).ok()?;
    Some(Operand { place, register, bytes: argument.bytes, signed: argument.signed, number })
}

/// `PySys_Audit(event, format, ...)`, and `_PySys_Audit(tstate, event, format, ...)`, which the interpreter itself
/// calls from 3.9 on where it has not been inlined (`Python/sysmodule.c`). The third argument of `open` is an `int`.
fn audit_functions(build: &Build) -> Source {
    let find = |name: &'static str, event: usize| {
        let symbol = build
            .elf
            .find_symbol(name.as_bytes())
            .or_else(|| build.elf.find_local_symbol(name.as_bytes()))?;
        let [event, third] = [ARGUMENTS.get(event)?, ARGUMENTS.get(event + 4)?];
        let cookie = cookie(Operand::register(*event, 8), Operand::register(*third, 4))?;
        Some((name, Spot { offset: build.elf.file_offset(symbol.address)?, semaphore: 0, cookie }))
    };
    let found: Vec<_> = [find("PySys_Audit", 0), find("_PySys_Audit", 1)].into_iter().flatten().collect();
    if found.is_empty() { Source::Nothing } else { Source::Functions(found) }
}
