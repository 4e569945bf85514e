//! What molt's kernel side and user side must agree on.
//!
//! Compiled twice: for the kernel's virtual machine by `molt-ebpf`, and for the host by `molt-user`.
//! A thing is here only if both sides use it. No allocation, no aya, no CPython version numbers: what
//! differs between interpreters arrives as a [`layout::WalkLayout`].
//!
//! In reading order: [`limits`], [`machine`], [`fault`], [`layout`], [`config`], [`event`], [`call`], [`plan`],
//! [`operand`], [`effect`], [`allocation`], [`mutation`], [`walk`].
#![cfg_attr(not(test), no_std)]
#![expect(
    clippy::inline_always,
    reason = "what is not inlined becomes a call that the verifier checks apart"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "fields are cut out of words, C's ints have 32 bits, and the limits are far below"
)]

pub mod allocation;
pub mod call;
pub mod config;
pub mod container;
pub mod effect;
pub mod event;
pub mod fault;
pub mod layout;
pub mod limits;
pub mod machine;
pub mod mutation;
pub mod operand;
pub mod plan;
pub mod walk;

/// Version of every layout in this crate. The object carries it, and the loader refuses another one.
pub const WIRE_VERSION: u32 = 7;
