//! The door for telling user space of calls, and of the objects that come with them.

use crate::maps::{PLANS, Pieces, SEEN, Words, pieces};
use crate::repeat::{Turn, repeat};
use crate::{containers, emit, snapshot, task};
use aya_ebpf::bindings::BPF_ANY;
use core::hint::black_box;
use molt_common::call::{CallKey, MAX_SLOTS, Seen, address, doubles, has_identity, salted};
use molt_common::effect::{ARGUMENT_BYTES, ARGUMENT_WORDS, ARGUMENTS_AT};
use molt_common::event::KIND_CALL;
use molt_common::fault::Fault;
use molt_common::plan::Plans;
use molt_common::walk::checked;
use zerocopy::IntoBytes;

/// Tells of a call that begins: when its tuple is met first, and then ever more rarely, so that a few of the objects
/// that come with it are seen. It has begun `more` times since this was asked.
#[inline(always)]
pub fn announce(seen: &Seen, more: u32) -> Result<(), Fault> {
    let hash = hash(&seen.key);
    let times = times_seen(hash, more);
    if !doubles(u64::from(times), u64::from(more)) {
        return Ok(());
    }
    tell(seen, times == 1).inspect_err(|_lost| {
        // It is told of again the next time, with its copies.
        let _ = SEEN.remove(hash);
        let _ = SEEN.remove(salted(seen.key.callee, seen.key.program));
    })
}

/// Tells of a tuple, with copies of the objects that may be gone when user space comes to read them.
#[inline(always)]
pub fn tell(seen: &Seen, is_new: bool) -> Result<(), Fault> {
    tell_of(is_new, |told| *told = *seen)
}

/// Tells of the tuple that `fill` writes: on the stack it has no room.
#[inline(always)]
pub fn tell_of(is_new: bool, fill: impl FnOnce(&mut Seen)) -> Result<(), Fault> {
    let Some(pieces) = snapshot::take() else { return Ok(()) };
    pieces.told.header = task::header(KIND_CALL);
    fill(&mut pieces.told.seen);
    if send(u64::from(is_new)) == 0 { Ok(()) } else { Err(Fault::RingFull) }
}

/// Sends what is to be told, with its copies, and gives the memory for pieces free. 0 if it was taken.
///
/// The verifier looks at it once, whatever led here, since others may call it, and so at [`copy_code`].
#[inline(never)]
#[unsafe(export_name = "tell_pieces")]
extern "C" fn send(is_new: u64) -> u64 {
    let Ok(pieces) = pieces() else { return 1 };
    let Seen { key: CallKey { program, .. }, slots, .. } = pieces.told.seen;
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    if let Some(plans) = unsafe { PLANS.get(program) } {
        if is_new != 0 {
            copy(pieces, plans);
        }
        if slots != 0 {
            snapshot::send_piece(pieces, slots, 8 * MAX_SLOTS as u64);
        }
        containers::send(pieces, &plans.containers);
    }
    let told = emit::record(&pieces.told);
    pieces.busy = 0;
    u64::from(told.is_err())
}

/// Copies code of a program that was not met before.
#[inline(always)]
pub fn code(program: u32, found: u64, globals: u64) {
    if times_seen(salted(found, program), 1) == 1 {
        copy_code(program, found, globals, 0);
    }
}

/// Copies code of a program for a sample. Whether it did.
#[inline(always)]
pub fn code_of_sample(program: u32, found: u64, globals: u64) -> bool {
    copy_code(program, found, globals, 1) != 0
}

/// Copies code, for a sample if `of_sample` is not 0. 0 if the memory for pieces is in use.
#[inline(never)]
#[unsafe(export_name = "tell_code")]
extern "C" fn copy_code(program: u32, found: u64, globals: u64, of_sample: u64) -> u64 {
    let taken = if of_sample == 0 { snapshot::take() } else { snapshot::take_for_sample() };
    let Some(pieces) = taken else { return 0 };
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    if let Some(plans) = unsafe { PLANS.get(program) } {
        snapshot::send(pieces, &plans.code, address(found));
        containers::send_name(pieces, &plans.containers, globals);
    }
    pieces.busy = 0;
    1
}

/// Bytes of a name that are copied.
const NAME_BYTES: u64 = 128;

/// Copies a module of a program with its namespace, and the name of the attribute that is assigned to.
#[inline(always)]
pub fn module(program: u32, address: u64, name: u64) {
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    if let Some(plans) = unsafe { PLANS.get(program) }
        && let Some(pieces) = snapshot::take()
    {
        snapshot::send(pieces, &plans.module, address);
        snapshot::send_piece(pieces, name, NAME_BYTES);
        pieces.busy = 0;
    }
}

/// Sends the arguments of an audit event, which `fill` notes in the order of [`ARGUMENTS_AT`], and copies what they
/// point to.
#[inline(always)]
pub fn arguments(fill: impl FnOnce(&mut Words)) {
    let Some(pieces) = snapshot::take() else { return };
    fill(&mut pieces.words);
    pieces.gathered = 0;
    repeat(ARGUMENT_WORDS as u32, word, &mut &mut *pieces);
    snapshot::send_words(pieces);
    pieces.busy = 0;
}

extern "C" fn word(index: u32, pieces: &mut &mut Pieces) -> Turn {
    // The verifier wants to see the bound of what is added to a pointer.
    let index = black_box(index as usize & 7);
    let Some([at, word]) = pieces.words.get_mut(index) else { return Turn::Stop };
    *at = ARGUMENTS_AT + 8 * index as u64;
    let word = *word;
    pieces.gathered += 1;
    if checked(word).is_ok() {
        snapshot::send_piece(pieces, word, ARGUMENT_BYTES);
    }
    Turn::Go
}

/// Copies the callee and the types of a tuple that were not met before.
#[inline(always)]
fn copy(pieces: &mut Pieces, plans: &Plans) {
    let Seen { key: CallKey { program, callee, result, .. }, callee_globals, .. } = pieces.told.seen;
    if callee_globals != 0 && times_seen(salted(callee, program), 1) == 1 {
        snapshot::send(pieces, &plans.code, address(callee));
        containers::send_name(pieces, &plans.containers, callee_globals);
    }
    let mut types = Types { pieces, plans };
    repeat(MAX_SLOTS as u32, argument, &mut types);
    types.copy(result);
}

/// Types that are being copied, as the loop hands them from step to step.
struct Types<'a> {
    pieces: &'a mut Pieces,
    plans: &'a Plans,
}

extern "C" fn argument(index: u32, types: &mut Types) -> Turn {
    // The verifier wants to see the bound of what is added to a pointer.
    let index = black_box(index as usize & (MAX_SLOTS - 1));
    if let Some(found) = types.pieces.told.seen.key.args.get(index).copied() {
        types.copy(found);
    }
    Turn::Go
}

impl Types<'_> {
    #[inline(always)]
    fn copy(&mut self, found: u64) {
        // Types without an identity are never freed.
        if has_identity(found) && times_seen(salted(found, self.pieces.told.seen.key.program), 1) == 1 {
            snapshot::send(self.pieces, &self.plans.heap_type, address(found));
        }
    }
}

/// How often something was met that is met `more` times now, those included, as far as that is remembered.
#[inline(always)]
fn times_seen(hash: u64, more: u32) -> u32 {
    if let Some(times) = SEEN.get_ptr_mut(hash) {
        // SAFETY: an element's memory outlives this program, as in `maps::process`. A count that is lost to another
        // CPU makes something be told of once more or less.
        let times = unsafe { &mut *times };
        *times = times.wrapping_add(more);
        return *times;
    }
    // A table that is full for a moment makes it be told of again.
    let _ = SEEN.insert(hash, more, BPF_ANY.into());
    more
}

/// Folds a tuple into a word.
#[inline(always)]
fn hash(key: &CallKey) -> u64 {
    let (words, _) = key.as_bytes().as_chunks::<8>();
    let mut sum = 0u64;
    let mut factor = 0x9e37_79b9_7f4a_7c15u64;
    for word in words {
        // Products that do not wait for each other; no odd factor loses a change of its word.
        sum = sum.wrapping_add(u64::from_le_bytes(*word).wrapping_mul(factor));
        factor = factor.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    sum ^ (sum >> 29)
}
