//! When classes are looked at, and which modules' classes are the program's own.

use super::Watch;
use crate::symbolize::memory::ProcessMemory;
use crate::symbolize::modules::main_interpreter;
use crate::symbolize::paths::{Roots, SourceFile};
use crate::trace::classes::{Allowance, Look, Place};
use crate::trace::look::Listed;
use crate::trace::reader::Reader;
use molt_mpa::model::{ModuleKind, Origin};

impl Watch {
    /// Looks at the classes of process `pid`, whose own modules have these `namespaces`.
    pub(super) fn look_at_classes(&mut self, pid: u32, namespaces: &[(String, u64)], allowance: Allowance) {
        self.with_look(pid, allowance, |look| {
            look.read_own(namespaces);
            look.compare();
            look.take_waiting();
            look.read_locals();
            look.read_tracked();
        });
    }

    /// Looks at the classes and instances that calls have brought.
    pub(super) fn look_at_met_classes(&mut self) {
        let pids: Vec<u32> = self
            .subjects
            .iter_mut()
            .filter_map(|(pid, subject)| {
                subject.reader().is_some_and(|reader| reader.classes.has_waiting()).then_some(*pid)
            })
            .collect();
        for pid in pids {
            self.with_look(pid, Allowance::CALLS, |look| {
                look.take_waiting();
            });
        }
    }

    fn with_look(&mut self, pid: u32, allowance: Allowance, look: impl FnOnce(&mut Look<'_, ProcessMemory>)) {
        self.turn(pid);
        let Some(reader) = self.subjects.get_mut(&pid).and_then(|subject| subject.reader()) else { return };
        let Reader { memory, layout, interpreter, classes, .. } = reader;
        let runtime = interpreter.runtime();
        let Ok(interp) = main_interpreter(memory, layout, runtime) else { return };
        let place = Place { memory: &*memory, layout: &*layout, runtime, interp, process: pid };
        let mut of_classes = Look::new(&place, allowance, classes, &mut self.types, &mut self.calls);
        look(&mut of_classes);
        tracing::debug!(pid, left = of_classes.left(), "classes were looked at");
    }
}

/// The program's own modules, with the addresses of their namespaces: those that come from neither the standard library
/// nor an installed package.
pub(super) fn own_namespaces<'a>(
    modules: impl Iterator<Item = Listed<'a>>,
    roots: &Roots,
) -> Vec<(String, u64)> {
    let is_own = |kind, file: Option<&str>| match (kind, file.map(|file| roots.place(file))) {
        (Some(ModuleKind::Builtin | ModuleKind::Extension | ModuleKind::Frozen), _) => false,
        (_, Some(SourceFile::Rooted { origin, .. })) => origin == Origin::App,
        _ => true,
    };
    let own = modules.filter(|module| module.name == "__main__" || is_own(module.kind, module.file));
    own.map(|module| (module.name.to_owned(), module.namespace)).collect()
}
