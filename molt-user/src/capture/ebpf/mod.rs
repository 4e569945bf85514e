//! The kernel side, loaded and attached by aya. Everything that knows aya is in this folder.

pub mod allocations;
pub mod attach;
pub mod btf;
pub mod calls;
pub mod cost;
pub mod effects;
mod library;
pub mod load;
pub mod maps;
pub mod object;
mod perf_event;
pub mod refusal;
pub mod task_clock;
pub mod ticks;
pub mod uprobes;
pub mod urgent;

pub use load::{Kernel, LoadError, Room};
