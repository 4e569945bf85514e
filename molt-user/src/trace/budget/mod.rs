//! When calls are counted, as far as a budget allows, and what those that were counted say of the others.
//!
//! Nothing here knows a clock or a kernel: time comes as numbers. What it decides is done in [`super::observe`].

mod bucket;
mod chance;
mod ledger;
mod strata;

pub(super) use bucket::Bucket;
pub(super) use chance::Chance;
pub(super) use ledger::Ledger;
pub(super) use strata::{Closed, Strata, Weighed};
