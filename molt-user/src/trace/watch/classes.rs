//! When classes are looked at, and which modules' classes are the program's own.

use super::Watch;
use crate::clock::monotonic_ns;
use crate::symbolize::memory::ProcessMemory;
use crate::symbolize::modules::main_interpreter;
use crate::symbolize::paths::{Roots, SourceFile};
use crate::trace::classes::{Allowance, Look, Place};
use crate::trace::look::Listed;
use crate::trace::reader::Reader;
use molt_mpa::model::{ModuleKind, Origin};

/// Longest that classes and instances wait while records come.
const LONGEST_WAIT_NS: u64 = 50_000_000;

/// When classes that calls have brought are looked at: as soon as no records come, which tell of code that is freed
/// before long, or after a while all the same.
#[derive(Debug, Default)]
pub(super) struct Pace {
    is_busy: bool,
    due_ns: u64,
}

impl Pace {
    pub(super) fn record_came(&mut self) {
        self.is_busy = true;
    }

    /// Whether it is time. If so, the next time is put off.
    fn is_due(&mut self, now_ns: u64) -> bool {
        let is_due = !std::mem::take(&mut self.is_busy) || now_ns >= self.due_ns;
        if is_due {
            self.due_ns = now_ns.saturating_add(LONGEST_WAIT_NS);
        }
        is_due
    }
}

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

    /// Looks at the classes and instances that calls have brought, if it is time to.
    pub(super) fn look_at_met_classes(&mut self, now_ns: u64) {
        if !self.class_pace.is_due(now_ns) {
            return;
        }
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
        let began_ns = monotonic_ns();
        look(&mut of_classes);
        let reads = allowance.reads - of_classes.left();
        tracing::debug!(pid, reads, took_ns = monotonic_ns() - began_ns, "classes were looked at");
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
