//! Bytes from the ring buffer to records. Total: any bytes give a record or a reason, never a panic.

use molt_common::allocation::AllocationSeen;
use molt_common::call::Told;
use molt_common::effect::EffectSeen;
use molt_common::event::happening::{Collection, Import, Returned};
use molt_common::event::process::Birth;
use molt_common::event::sample::{Frame, Sample};
use molt_common::event::tick::Tick;
use molt_common::event::{
    Header, KIND_ALLOCATION, KIND_BIRTH, KIND_CALL, KIND_EFFECT, KIND_END, KIND_EXEC, KIND_FINALIZE,
    KIND_GC_DONE, KIND_GC_START, KIND_IMPORT, KIND_IMPORT_DONE, KIND_IMPORT_RETURN, KIND_IMPORT_START,
    KIND_MUTATION, KIND_PIECE, KIND_SAMPLE, KIND_SPENT, KIND_START, KIND_STRANGER, KIND_TICK, KIND_WORDS,
};
use molt_common::mutation::MutationSeen;
use molt_common::plan::Piece;
use zerocopy::{FromBytes, IntoBytes};

/// One record, as the kernel sent it.
#[derive(Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A stack of Python frames, innermost first.
    Sample(Sample, &'a [Frame]),
    /// A thread or process was made.
    Birth(Birth),
    /// A process runs another program from here on.
    Exec(Header),
    /// A process that is not traced runs another program from here on.
    Stranger(Header),
    /// A thread ended.
    End(Header),
    /// An interpreter is about to begin.
    Start(Header),
    /// A process is about to tear its interpreter down.
    Finalize(Header),
    /// A tuple of a call was met for the first time.
    Call(Told),
    /// An effect was met for the first time.
    Effect(EffectSeen),
    /// An import begins or ends.
    Import(Import),
    /// Imports that were told of without an end have ended.
    Returned(Returned),
    /// An assignment to an attribute of a module was met for the first time.
    Mutation(MutationSeen),
    /// A collection of garbage begins or ends.
    Collection(Collection),
    /// The hits that were granted are spent.
    Spent(Header),
    /// The program itself ran at a tick in a window.
    Tick(Tick),
    /// Code was met that allocates.
    Allocation(AllocationSeen),
    /// A copy of some memory, for the thread's next call.
    Piece(Piece, &'a [u8]),
    /// Copies of single words, each with its address, for the thread's next call.
    Words(Header, &'a [[u64; 2]]),
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the record's kind needs.
    #[error("record is cut: {have} bytes")]
    Cut {
        /// Bytes there are.
        have: usize,
    },
    /// A kind that this version does not know.
    #[error("record has unknown kind {0}")]
    Kind(u16),
}

/// A copy of a record's bytes, aligned as [`decode`] wants them.
#[derive(Clone, Debug)]
pub struct Kept {
    words: Vec<u64>,
    len: usize,
}

impl Kept {
    /// Copies `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(8)];
        if let Some(head) = words.as_mut_bytes().get_mut(..bytes.len()) {
            head.copy_from_slice(bytes);
        }
        Self { words, len: bytes.len() }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.words.as_bytes().get(..self.len).unwrap_or_default()
    }
}

/// Reads one record, which begins at an address that 8 divides, as it does in the ring buffer.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, DecodeError> {
    let cut = DecodeError::Cut { have: bytes.len() };
    let (header, _) = Header::read_from_prefix(bytes).map_err(|_short| cut)?;
    match header.kind {
        KIND_SAMPLE => {
            let (sample, rest) = Sample::read_from_prefix(bytes).map_err(|_short| cut)?;
            let (frames, _) =
                <[Frame]>::ref_from_prefix_with_elems(rest, sample.frames as usize).map_err(|_short| cut)?;
            Ok(Record::Sample(sample, frames))
        }
        KIND_BIRTH => Ok(Record::Birth(Birth::read_from_prefix(bytes).map_err(|_short| cut)?.0)),
        KIND_EXEC => Ok(Record::Exec(header)),
        KIND_STRANGER => Ok(Record::Stranger(header)),
        KIND_END => Ok(Record::End(header)),
        KIND_START => Ok(Record::Start(header)),
        KIND_FINALIZE => Ok(Record::Finalize(header)),
        KIND_CALL => Ok(Record::Call(Told::read_from_prefix(bytes).map_err(|_short| cut)?.0)),
        KIND_IMPORT_START | KIND_IMPORT_DONE | KIND_IMPORT => {
            Ok(Record::Import(Import::read_from_prefix(bytes).map_err(|_short| cut)?.0))
        }
        KIND_IMPORT_RETURN => {
            Ok(Record::Returned(Returned::read_from_prefix(bytes).map_err(|_short| cut)?.0))
        }
        KIND_MUTATION => Ok(Record::Mutation(MutationSeen::read_from_prefix(bytes).map_err(|_short| cut)?.0)),
        KIND_GC_START | KIND_GC_DONE => {
            Ok(Record::Collection(Collection::read_from_prefix(bytes).map_err(|_short| cut)?.0))
        }
        KIND_EFFECT => Ok(Record::Effect(EffectSeen::read_from_prefix(bytes).map_err(|_short| cut)?.0)),
        KIND_PIECE => {
            let (piece, rest) = Piece::read_from_prefix(bytes).map_err(|_short| cut)?;
            let copied = usize::try_from(piece.bytes).ok().and_then(|len| rest.get(..len)).ok_or(cut)?;
            Ok(Record::Piece(piece, copied))
        }
        KIND_WORDS => {
            let (piece, rest) = Piece::read_from_prefix(bytes).map_err(|_short| cut)?;
            let count = usize::try_from(piece.bytes / 16).map_err(|_too_many| cut)?;
            let (words, _) = <[[u64; 2]]>::ref_from_prefix_with_elems(rest, count).map_err(|_short| cut)?;
            Ok(Record::Words(piece.header, words))
        }
        KIND_SPENT => Ok(Record::Spent(header)),
        KIND_TICK => Ok(Record::Tick(Tick::read_from_prefix(bytes).map_err(|_short| cut)?.0)),
        KIND_ALLOCATION => {
            Ok(Record::Allocation(AllocationSeen::read_from_prefix(bytes).map_err(|_short| cut)?.0))
        }
        kind => Err(DecodeError::Kind(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use molt_common::event::sample::STACK_VALUES;

    fn sample(frames: u32) -> Vec<u64> {
        let header = Header { kind: KIND_SAMPLE, flags: 0, pid: 7, tid: 8, reserved: 0, time_ns: 9 };
        let sample = Sample { header, frames, fault: 0, values: [0; STACK_VALUES] };
        let mut words = vec![0u64; 20 + 4 * 2];
        words.as_mut_bytes()[..160].copy_from_slice(sample.as_bytes());
        words[20] = 0xc0de;
        words
    }

    /// The frames that follow a sample are those that it counts.
    #[test]
    fn reads_a_sample_with_its_frames() {
        let bytes = sample(2);
        let Ok(Record::Sample(found, frames)) = decode(bytes.as_bytes()) else { panic!("no sample") };
        assert_eq!((found.header.pid, frames.len(), frames[0].code), (7, 2, 0xc0de));
    }

    /// A count that is larger than what follows must not read past the end.
    #[test]
    fn refuses_a_sample_that_counts_too_many_frames() {
        let bytes = sample(3);
        assert_eq!(decode(bytes.as_bytes()), Err(DecodeError::Cut { have: 224 }));
        for cut in 0..160 {
            assert!(decode(&bytes.as_bytes()[..cut]).is_err());
        }
    }

    /// A copy of any length holds the same record.
    #[test]
    fn a_kept_record_is_the_record() {
        let bytes = sample(2);
        let kept = Kept::new(bytes.as_bytes());
        assert_eq!(decode(kept.bytes()), decode(bytes.as_bytes()));
        assert_eq!(Kept::new(&bytes.as_bytes()[..33]).bytes(), &bytes.as_bytes()[..33]);
    }

    /// A newer kernel side may send kinds that this reader does not know; they are counted, not guessed.
    #[test]
    fn names_an_unknown_kind() {
        let mut bytes = sample(0);
        bytes[0] = 99;
        assert_eq!(decode(bytes.as_bytes()), Err(DecodeError::Kind(99)));
    }
}
