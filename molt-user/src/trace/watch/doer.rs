//! Code that was met for the first time doing something that is counted: which function it is of.

use super::Watch;
use crate::symbolize::memory::Pieces;
use molt_common::allocation::AllocationSeen;
use molt_common::call::address;
use molt_common::effect::EffectSeen;
use molt_common::event::sample::Frame;
use molt_common::mutation::MutationSeen;

/// What a record says of the code that did what it tells of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doer {
    pid: u32,
    program: u32,
    /// Packed address of the code; 0 where no Python code runs.
    code: u64,
    identity: u64,
    globals: u64,
}

/// The records that name a doer have the same fields for it.
macro_rules! names_doer {
    ($($record:ty),*) => {$(
        impl From<&$record> for Doer {
            fn from(seen: &$record) -> Self {
                let (pid, program, code) = (seen.header.pid, seen.key.program, seen.key.code);
                Self { pid, program, code, identity: seen.identity, globals: seen.globals }
            }
        }
    )*};
}
names_doer!(AllocationSeen, EffectSeen, MutationSeen);

impl Doer {
    /// The code as a frame of it.
    fn frame(&self) -> Frame {
        Frame { code: address(self.code), identity: self.identity, globals: self.globals, lasti: 0, owner: 0 }
    }
}

impl Watch {
    /// Reads the code: it may be freed in a moment. What cannot be read is counted when the record is taken.
    pub(super) fn read_doer_ahead(&mut self, doer: Doer, pieces: &Pieces) {
        let names = self.programs.get_mut(doer.program as usize);
        let reader = self.subjects.get_mut(&doer.pid).and_then(|subject| subject.reader());
        if let (Some(names), Some(reader)) = (names, reader)
            && doer.code != 0
            && names.object(doer.code).is_none()
            && let Ok(object) = reader.read_ahead(&doer.frame(), pieces)
        {
            names.note_object(doer.code, object);
        }
    }

    /// Notes what the code counts under.
    pub(super) fn note_doer(&mut self, doer: Doer) {
        let names = self.programs.get_mut(doer.program as usize);
        let reader = self.subjects.get_mut(&doer.pid).and_then(|subject| subject.reader());
        if let (Some(names), Some(reader)) = (names, reader)
            && doer.code != 0
        {
            let object = names.object(doer.code).cloned();
            let known = super::calls::identify(reader, object, &doer.frame(), &[], &mut self.tally);
            names.note_code(doer.code, known.map(|(id, _)| id));
        }
    }
}
