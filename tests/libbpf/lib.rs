//! Nothing: see `tests/loads.rs`.
