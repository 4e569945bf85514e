//! Records with names to the sections of the artifact. Pure: no clock, no files, no hash order.
//!
//! [`tally`] counts while the run goes on; the other files turn the counts into one section each when it ends.

pub mod allocations;
pub mod call_counts;
pub mod call_sites;
pub mod calls;
pub mod code;
pub mod containers;
pub mod effects;
pub mod effort;
pub mod entrypoint;
pub mod hotspots;
pub mod modules;
pub mod mutations;
pub mod processes;
pub mod sections;
pub mod symbols;
pub mod tally;
pub mod types;

#[cfg(test)]
mod tests;
