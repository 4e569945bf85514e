//! One file per event, with the names of `molt_common::event`.

mod enter;
mod finalize;
mod leave;
mod process;
mod raise;
mod sample;
mod start;
