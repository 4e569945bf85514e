//! The programs that run in the kernel: read, check, count, emit, and nothing else.
//!
//! Each program's entry point calls a `try_` function and counts its fault. They know no Python version:
//! what differs between interpreters comes with the process's configuration.
#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![expect(internal_features, reason = "`core` has no atomic additions for this target")]

mod allocations;
mod arguments;
mod atomic;
mod calls;
mod containers;
mod desk;
mod effects;
mod emit;
mod fault;
mod gate;
mod growth;
mod importing;
mod lasting;
mod maps;
mod memory;
mod met;
mod mutations;
mod namespace;
mod probes;
mod registers;
mod repeat;
mod snapshot;
mod task;
mod tell;
mod thread;

/// Kernel helpers for tracing are open to programs under a GPL-compatible licence only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// The loader refuses an object whose records it does not know.
#[unsafe(link_section = ".rodata.molt")]
#[unsafe(no_mangle)]
static WIRE_VERSION: u32 = molt_common::WIRE_VERSION;

/// The verifier refuses a program in which this can be reached, so that a panic is an error at load.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
