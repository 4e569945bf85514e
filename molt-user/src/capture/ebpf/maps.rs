//! Values of the kernel side's maps as bytes: the one door between molt-common's types and aya's.

use aya::Pod;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A map's value whose type is plain bytes.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct MapValue<T>(pub T);

// SAFETY: `FromBytes` says that every bit pattern is a value of `T`, `IntoBytes` that it has no padding, and
// the wrapper is transparent; that is what aya asks of a `Pod`.
unsafe impl<T: FromBytes + IntoBytes + Immutable + Copy + 'static> Pod for MapValue<T> {}
