//! The Molt Profile Artifact as a library.
