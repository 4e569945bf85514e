//! One file per event, with the names of `molt_common::event`.

mod allocate;
mod assign;
mod audit;
mod enter;
mod gc;
pub mod import;
mod leave;
mod measure;
mod milestone;
mod process;
mod raise;
mod sample;
mod shortcut;
mod stranger;
mod syscall;
mod tick;
