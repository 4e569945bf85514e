//! Where records come from: the kernel side, or a thread that reads the target's memory.
//!
//! The only stage that touches the kernel's tracing; what it hands on is bytes, the same from both.

pub mod ebpf;
pub mod procmem;
