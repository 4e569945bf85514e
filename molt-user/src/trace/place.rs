//! From a sampled frame's addresses to code that was read, once for each code object.

use super::subject::{Reader, SeenCode};
use crate::aggregate::code::Code;
use crate::aggregate::tally::{Placed, Tally};
use crate::cpython::{Known, Unknown};
use crate::symbolize::code::{CodeObject, read_code};
use molt_common::event::sample::Frame;
use molt_mpa::ids::Sha256Hash;
use std::rc::Rc;

/// `FRAME_OWNED_BY_GENERATOR` (`Include/internal/pycore_frame.h`, 3.11 to 3.15): such a frame is visible
/// wherever it stands.
const OWNED_BY_GENERATOR: u32 = 1;

/// Stands for the module of code whose globals have no `__name__`.
const UNNAMED_MODULE: &str = "<unnamed>";

/// What became of one sampled frame.
#[derive(Clone, Copy, Debug)]
pub(super) enum Placing {
    /// It is a frame of known code.
    Known(Placed),
    /// It is a frame that Python itself does not show: its function has not begun.
    Hidden,
    /// Its code is not known.
    Unknown,
}

impl Reader {
    /// Finds the code of a sampled frame, reading it if it is new. `lose` is told why code is not known, once
    /// for each code object.
    pub(super) fn place(
        &mut self,
        frame: &Frame,
        tally: &mut Tally,
        lose: &mut impl FnMut(&'static str),
    ) -> Placing {
        let key = (frame.code, frame.identity);
        if !self.codes.contains_key(&key) {
            let seen = self.read(frame, tally).map_err(lose).ok();
            self.codes.insert(key, seen);
        }
        match self.codes.get(&key) {
            Some(Some(seen)) if is_hidden(frame, &seen.object) => Placing::Hidden,
            Some(Some(seen)) => {
                Placing::Known(Placed { code: seen.id, offset: seen.object.site(frame.lasti).offset })
            }
            _ => Placing::Unknown,
        }
    }

    /// Reads the code object of a frame, or says why it cannot be.
    fn read(&self, frame: &Frame, tally: &mut Tally) -> Result<Rc<SeenCode>, &'static str> {
        let object = read_code(&self.memory, &self.layout, frame.code, frame.globals).map_err(Unknown::name)?;
        // 0: the kernel side could not read the code object, whose page was not resident.
        if frame.identity != 0 && frame.identity != object.identity {
            return Err("stale_code");
        }
        let id = tally.intern(describe(&object).map_err(Unknown::name)?);
        Ok(Rc::new(SeenCode { id, object }))
    }
}

/// Whether Python would not show the frame: it has not come to its first traceable instruction.
fn is_hidden(frame: &Frame, object: &CodeObject) -> bool {
    frame.owner != OWNED_BY_GENERATOR && i64::from(frame.lasti) < i64::from(object.first_traceable)
}

/// What the code object is, by its contents.
fn describe(object: &CodeObject) -> Known<Code> {
    let name = object.name.as_ref().map_err(|reason| *reason)?;
    let module = match &object.module {
        Ok(module) => module.value.clone(),
        Err(Unknown::Absent) => UNNAMED_MODULE.to_owned(),
        Err(reason) => return Err(*reason),
    };
    let qualname = object.qualname.as_ref().map_or(&name.value, |qualname| &qualname.value);
    Ok(Code {
        module,
        qualname: qualname.clone(),
        file: object.filename.as_ref().map_err(|reason| *reason)?.value.clone(),
        first_line: u32::try_from(object.first_line).unwrap_or(0),
        hash: object.code_hash.as_ref().ok().map(|hash| Sha256Hash::from_bytes(*hash)),
        kind: object.kind(None).into(),
    })
}
