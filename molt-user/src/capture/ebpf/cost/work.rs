//! What hits disturb: a small interpreter, with instructions in no order, each of which has code and data of its own.

use super::nanos_since;
use std::hint::black_box;
use std::time::Instant;

/// Instructions between two hits.
const BETWEEN: usize = 12;
/// Entries of the table that they work on.
const ENTRIES: usize = 4_096;

/// Each has memory of its own, as objects have.
type Object = Box<u32>;
type Operation = fn(&mut State, u32);

const OPERATIONS: [Operation; 8] = [
    |state, argument| state.stack.push(Box::new(argument)),
    |state, _| drop(black_box(state.stack.pop())),
    |state, argument| state.stack.iter_mut().for_each(|cell| **cell = cell.rotate_left(argument % 32)),
    |state, argument| state.stack.truncate(argument as usize % 8),
    |state, argument| state.entry(argument, |cell, _| *cell = cell.wrapping_add(1)),
    |state, argument| state.entry(argument, |cell, stack| stack.push(Box::new(*cell))),
    |state, argument| {
        state.entry(argument, |cell, stack| {
            if let Some(top) = stack.last_mut() {
                **top ^= *cell;
            }
        });
    },
    |state, argument| {
        if let Some(cell) = state.stack.first_mut() {
            **cell = cell.wrapping_mul(argument);
        }
    },
];

/// A program for it.
pub(super) struct Work {
    instructions: Vec<(Operation, u32)>,
}

struct State {
    stack: Vec<Object>,
    table: Vec<u32>,
}

impl State {
    fn entry(&mut self, argument: u32, change: fn(&mut u32, &mut Vec<Object>)) {
        if let Some(cell) = self.table.get_mut(argument as usize % ENTRIES) {
            change(cell, &mut self.stack);
        }
    }
}

impl Work {
    /// One in which there are so many hits.
    #[expect(clippy::cast_possible_truncation, reason = "random bits are cut to those that are wanted")]
    pub(super) fn new(hits: usize) -> Self {
        // A linear congruential generator (Knuth, MMIX), whose upper bits are used.
        let next = |word: &u64| {
            Some(word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        };
        let words = std::iter::successors(Some(1), next).take(hits * BETWEEN);
        let operation = |word: u64| OPERATIONS.into_iter().nth((word >> 61) as usize);
        Self {
            instructions: words.filter_map(|word| Some((operation(word)?, (word >> 29) as u32))).collect(),
        }
    }

    /// How long it takes, with a call of `hit` for each hit.
    pub(super) fn round_ns(&self, hit: extern "C" fn()) -> u64 {
        let mut state = State { stack: Vec::new(), table: vec![0; ENTRIES] };
        let began = Instant::now();
        for block in self.instructions.chunks(BETWEEN) {
            black_box(hit)();
            for (operation, argument) in block {
                operation(&mut state, *argument);
            }
        }
        black_box(&state.table);
        nanos_since(began)
    }
}
