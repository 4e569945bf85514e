//! Stage: discover.
