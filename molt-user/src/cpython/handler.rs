//! Machine code around the dispatch table: where in a handler a probe goes, and what the registers hold there.
//!
//! This file is the same for every processor; what depends on one is in that one's file.

#[cfg(not(target_arch = "x86_64"))]
mod unknown;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use unknown::{
    arguments_site, comparison_around, entered, eval_frame_argument, find_entry, find_frame_clear,
    function_entry, landings, promoted_call, takes_address, throw_argument,
};
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{
    arguments_site, comparison_around, entered, eval_frame_argument, find_entry, find_frame_clear,
    function_entry, landings, promoted_call, takes_address, throw_argument,
};

use crate::discover::args::Register;
use crate::discover::elf::Elf;
use thiserror::Error;

/// Longest instruction, in bytes (x86-64).
const MAX_INSTRUCTION_BYTES: usize = 15;

/// Why a piece of machine code is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Shape {
    /// This processor's instructions are not known.
    #[error("instructions of this processor are not known")]
    Processor,
    /// An address that control goes to is not in the file's code, or no instruction begins there.
    #[error("code at {address:#x} cannot be read")]
    NoCode {
        /// The address, before the load bias.
        address: u64,
    },
    /// The handler branches or goes on for long before it stores the instruction pointer into the frame.
    #[error("handler does not store its instruction pointer into the frame first")]
    NoStore,
    /// No instruction that the kernel can emulate follows closely, or the frame's register changes first.
    #[error("no instruction that the kernel emulates follows closely")]
    NoEmulated,
    /// The handler ends, or goes on for long, without a call.
    #[error("no direct call is reached")]
    NoCall,
    /// The first function that the handler calls is not given the frame, in one of its first two arguments.
    #[error("first function called is not given the frame")]
    NoFrameArgument,
}

/// Where a handler is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The instruction to probe: an address before the load bias.
    pub(super) site: u64,
    /// Holds the frame there.
    pub(super) frame: Register,
    /// Held the address of the instruction that is executed, when the handler stored it into the frame.
    pub(super) instruction: Register,
}

/// The function that clears a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameClear {
    /// Its first address, before the load bias.
    pub(super) function: u64,
    /// Holds the frame there.
    pub(super) frame: Register,
}

/// Where an argument is at a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// In a register.
    In(Register),
    /// It is always the same.
    Is(u64),
}

/// A place that every call of a function passes, or every call of it from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// The instruction to probe: an address before the load bias.
    pub(super) site: u64,
    /// Bytes between the stack pointer and the address to return to there, where the function itself is probed.
    pub(super) depth: u32,
    /// The function's second and third argument, where they can be had.
    pub(super) arguments: [Option<Argument>; 2],
}

/// The code of a file.
#[derive(Debug)]
pub(super) struct Text<'elf> {
    source: Source<'elf>,
    /// First address and the one behind the last; ascending, apart.
    ranges: Vec<(u64, u64)>,
}

#[derive(Debug)]
enum Source<'elf> {
    File(&'elf Elf),
    #[cfg(test)]
    Bytes(&'elf [u8]),
}

impl<'elf> Text<'elf> {
    /// The executable sections of a file.
    pub(super) fn of(elf: &'elf Elf) -> Self {
        let sections = elf.sections.iter().filter(|section| section.executable);
        let mut all: Vec<_> = sections
            .map(|section| (section.address, section.address.saturating_add(section.bytes)))
            .collect();
        all.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::with_capacity(all.len());
        for (start, end) in all {
            match ranges.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => ranges.push((start, end)),
            }
        }
        Self { source: Source::File(elf), ranges }
    }

    /// Code at address 0 and up.
    #[cfg(test)]
    pub(super) fn of_bytes(bytes: &'elf [u8]) -> Self {
        Self { source: Source::Bytes(bytes), ranges: vec![(0, bytes.len() as u64)] }
    }

    /// Whether an address lies in an executable section.
    pub(super) fn contains(&self, address: u64) -> bool {
        let after = self.ranges.partition_point(|range| range.0 <= address);
        let range = after.checked_sub(1).and_then(|index| self.ranges.get(index));
        range.is_some_and(|range| address < range.1)
    }

    /// The bytes at an address, as many as an instruction may have and the code goes on.
    fn read<'buffer>(
        &self,
        address: u64,
        buffer: &'buffer mut [u8; MAX_INSTRUCTION_BYTES],
    ) -> Result<&'buffer [u8], Shape> {
        let bytes = match self.source {
            _ if !self.contains(address) => None,
            Source::File(elf) => elf.read_address(address, buffer),
            #[cfg(test)]
            Source::Bytes(bytes) => usize::try_from(address).ok().and_then(|at| {
                let bytes = bytes.get(at..)?;
                let bytes = bytes.get(..MAX_INSTRUCTION_BYTES).unwrap_or(bytes);
                let read = buffer.get_mut(..bytes.len())?;
                read.copy_from_slice(bytes);
                Some(&*read)
            }),
        };
        bytes.ok_or(Shape::NoCode { address })
    }
}
