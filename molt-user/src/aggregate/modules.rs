//! Modules: those whose code ran, and those that `sys.modules` held when it was looked at.

use super::code::{Code, Files, UNNAMED};
use crate::symbolize::paths::SourceFile;
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{Module, ModuleKind, Origin, SymbolKind};
use molt_mpa::redact::Redactor;
use std::collections::{BTreeMap, BTreeSet};

/// What a look at a module, or its code, shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFacts {
    /// What it is made of, once that is known: a module that is being imported may not say yet.
    pub kind: Option<ModuleKind>,
    /// Its file as the program names it, where it has one.
    pub file: Option<String>,
    /// Of its source, where it was read.
    pub source_sha256: Option<Sha256Hash>,
    /// The type of the object that stands in its place.
    pub replaced_by: Option<String>,
}

impl ModuleFacts {
    /// Of a module that is made of this source.
    pub fn of_source(file: String, source_sha256: Option<Sha256Hash>) -> Self {
        Self { kind: Some(ModuleKind::Py), file: Some(file), source_sha256, replaced_by: None }
    }
}

/// Modules by name, as they are found out.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    found: BTreeMap<String, ModuleFacts>,
}

impl Modules {
    /// Whether `name` was noted with its file. One without may get it later: `__main__` does.
    pub fn has_file(&self, name: &str) -> bool {
        self.found.get(name).is_some_and(|facts| facts.file.is_some())
    }

    /// Whether `name` was noted without one.
    pub fn lacks_file(&self, name: &str) -> bool {
        self.found.get(name).is_some_and(|facts| facts.file.is_none())
    }

    /// Notes a module. What an earlier look found stays where this one knows less.
    pub fn note(&mut self, name: &str, facts: ModuleFacts) {
        match self.found.get_mut(name) {
            None => {
                self.found.insert(name.to_owned(), facts);
            }
            Some(known) => {
                known.kind = known.kind.or(facts.kind);
                known.file = known.file.take().or(facts.file);
                known.source_sha256 = known.source_sha256.or(facts.source_sha256);
                known.replaced_by = facts.replaced_by.or(known.replaced_by.take());
            }
        }
    }

    /// Notes the modules whose code ran, for a run in which `sys.modules` could not be read. The file is known of
    /// those whose body ran.
    pub fn note_codes<'a>(&mut self, codes: impl Iterator<Item = &'a Code>) {
        for code in codes.filter(|code| code.module != UNNAMED).collect::<BTreeSet<_>>() {
            let kind = if code.file.starts_with("<frozen ") { ModuleKind::Frozen } else { ModuleKind::Py };
            let is_body = code.kind == SymbolKind::Module && !code.file.starts_with('<');
            let file = is_body.then(|| code.file.clone());
            self.note(
                &code.module,
                ModuleFacts { kind: Some(kind), file, source_sha256: None, replaced_by: None },
            );
        }
    }

    /// Every file that a module names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.found.values().filter_map(|facts| facts.file.as_deref())
    }

    /// Name and content of every source file in an import root other than the standard library's, for the
    /// inputs' fingerprint.
    pub fn sources<'a>(&'a self, files: &'a Files) -> impl Iterator<Item = (String, Sha256Hash)> + 'a {
        self.found.values().filter_map(|facts| {
            let SourceFile::Rooted { path, origin } = files.0.get(facts.file.as_ref()?)? else { return None };
            (*origin != Origin::Stdlib).then_some((path.clone(), facts.source_sha256?))
        })
    }

    /// The artifact's section.
    pub fn section(&self, files: &Files, redactor: &mut Redactor) -> BTreeMap<String, Module> {
        let mut section = BTreeMap::new();
        for (name, facts) in &self.found {
            let kind = facts.kind.unwrap_or(ModuleKind::Py);
            let inside = matches!(kind, ModuleKind::Builtin | ModuleKind::Frozen);
            let origin = facts.file.as_deref().and_then(|file| files.origin(file));
            let module = Module {
                kind,
                file: facts.file.as_ref().map(|file| files.name(file, redactor)),
                origin: origin.or(inside.then_some(Origin::Stdlib)),
                source_sha256: facts.source_sha256,
                replaced_by: facts.replaced_by.clone(),
                mutations: Vec::new(),
            };
            section.insert(name.clone(), module);
        }
        section
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use molt_mpa::redact::Policy;

    /// Code that ran tells less about its module than `sys.modules`; the order of the two must not matter.
    #[test]
    fn facts_add_up_in_either_order() {
        let file = Some("/app/a.py".to_owned());
        let hash = Some(Sha256Hash::of(b"x"));
        let from_code = ModuleFacts {
            kind: Some(ModuleKind::Py),
            file: file.clone(),
            source_sha256: None,
            replaced_by: None,
        };
        let from_look = ModuleFacts { kind: None, file: None, source_sha256: hash, replaced_by: None };
        let both = ModuleFacts { kind: Some(ModuleKind::Py), file, source_sha256: hash, replaced_by: None };
        for order in [[&from_code, &from_look], [&from_look, &from_code]] {
            let mut modules = Modules::default();
            for facts in order {
                modules.note("a", facts.clone());
            }
            assert_eq!(modules.found.get("a"), Some(&both));
        }
    }

    /// What names no module, and a file that is none, must not get into the section.
    #[test]
    fn code_tells_of_its_module() {
        let code = |module: &str, file: &str, kind| Code {
            module: module.to_owned(),
            qualname: "q".to_owned(),
            file: file.to_owned(),
            first_line: 1,
            hash: None,
            kind,
            lines: 0,
        };
        let codes = [
            code("app", "<string>", SymbolKind::Module),
            code("app", "/srv/app.py", SymbolKind::Module),
            code("app", "/srv/other.py", SymbolKind::Function),
            code("zipimport", "<frozen zipimport>", SymbolKind::Module),
            code(UNNAMED, "/srv/made.py", SymbolKind::Function),
        ];
        let mut modules = Modules::default();
        modules.note_codes(codes.iter());
        let facts = |kind, file: Option<&str>| ModuleFacts {
            kind: Some(kind),
            file: file.map(str::to_owned),
            source_sha256: None,
            replaced_by: None,
        };
        assert_eq!(
            modules.found,
            BTreeMap::from([
                ("app".to_owned(), facts(ModuleKind::Py, Some("/srv/app.py"))),
                ("zipimport".to_owned(), facts(ModuleKind::Frozen, None)),
            ])
        );
    }

    /// A file outside the import roots is the program's data; one inside is named relative to its root.
    #[test]
    fn files_are_named_by_their_root_or_redacted() {
        let mut modules = Modules::default();
        let py = |file: &str, text: &[u8]| ModuleFacts {
            kind: Some(ModuleKind::Py),
            file: Some(file.to_owned()),
            source_sha256: Some(Sha256Hash::of(text)),
            replaced_by: None,
        };
        modules.note("app", py("/srv/app.py", b"a"));
        modules.note("json", py("/usr/lib/json.py", b"j"));
        modules.note("secret", py("/home/me/secret.py", b"s"));
        let rooted = |path: &str, origin| SourceFile::Rooted { path: path.to_owned(), origin };
        let files = Files(BTreeMap::from([
            ("/srv/app.py".to_owned(), rooted("app.py", Origin::App)),
            ("/usr/lib/json.py".to_owned(), rooted("json.py", Origin::Stdlib)),
        ]));
        let section = modules.section(&files, &mut Redactor::new(Policy::Drop, None));
        let names: Vec<_> = section.values().map(|module| module.file.as_deref().unwrap_or("")).collect();
        assert_eq!(names, ["app.py", "json.py", "<redacted>"]);
        assert_eq!(
            modules.sources(&files).collect::<Vec<_>>(),
            [("app.py".to_owned(), Sha256Hash::of(b"a"))]
        );
    }
}
