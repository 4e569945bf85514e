//! Tests of the file as a whole.
mod consumer;
pub(crate) mod full;
mod keys;
