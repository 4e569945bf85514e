//! Every loop bound and length of the kernel side, with its reason.

/// Most frames walked for one sample. A deeper stack keeps its innermost frames and is marked
/// [`crate::event::sample::STACK_CUT`]. The verifier wants a bound; cut stacks are counted, so that one set
/// too low shows.
pub const MAX_FRAMES: usize = 512;

/// Most shim frames skipped between two frames of a stack: the interpreter pushes one for each entry from C,
/// and never two in a row.
pub const MAX_SHIMS: usize = 4;

/// Most thread states and interpreters looked at to find a thread that its per-thread key does not lead to.
pub const MAX_THREADS: u32 = 8192;

/// Bytes of a frame or a code object that are read at once: every field that the walk uses lies in them.
pub const BLOCK_BYTES: usize = 256;

/// Bytes of a thread's stack of frames that are read at once: some sixteen frames of small functions.
pub const WINDOW_BYTES: usize = 2048;

/// Most processes traced at the same time. A process beyond that is counted as
/// [`crate::fault::Fault::ProcessTableFull`].
pub const MAX_PROCESSES: u32 = 4096;

/// Bytes of the ring buffer: 4,000 stacks of 30 frames, ten seconds of four busy cores at 99 Hz. The kernel maps
/// each page twice when the ring is made, which takes some 4 ms a megabyte.
pub const RING_BYTES: u32 = 4 << 20;
