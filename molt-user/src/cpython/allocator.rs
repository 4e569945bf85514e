//! Where in an interpreter's file its requests of memory are seen.
//!
//! Objects, and most of what belongs to them, come from the functions to which the interpreter's tables of allocators
//! point (`PyMemAllocatorEx`, `Include/cpython/pymem.h`; from 3.12 on in `_PyRuntime`, before in variables of
//! `Objects/obmalloc.c`). No symbol is needed: two sets of four functions stand in them several times over, and nothing
//! else in the file's data looks like that. Compilers that have a profile compare those pointers with the functions, and
//! put the functions' code behind the comparison; `docs/allocations.md` tells how that is seen.

use super::handler::{
    Argument, Passed, Shape, Text, comparison_around, entered, landings, promoted_call, takes_address,
};
use crate::discover::elf::{Elf, ElfError};
use molt_common::allocation::{NO_REGISTER, Site};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Most bytes of data that are looked through, as for the dispatch table.
const MAX_DATA_BYTES: u64 = 64 << 20;
/// Comparisons that lead to no call, such as that of `_PyMem_PymallocEnabled`, are few.
const MAX_UNKNOWN: usize = 8;
/// Most places of a build. Those of Debian's have 200 to 320.
const MAX_PLACES: usize = 4096;

/// A place that every request of memory passes that is made from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocationSite {
    /// Where in the file the probe goes.
    pub file_offset: u64,
    /// The same place as an address before the load bias.
    pub address: u64,
    /// What is asked for there.
    pub site: Site,
}

/// Where an interpreter's requests of memory are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationSites {
    /// All places, by their address.
    pub sites: Vec<AllocationSite>,
    /// Where the tables have the pointer to the function that gives blocks, before the load bias, and what must not be
    /// there: the function that asks the C library, to which they point under `PYTHONMALLOC=malloc`.
    pub pointers: Vec<u64>,
    /// That function's address, before the load bias.
    pub raw: u64,
    /// Comparisons that are not understood.
    pub unknown: usize,
}

/// Why a file's requests of memory cannot be seen.
#[derive(Debug, Error)]
pub enum NoAllocator {
    /// There are no tables, or more than one thing looks like them.
    #[error("the tables of allocators were not found in the interpreter's file")]
    NoTables,
    /// Objects come from mimalloc, through tables of another shape.
    #[error("free-threaded interpreters have another allocator")]
    FreeThreaded,
    /// More data than is looked through.
    #[error("file has more than {MAX_DATA_BYTES} bytes of data")]
    TooMuchData,
    /// An allocator's code has another shape than those of the builds known.
    #[error("the allocator's code is not understood: {0}")]
    Code(#[from] Shape),
    /// The compiler has put the allocator's code into its callers in another way than is known.
    #[error("the allocator is part of its callers at {0} places that are not understood")]
    Promoted(usize),
    /// Reading the file failed.
    #[error("failed to read the interpreter's file")]
    File(#[from] ElfError),
}

/// The functions of a table: `malloc`, `calloc`, `realloc`, `free`.
type Functions = [u64; 4];

/// Finds them all.
pub fn find_allocations(elf: &Elf) -> Result<AllocationSites, NoAllocator> {
    let text = Text::of(elf);
    let tables = find_tables(elf, &text)?;
    let (objects, raw) = choose(&tables).ok_or(NoAllocator::NoTables)?;
    let [malloc, calloc, realloc, _] = objects;
    let mut found = BTreeMap::new();
    let mut unknown = 0;
    let wanted =
        [(malloc, [true, false], 0), (calloc, [true, true], 0), (realloc, [false, true], Site::RESIZES)];
    for (function, wanted, flags) in wanted {
        for comparison in comparisons(elf, function)? {
            let Ok(call) = promoted_call(&text, comparison, function) else {
                unknown += 1;
                continue;
            };
            let Some(call) = call else { continue };
            match site_of(&call, wanted, flags | Site::COMPARED) {
                Some(site) => _ = found.insert(call.site, site),
                None => unknown += 1,
            }
        }
        let entry = entered(&text, function)?;
        found.insert(entry.site, site_of(&entry, wanted, flags).ok_or(Shape::NoCall)?);
    }
    if unknown > MAX_UNKNOWN || found.len() > MAX_PLACES {
        return Err(NoAllocator::Promoted(unknown));
    }
    let place = |(address, site): (u64, Site)| {
        Some(AllocationSite { file_offset: elf.file_offset(address)?, address, site })
    };
    let sites: Option<Vec<_>> = found.into_iter().map(place).collect();
    let pointers = tables.get(&objects).into_iter().flatten().map(|table| table + 8).collect();
    Ok(AllocationSites { sites: sites.ok_or(NoAllocator::NoTables)?, pointers, raw: raw[0], unknown })
}

impl AllocationSites {
    /// Where threads go on after a probe, as addresses before the load bias.
    pub fn landings(&self, elf: &Elf) -> BTreeSet<u64> {
        let text = Text::of(elf);
        // Each site was decoded when it was found.
        self.sites.iter().filter_map(|site| landings(&text, site.address).ok()).flatten().collect()
    }
}

/// Every table of four functions behind a null pointer in the data of a file, where it lies by what it holds.
fn find_tables(elf: &Elf, text: &Text<'_>) -> Result<BTreeMap<Functions, Vec<u64>>, NoAllocator> {
    let relocations = elf.read_relocations()?;
    let mut budget = MAX_DATA_BYTES;
    let mut found: BTreeMap<Functions, Vec<u64>> = BTreeMap::new();
    for section in elf.data_sections() {
        budget = budget.checked_sub(section.bytes).ok_or(NoAllocator::TooMuchData)?;
        let (address, words) = elf.read_words(section, &relocations)?;
        for (word, table) in (0..).zip(words.windows(5)) {
            if let [0, functions @ ..] = table
                && let Ok(functions) = Functions::try_from(functions)
                && functions.iter().all(|function| text.contains(*function))
                && BTreeSet::from(functions).len() == functions.len()
            {
                found.entry(functions).or_default().push(address.wrapping_add(8 * word));
            }
        }
    }
    Ok(found)
}

/// The functions of the allocator of objects, which stand in twice as many tables as those of the raw one: also in those
/// of blocks that are not objects. No others stand in more than one.
fn choose(tables: &BTreeMap<Functions, Vec<u64>>) -> Option<(Functions, Functions)> {
    let mut repeated = tables.iter().filter(|(_, places)| places.len() > 1);
    let (one, other) = (repeated.next()?, repeated.next()?);
    if repeated.next().is_some() {
        return None;
    }
    let is_twice = |(_, more): &(&Functions, &Vec<u64>), (_, less): &(&Functions, &Vec<u64>)| {
        more.len() == 2 * less.len()
    };
    match (is_twice(&one, &other), is_twice(&other, &one)) {
        (true, _) => Some((*one.0, *other.0)),
        (_, true) => Some((*other.0, *one.0)),
        _ => None,
    }
}

/// Where a pointer may be compared with `function`. In a file that is loaded anywhere the function's address is no operand
/// of a comparison; how often it is taken there tells whether pointers are compared with it.
fn comparisons(elf: &Elf, function: u64) -> Result<Vec<u64>, NoAllocator> {
    let is_fixed = elf.segments.iter().all(|segment| segment.address != 0);
    let operand = i32::try_from(function).ok().filter(|_| is_fixed).map(i32::to_le_bytes);
    let (mut found, mut taken) = (Vec::new(), 0);
    for section in elf.sections.iter().filter(|section| section.executable) {
        let bytes = elf.read_section(section)?;
        for (at, window) in (0..).zip(bytes.windows(4)) {
            if let Some(operand) = operand {
                let start = (window == operand).then(|| comparison_around(&bytes, at)).flatten();
                found.extend(start.map(|start| section.address.wrapping_add(start as u64)));
            } else {
                taken += usize::from(takes_address(&bytes, at, section.address) == Some(function));
            }
        }
    }
    if taken > MAX_UNKNOWN { Err(NoAllocator::Promoted(taken)) } else { Ok(found) }
}

/// What is asked for at a place, as the product of those of its arguments that are `wanted`.
fn site_of(passed: &Passed, wanted: [bool; 2], flags: u8) -> Option<Site> {
    let mut site =
        Site { flags, registers: [NO_REGISTER; 2], depth: u8::try_from(passed.depth / 8).ok()?, factor: 1 };
    for ((argument, register), _) in
        passed.arguments.into_iter().zip(&mut site.registers).zip(wanted).filter(|(_, wanted)| *wanted)
    {
        match argument? {
            Argument::In(held) => *register = held.0,
            Argument::Is(number) => site.factor = site.factor.checked_mul(u32::try_from(number).ok()?)?,
        }
    }
    Some(site)
}
