//! One file per event, with the names of `molt_common::event`.

mod finalize;
mod process;
mod sample;
