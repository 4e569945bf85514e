//! The stack of a thread that runs on while it is read.
//!
//! The way down is found first, at leisure. Then everything on it is read again, several times over by one system
//! call, which takes a microsecond: where the stack begins, and of each frame its code, its caller, and where the
//! caller stands. Only what is the same every time, and leads from frame to frame as it was found, has been a stack.

use crate::clock::monotonic_ns;
use crate::symbolize::memory::{ProcessMemory, Recent};
use molt_common::event::sample::Frame;
use molt_common::fault::Fault;
use molt_common::layout::{ABSENT, WalkLayout};
use molt_common::limits::{BLOCK_BYTES, MAX_FRAMES, MAX_SHIMS};
use molt_common::walk::code::read_identity;
use molt_common::walk::stack::MAX_STEPS;
use molt_common::walk::{Block, Memory, checked};

/// How often the innermost frames are read to be compared.
const PASSES: usize = 4;
/// How many frames that is. Those further out change so rarely that twice is enough: before and after.
const INNER: usize = 16;
/// How often a stack is tried.
const TRIES: usize = 6;
/// Frames closer to each other than this are read as one piece, in bytes.
const GAP: u64 = 512;

/// Longest time from the first reading of a stack to the last of what its code objects are, in nanoseconds, and more
/// for each frame. Only where molt had to wait for a processor does it take longer: then the code of a frame may have
/// been freed, and other code be in its place.
const PATIENCE_NS: u64 = 500_000;
const FRAME_PATIENCE_NS: u64 = 2_000;

/// A stack, innermost frame first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stack {
    pub(super) frames: Vec<Frame>,
    /// There were more than [`MAX_FRAMES`].
    pub(super) cut: bool,
}

/// Reads the stack of the thread whose state is at `tstate`; without frames where it runs no Python. A stack that
/// changed each time that it was read is [`Fault::ReadFault`].
pub(super) fn read(memory: &ProcessMemory, layout: &WalkLayout, tstate: u64) -> Result<Stack, Fault> {
    let mut torn = Fault::ReadFault;
    for _ in 0..TRIES {
        match Way::find(memory, layout, tstate) {
            Ok(way) if way.frames.is_empty() => return Ok(Stack::default()),
            Ok(way) => {
                let began_ns = monotonic_ns();
                if let Some(links) = way.confirm(memory, layout) {
                    let stack = way.stack(memory, layout, &links)?;
                    let patience_ns = PATIENCE_NS + FRAME_PATIENCE_NS * links.len() as u64;
                    if monotonic_ns() - began_ns < patience_ns {
                        return Ok(stack);
                    }
                }
            }
            Err(fault) => torn = fault,
        }
    }
    Err(torn)
}

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    code: u64,
    previous: u64,
    globals: u64,
    /// `frame_instr` as it is.
    instr: u64,
    owner: u8,
}

impl Link {
    /// Of the frame that `bytes` begin with.
    fn of(layout: &WalkLayout, bytes: &[u8]) -> Option<Self> {
        let read = |at: u32| {
            let word = bytes.get(at as usize..)?.first_chunk::<8>()?;
            Some(u64::from_le_bytes(*word))
        };
        let instr = if layout.code_adaptive == ABSENT {
            let word = bytes.get(layout.frame_instr as usize..)?.first_chunk::<4>()?;
            u64::from(u32::from_le_bytes(*word))
        } else {
            read(layout.frame_instr)?
        };
        let owner = if layout.frame_owner == ABSENT { 0 } else { *bytes.get(layout.frame_owner as usize)? };
        Some(Self {
            code: read(layout.frame_code)? & layout.code_mask,
            previous: read(layout.frame_previous)?,
            globals: read(layout.frame_globals)?,
            instr,
            owner,
        })
    }

    fn is_shim(&self, layout: &WalkLayout) -> bool {
        u32::from(self.owner) >= layout.frame_owner_shim
    }

    /// Offset in bytes of the instruction at which the frame stands.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an offset in a code object; nonsense is found to be outside"
    )]
    fn lasti(&self, layout: &WalkLayout) -> i32 {
        if layout.code_adaptive == ABSENT {
            return (self.instr as i32).wrapping_mul(layout.lasti_unit.cast_signed());
        }
        self.instr.wrapping_sub(self.code.wrapping_add(u64::from(layout.code_adaptive))) as i32
    }
}

/// Where a stack lies.
#[derive(Debug)]
struct Way {
    /// Pointers that lead to the innermost frame, and where they lead.
    tops: Vec<(u64, u64)>,
    /// Addresses of frames, shims among them, innermost first.
    frames: Vec<u64>,
    cut: bool,
}

impl Way {
    fn find(memory: &ProcessMemory, layout: &WalkLayout, tstate: u64) -> Result<Self, Fault> {
        let memory = Recent::new(memory);
        let place = checked(tstate)? + u64::from(layout.tstate_frame);
        let mut next = memory.read_u64(place)?;
        let mut way = Self { tops: vec![(place, next)], frames: Vec::new(), cut: false };
        if layout.cframe_current_frame != ABSENT && next != 0 {
            let place = checked(next)? + u64::from(layout.cframe_current_frame);
            next = memory.read_u64(place)?;
            way.tops.push((place, next));
        }
        let (mut kept, mut shims) = (0, 0);
        let mut bytes = [0; BLOCK_BYTES];
        let bytes = bytes.get_mut(..layout.frame_bytes as usize).ok_or(Fault::BadPointer)?;
        while next != 0 {
            if kept == MAX_FRAMES || way.frames.len() == MAX_STEPS as usize {
                way.cut = true;
                break;
            }
            memory.read(checked(next)?, bytes)?;
            let link = Link::of(layout, bytes).ok_or(Fault::BadPointer)?;
            if link.is_shim(layout) {
                shims += 1;
                if shims > MAX_SHIMS {
                    return Err(Fault::ShimChain);
                }
            } else {
                (kept, shims) = (kept + 1, 0);
            }
            way.frames.push(next);
            next = link.previous;
        }
        Ok(way)
    }

    /// Reads it again. What each frame says, if that is a stack.
    fn confirm(&self, memory: &ProcessMemory, layout: &WalkLayout) -> Option<Vec<Link>> {
        let (inner, outer) = self.frames.split_at(self.frames.len().min(INNER));
        let (near, far) = (Pieces::of(inner, layout), Pieces::of(outer, layout));
        let tops: Vec<(u64, usize)> = self.tops.iter().map(|(place, _)| (*place, 8)).collect();
        let mut all = far.list.clone();
        for _ in 0..PASSES {
            all.extend(tops.iter().chain(&near.list));
        }
        all.extend(&far.list);
        let mut bytes = vec![0; all.iter().map(|(_, length)| length).sum()];
        memory.read_pieces(&all, &mut bytes).ok()?;

        let (before, rest) = bytes.split_at_checked(far.length)?;
        let (passes, after) = rest.split_at_checked(rest.len().checked_sub(far.length)?)?;
        let mut found: Option<Vec<Link>> = None;
        for pass in passes.chunks_exact(8 * tops.len() + near.length) {
            let (heads, near_bytes) = pass.split_at_checked(8 * tops.len())?;
            let heads = heads.as_chunks().0.iter().map(|head| u64::from_le_bytes(*head));
            if !heads.eq(self.tops.iter().map(|(_, to)| *to)) {
                return None;
            }
            let links: Vec<Link> = near.links(inner, near_bytes, layout)?;
            match &found {
                None => found = Some(links),
                Some(first) if is_same(first, &links) => {}
                Some(_) => return None,
            }
        }
        let (mut links, far_links) = (found?, far.links(outer, before, layout)?);
        if far_links != far.links(outer, after, layout)? {
            return None;
        }
        links.extend(far_links);
        let callers = self.frames.iter().skip(1);
        let leads_on = links.iter().zip(callers).all(|(link, caller)| link.previous == *caller);
        let ends = self.cut || links.last()?.previous == 0;
        (leads_on && ends).then_some(links)
    }

    /// Adds to what the frames say which code objects they run.
    fn stack(&self, memory: &ProcessMemory, layout: &WalkLayout, links: &[Link]) -> Result<Stack, Fault> {
        let mut block: Block = Block::new();
        let mut frames: Vec<Frame> = Vec::with_capacity(links.len());
        for link in links.iter().filter(|link| !link.is_shim(layout)) {
            let known = frames.last().filter(|inner| inner.code == link.code);
            let identity = match known {
                Some(inner) => inner.identity,
                None => read_identity(memory, layout, link.code, &mut block)?,
            };
            frames.push(Frame {
                code: link.code,
                identity,
                globals: link.globals,
                lasti: link.lasti(layout),
                owner: u32::from(link.owner),
            });
        }
        Ok(Stack { frames, cut: self.cut })
    }
}

/// Whether two readings are of the same stack: the innermost frame may have gone on, no other.
fn is_same(first: &[Link], second: &[Link]) -> bool {
    let mut pairs = first.iter().zip(second);
    let innermost =
        pairs.next().is_none_or(|(first, second)| Link { instr: first.instr, ..*second } == *first);
    innermost && pairs.all(|(first, second)| first == second)
}

/// Pieces of memory that frames lie in.
#[derive(Debug)]
struct Pieces {
    /// Address and length of each, by address.
    list: Vec<(u64, usize)>,
    /// All of them.
    length: usize,
}

impl Pieces {
    fn of(frames: &[u64], layout: &WalkLayout) -> Self {
        let mut sorted = frames.to_vec();
        sorted.sort_unstable();
        let size = u64::from(layout.frame_bytes);
        let mut list: Vec<(u64, usize)> = Vec::new();
        for frame in sorted {
            let end = frame.saturating_add(size);
            match list.last_mut() {
                Some((begin, length)) if frame <= *begin + *length as u64 + GAP => {
                    *length = (*length).max(usize::try_from(end - *begin).unwrap_or(0));
                }
                _ => list.push((frame, layout.frame_bytes as usize)),
            }
        }
        let length = list.iter().map(|(_, length)| length).sum();
        Self { list, length }
    }

    /// What the frames say, by what was read of the pieces.
    fn links(&self, frames: &[u64], bytes: &[u8], layout: &WalkLayout) -> Option<Vec<Link>> {
        let starts = self.list.iter().scan(0, |sum, (_, length)| {
            let start = *sum;
            *sum += length;
            Some(start)
        });
        let starts: Vec<usize> = starts.collect();
        let link = |frame: &u64| {
            let piece = self.list.partition_point(|(begin, _)| begin <= frame).checked_sub(1)?;
            let offset = usize::try_from(frame - self.list.get(piece)?.0).ok()?;
            Link::of(layout, bytes.get(starts.get(piece)? + offset..)?)
        };
        frames.iter().map(link).collect()
    }
}

#[cfg(test)]
mod tests;
