//! From a sampled frame's addresses to code that was read, once for each code object.

use super::reader::{Reader, SeenCode};
use crate::aggregate::code::{Code, UNNAMED};
use crate::aggregate::tally::{CodeId, Columns, Placed, Site, Tally};
use crate::cpython::linetable::Position;
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use crate::symbolize::code::{CodeObject, read_code};
use crate::symbolize::functions::{Wanted, find_qualname};
use crate::symbolize::memory::{Overlay, Pieces, Recent};
use crate::symbolize::qualname::{Basis, qualname};
use molt_common::event::sample::Frame;
use molt_common::walk::code::in_globals;
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::IdBasis;
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};

/// `FRAME_OWNED_BY_GENERATOR` (`Include/internal/pycore_frame.h`, 3.11 to 3.15): such a frame is visible
/// wherever it stands.
const OWNED_BY_GENERATOR: u32 = 1;

/// What became of one sampled frame.
#[derive(Clone, Debug)]
pub(super) enum Placing {
    /// It is a frame of known code.
    Known(Placed, Arc<SeenCode>),
    /// It is a frame that Python itself does not show: its function has not begun.
    Hidden,
    /// Its code is not known.
    Unknown(Unknown),
}

impl Reader {
    /// Reads the code object of a frame if it is new, and no more than that: it may be freed in a moment. `pieces`:
    /// what was copied of it when the frame was met.
    pub(super) fn read_ahead(&mut self, frame: &Frame, pieces: &Pieces) -> Known<Arc<SeenCode>> {
        let Self { codes, memory, layout, .. } = self;
        let read = || {
            let mut object = read_code(
                &Overlay { pieces, memory: &Recent::new(memory) },
                layout,
                frame.code,
                frame.globals,
            )?;
            if object.module.as_ref().is_err_and(|reason| *reason != Unknown::Absent) {
                // Since the copy was made the namespace has grown, and lies elsewhere now.
                object.module = Objects::new(memory, layout).namespace_name(frame.globals);
            }
            let identity = in_globals(object.identity, frame.globals);
            Ok(SeenCode { id: OnceLock::new(), identity, object })
        };
        let (identity, copied) = (in_globals(frame.identity, frame.globals), pieces.has(frame.code));
        codes.get(frame.code, identity, copied, read).map_err(|reason| match reason {
            // The kernel side saw a code object there, which has been freed and built over since.
            Unknown::BadPointer | Unknown::WrongType if frame.identity != 0 => Unknown::Stale,
            reason => reason,
        })
    }

    /// Whether the code of a frame was read.
    pub(super) fn knows(&self, frame: &Frame) -> bool {
        self.codes.knows(frame.code, in_globals(frame.identity, frame.globals))
    }

    /// Finds the code of a sampled frame, and names it if it is new. `callers`: the frames further out,
    /// innermost first.
    pub(super) fn place(&mut self, frame: &Frame, callers: &[Frame], tally: &mut Tally) -> Placing {
        let seen = match self.read_ahead(frame, &Pieces::default()) {
            Ok(seen) if is_hidden(frame, &seen.object) => return Placing::Hidden,
            Ok(seen) => seen,
            Err(reason) => return Placing::Unknown(reason),
        };
        match self.identify(frame, callers, &seen, tally) {
            Ok(code) => Placing::Known(Placed { code, offset: seen.object.instruction(frame.lasti) }, seen),
            Err(reason) => Placing::Unknown(reason),
        }
    }

    /// What the code of a frame counts under. It is named when it is met first.
    pub(super) fn identify(
        &mut self,
        frame: &Frame,
        callers: &[Frame],
        seen: &SeenCode,
        tally: &mut Tally,
    ) -> Known<CodeId> {
        *seen.id.get_or_init(|| self.name(frame, callers, &seen.object).map(|code| tally.intern(code)))
    }

    /// What the code object of a frame is called; up to 3.10 that may take the parsing of its source.
    fn name(&mut self, frame: &Frame, callers: &[Frame], object: &CodeObject) -> Known<Code> {
        let Self { memory, layout, texts, budget, .. } = self;
        let objects = Objects::new(memory, layout);
        let find = |name: &str| {
            let callers = callers.iter().rev().filter(|caller| caller.globals == frame.globals);
            let callers: Vec<u64> = callers.map(|caller| caller.code).collect();
            let Frame { code, globals, .. } = *frame;
            find_qualname(&objects, Wanted { code, globals, callers: &callers, name }, budget)
        };
        let qualname = qualname(object, || texts.of(object), find);
        let known = qualname.filter(|(_, basis)| *basis != Basis::NameOnly);
        describe(object, known.map(|(name, _)| name))
    }

    /// What the source says of the place at `offset` in `caller`, from which `callee` was called.
    pub(super) fn site(&mut self, caller: &CodeObject, offset: u32, callee: &CodeObject) -> Site {
        let position = i32::try_from(offset).ok().and_then(|offset| caller.position(offset));
        let line = position.map_or(0, |position| u32::try_from(position.line).unwrap_or(0));
        let nowhere = Site { line, columns: None, expr: None, basis: Some(IdBasis::Code) };
        let Some(position) = position else { return nowhere };
        let file = self.texts.of(caller);
        if let Some(columns) = columns(&position) {
            let expr = file.as_ref().and_then(|file| file.expression(&position)).map(str::to_owned);
            let basis = expr.is_none().then_some(IdBasis::Position);
            return Site { line, columns: Some(columns), expr, basis };
        }
        let callee = callee.name.as_ref().map_or("", |name| &name.value);
        let call = file.as_ref().and_then(|file| file.outline()?.call(position.line, callee));
        let Some((call, file)) = call.zip(file.as_ref()) else { return nowhere };
        Site {
            line: u32::try_from(call.position.line).unwrap_or(line),
            columns: columns(&call.position),
            expr: file.expression(&call.position).map(str::to_owned),
            basis: Some(IdBasis::Line),
        }
    }
}

fn columns(position: &Position) -> Option<Columns> {
    let (col, end_line, end_col) = (position.col?, position.end_line?, position.end_col?);
    Some(Columns { col, end_line: u32::try_from(end_line).ok()?, end_col })
}

/// Whether Python would not show the frame: it has not come to its first traceable instruction.
fn is_hidden(frame: &Frame, object: &CodeObject) -> bool {
    frame.owner != OWNED_BY_GENERATOR && i64::from(frame.lasti) < i64::from(object.first_traceable)
}

/// What the code object is, by its contents.
fn describe(object: &CodeObject, qualname: Option<String>) -> Known<Code> {
    let name = object.name.as_ref().map_err(|reason| *reason)?;
    let module = match &object.module {
        Ok(module) => module.value.clone(),
        Err(Unknown::Absent) => UNNAMED.to_owned(),
        Err(reason) => return Err(*reason),
    };
    let kind = object.kind(qualname.as_deref());
    Ok(Code {
        module,
        qualname: qualname.unwrap_or_else(|| name.value.clone()),
        file: object.filename.as_ref().map_err(|reason| *reason)?.value.clone(),
        first_line: u32::try_from(object.first_line).unwrap_or(0),
        hash: object.code_hash.as_ref().ok().map(|hash| Sha256Hash::from_bytes(*hash)),
        kind,
        lines: object.lines.as_ref().map_or(0, |lines| fingerprint(&lines.bytes)),
    })
}

/// The first bytes of a hash.
fn fingerprint(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}
