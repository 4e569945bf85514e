//! Where records come from: the kernel side.
//!
//! The only stage that touches the kernel's tracing; what it hands on is bytes.

pub mod ebpf;
