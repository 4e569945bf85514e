//! Stage: launch.
