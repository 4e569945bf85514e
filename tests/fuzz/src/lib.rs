//! What every target is linked with: an allocator that ends it when a single allocation is out of bounds.
//!
//! The engine's own limit of that kind counts on a sanitizer's allocator, which there is none of here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;

pub use libfuzzer_sys::fuzz_target;

/// Most bytes of one allocation: far above what any input as long as the engine makes them is worth.
pub const MAX_ALLOCATION: usize = 64 << 20;

struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

// SAFETY: every method passes on what it was given to the system's allocator, and what that gives.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: the caller's promise is the one that is asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: the caller's promise is the one that is asked for here.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        // SAFETY: the caller's promise is the one that is asked for here; blocks are the system's.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the one that is asked for here; blocks are the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Aborts, which the engine takes for a fault of the input.
fn check(size: usize) {
    if size > MAX_ALLOCATION {
        eprintln!("an allocation of {size} bytes\n{}", Backtrace::force_capture());
        std::process::abort();
    }
}
