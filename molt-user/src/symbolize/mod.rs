//! Stage: symbolize.
