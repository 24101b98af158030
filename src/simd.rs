//! Kernels compiled twice: for any processor, and for the wide vector instructions of the one that
//! the program finds itself on.
//!
//! A kernel is plain safe Rust that the compiler can turn into vector instructions: fixed numbers of
//! lanes, no fused multiply-add, no reordered sums. IEEE arithmetic then gives the same bits whichever
//! of the two is run, so the choice is one of speed alone.

pub(crate) use pulp::NullaryFnOnce as Kernel;

/// Runs a kernel with the widest vector instructions there are. Its `call`, and all that shall
/// profit, must be `#[inline(always)]`: what is not inlined is compiled for any processor.
#[inline]
pub(crate) fn vectorized<K: Kernel>(kernel: K) -> K::Output {
    pulp::Arch::new().dispatch(kernel)
}
