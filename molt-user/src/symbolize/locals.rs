//! The values that running functions have in their locals.

use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use molt_common::walk::{Buffers, Memory, frame};

/// Most threads of which stacks are looked at, and most frames of each.
const MAX_THREADS: usize = 16;
const MAX_FRAMES: usize = 16;
/// Most steps from frame to frame: some stand for C code.
const MAX_STEPS: usize = 2 * MAX_FRAMES;
/// Most locals of one frame.
const MAX_LOCALS: u64 = 32;

/// The objects in the locals of the innermost frames of every thread of the interpreter at `interp`, each with its type.
/// The program runs on: what is read of a frame that ends meanwhile may be anything, and is left out where it is no
/// object.
pub fn locals<M: Memory>(memory: &M, layout: &Layout, interp: u64) -> Known<Vec<(u64, u64)>> {
    let objects = Objects::new(memory, layout);
    let mut found = Vec::new();
    let mut tstate = objects.u64(interp, layout.interp_threads_head)?;
    for _ in 0..MAX_THREADS {
        if tstate == 0 {
            break;
        }
        // A stack that cannot be read to its end has given what it could.
        let _torn = of_thread(&objects, tstate, &mut found);
        tstate = objects.u64(tstate, layout.tstate_next)?;
    }
    Ok(found)
}

fn of_thread<M: Memory>(objects: &Objects<'_, M>, tstate: u64, found: &mut Vec<(u64, u64)>) -> Known<()> {
    let (walk, mut buffers) = (objects.layout.walk(), Buffers::default());
    let mut addr = frame::innermost(objects.memory, &walk, tstate)?;
    let mut frames = 0;
    for _ in 0..MAX_STEPS {
        if addr == 0 || frames == MAX_FRAMES {
            break;
        }
        let step = frame::step(objects.memory, &walk, addr, &mut buffers)?;
        if let Some(frame) = step.frame {
            frames += 1;
            let count = objects.u64(frame.code, objects.layout.code_slots)? & u64::from(u32::MAX);
            let slots = addr.wrapping_add(u64::from(objects.layout.frame_slots));
            for slot in objects.pointers(slots, count.min(MAX_LOCALS))? {
                found.extend(value(objects, slot).ok());
            }
        }
        addr = step.previous;
    }
    Ok(())
}

/// The object in a slot, or in the cell that is there, and its type.
fn value<M: Memory>(objects: &Objects<'_, M>, slot: u64) -> Known<(u64, u64)> {
    let tags = u64::from(objects.layout.tag_bits);
    // With both bits set it is an int in the slot itself (`Include/internal/pycore_stackref.h`, 3.14).
    if slot == 0 || tags != 0 && slot & tags == 3 {
        return Err(Unknown::Absent);
    }
    let typed = |at: u64| -> Known<(u64, u64)> {
        let class = objects.u64(at, objects.layout.object_type)?;
        if objects.is_freed(at)? || !objects.is_type(class)? { Err(Unknown::Stale) } else { Ok((at, class)) }
    };
    let (at, class) = typed(slot & !tags)?;
    if objects.is_type_named(class, "cell").unwrap_or(false) {
        return typed(objects.u64(at, objects.layout.cell_ref)?);
    }
    Ok((at, class))
}
