//! `sys.modules`, `sys.path` and where files belong.

use crate::support::{interpreters, target::Target};
use molt_mpa::model::{ModuleKind, Origin};
use molt_user::symbolize::modules::{Module, main_interpreter, read_import_paths, read_modules};
use molt_user::symbolize::paths::{Roots, SourceFile};
use serde_json::Value;

/// Names, files and kinds of all modules, and the import paths, on every interpreter found.
#[test]
fn modules_are_what_the_interpreter_says() {
    for python in interpreters::found(8) {
        let target = Target::start(&python, "plain", &["json", "xml.dom", "decimal"]);
        let (memory, layout) = (&target.memory, &target.checked.layout);
        let interp = main_interpreter(memory, layout, target.runtime).unwrap();
        let found = read_modules(memory, layout, interp).unwrap();
        assert_eq!(Value::from(found.skipped), target.report["not_modules"]);
        assert_eq!((found.unread, found.cut), (0, false));
        let got: Vec<Value> = found
            .modules
            .iter()
            .map(|module| {
                let file = module.file.as_ref().ok().map(|file| file.value.clone());
                Value::from(vec![Value::from(module.name.value.clone()), file.into()])
            })
            .collect();
        assert_eq!(Value::from(got), target.report["modules"], "{}", python.display());

        let kind = |name: &str| found.modules.iter().find(|module| module.name.value == name).unwrap().kind;
        assert_eq!(kind("sys"), Some(ModuleKind::Builtin));
        assert_eq!(kind("json.decoder"), Some(ModuleKind::Py));
        assert_eq!(kind("__main__"), Some(ModuleKind::Py));
        assert_eq!(kind("_frozen_importlib"), Some(ModuleKind::Frozen));
        assert_eq!(kind("_decimal"), Some(ModuleKind::Extension));

        let paths = read_import_paths(memory, layout, interp).unwrap();
        assert_eq!(Value::from(paths.path.clone()), target.report["path"]);
        assert_eq!(Value::from(&*paths.base_prefixes[0]), target.report["prefixes"][1]);
        let cwd = std::fs::read_link(format!("/proc/{}/cwd", target.pid())).unwrap();
        check_places(&found.modules, &Roots::new(&paths, layout.minor, cwd.to_str().unwrap()));
    }
}

fn check_places(modules: &[Module], roots: &Roots) {
    let place = |name: &str| {
        let module = modules.iter().find(|module| module.name.value == name).unwrap();
        match roots.place(&module.file.as_ref().unwrap().value) {
            SourceFile::Rooted { path, origin } => (path, origin),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(place("json.decoder"), ("json/decoder.py".to_owned(), Origin::Stdlib));
    assert_eq!(place("__main__"), ("code_objects.py".to_owned(), Origin::App));
    let (library, origin) = place("_decimal");
    assert!(library.starts_with("_decimal.cpython-3") && origin == Origin::Stdlib, "{library}");
}
