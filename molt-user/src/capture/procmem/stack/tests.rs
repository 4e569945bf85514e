//! Stacks in this process's own memory, some of which another thread changes all the time.

use super::{Stack, read};
use crate::symbolize::memory::ProcessMemory;
use molt_common::fault::Fault;
use molt_common::layout::{ABSENT, WalkLayout};
use molt_common::limits::MAX_FRAMES;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use zerocopy::FromZeros;

/// Words of a frame: code, previous, globals, instruction; 32 bytes.
const WORDS: usize = 4;

fn layout() -> WalkLayout {
    let mut layout = WalkLayout::new_zeroed();
    layout.code_mask = u64::MAX;
    layout.frame_bytes = 32;
    (layout.frame_code, layout.frame_previous) = (0, 8);
    (layout.frame_globals, layout.frame_instr) = (16, 24);
    (layout.frame_owner, layout.frame_owner_shim) = (ABSENT, 255);
    (layout.cframe_current_frame, layout.code_adaptive, layout.lasti_unit) = (ABSENT, ABSENT, 1);
    layout.code_bytes = 8;
    layout
}

/// Where code objects are: anywhere that can be read. Their first bit says that they are functions.
static CODES: [u64; 3] = [1, 3, 5];

fn code(number: usize) -> u64 {
    std::ptr::from_ref(&CODES[number]).addr() as u64
}

/// A thread state, which is the address of its innermost frame, and frames.
struct Memory {
    state: AtomicU64,
    frames: Vec<[AtomicU64; WORDS]>,
}

impl Memory {
    fn new(frames: usize) -> Self {
        let frames = (0..frames).map(|_| [const { AtomicU64::new(0) }; WORDS]).collect();
        Self { state: AtomicU64::new(0), frames }
    }

    fn address(&self, frame: usize) -> u64 {
        std::ptr::from_ref(&self.frames[frame]).addr() as u64
    }

    /// Writes a frame whose caller is the one at `previous`, or none.
    fn write(&self, frame: usize, code: u64, previous: Option<usize>, instr: u64) {
        let [at, link, globals, lasti] = &self.frames[frame];
        at.store(code, SeqCst);
        globals.store(8, SeqCst);
        link.store(previous.map_or(0, |previous| self.address(previous)), SeqCst);
        lasti.store(instr, SeqCst);
    }

    fn read(&self) -> Result<Stack, Fault> {
        let own = ProcessMemory::new(std::process::id().cast_signed());
        read(&own, &layout(), std::ptr::from_ref(&self.state).addr() as u64)
    }
}

/// Code addresses and instructions, innermost first.
fn shown(stack: &Stack) -> Vec<(u64, i32)> {
    stack.frames.iter().map(|frame| (frame.code, frame.lasti)).collect()
}

/// A thread without frames, and one with two that stand still.
#[test]
fn reads_a_stack_that_stands_still() {
    let memory = Memory::new(2);
    assert_eq!(memory.read(), Ok(Stack::default()));
    memory.write(0, code(0), None, 6);
    memory.write(1, code(1), Some(0), 4);
    memory.state.store(memory.address(1), SeqCst);
    assert_eq!(shown(&memory.read().unwrap()), [(code(1), 4), (code(0), 6)]);
}

/// More frames than are walked inwards of the outermost, by far.
#[test]
fn a_loop_of_frames_is_cut() {
    let memory = Memory::new(1);
    memory.write(0, code(0), Some(0), 6);
    memory.state.store(memory.address(0), SeqCst);
    let stack = memory.read().unwrap();
    assert!(stack.cut && stack.frames.len() == MAX_FRAMES);
}

/// Frames that lead nowhere are a fault, not an end.
#[test]
fn a_bad_pointer_is_a_fault() {
    let memory = Memory::new(1);
    memory.state.store(8, SeqCst);
    assert_eq!(memory.read(), Err(Fault::BadPointer));
}

/// A caller calls one function from one place and another from another, in a row, in the same frame: a stack that
/// is kept is never the place of one call with the function of the other.
#[test]
fn no_stack_is_made_of_two() {
    let memory = Memory::new(2);
    memory.write(0, code(0), None, 0);
    memory.state.store(memory.address(0), SeqCst);
    let ended = AtomicBool::new(false);
    let pause = || (0..40).for_each(|_| std::hint::spin_loop());
    let (mut alone, mut calls, mut mixed) = (0, [0; 2], Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(SeqCst) {
                for (place, code) in [(2, code(1)), (4, code(2))] {
                    memory.frames[0][3].store(place, SeqCst);
                    memory.write(1, code, Some(0), 0);
                    memory.state.store(memory.address(1), SeqCst);
                    pause();
                    memory.state.store(memory.address(0), SeqCst);
                    pause();
                }
            }
        });
        for _ in 0..20_000 {
            let Ok(stack) = memory.read() else { continue };
            match shown(&stack).as_slice() {
                [(caller, _)] if *caller == code(0) => alone += 1,
                [(callee, 0), (_, 2)] if *callee == code(1) => calls[0] += 1,
                [(callee, 0), (_, 4)] if *callee == code(2) => calls[1] += 1,
                other => mixed.push(other.to_vec()),
            }
        }
        ended.store(true, SeqCst);
    });
    assert!(mixed.is_empty(), "{mixed:x?}");
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}, {alone}");
}
