//! What molt reads of running interpreters, against what they say of themselves. Needs no privileges: a
//! process may read its own children.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "symbolize/classes.rs"]
mod classes;
#[path = "symbolize/code.rs"]
mod code;
#[path = "symbolize/containers.rs"]
mod containers;
#[path = "symbolize/faults.rs"]
mod faults;
#[path = "symbolize/image.rs"]
mod image;
#[path = "symbolize/modules.rs"]
mod modules;
#[path = "symbolize/qualname.rs"]
mod qualname;
#[path = "symbolize/sites.rs"]
mod sites;
#[path = "symbolize/support/mod.rs"]
mod support;
#[path = "symbolize/tracked.rs"]
mod tracked;
#[path = "symbolize/types.rs"]
mod types;
