//! The target's memory: another process, an image of one, and wrappers that record or fail.

mod fault;
mod image;
mod metered;
mod overlay;
mod process;
mod recent;

pub use fault::FaultyMemory;
pub use image::{Image, ImageError, Recorder};
pub use metered::Metered;
pub use overlay::{Overlay, Pieces};
pub use process::{ProcessMemory, ReadFailures};
pub use recent::Recent;
