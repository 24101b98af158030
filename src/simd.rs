//! Kernels compiled several times: for any processor, and for the vector instructions of the one
//! that the program finds itself on.
//!
//! A kernel is plain safe Rust that the compiler can turn into vector instructions: fixed numbers of
//! lanes, no fused multiply-add, no reordered sums. IEEE arithmetic then gives the same bits whichever
//! of the versions is run, so the choice is one of speed alone.
//!
//! Where the compiler does not find the vector instructions by itself, a kernel can be written in those
//! of AVX2 ([`Avx2`]) beside its plain form. Safe: one can only be had where the processor has them.

pub(crate) use pulp::NullaryFnOnce as Kernel;

/// Runs a kernel with vectors of 256 bits (AVX2) where there are. Its `call`, and all that shall
/// profit, must be `#[inline(always)]`: what is not inlined is compiled for any processor.
#[inline]
pub(crate) fn vectorized<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = avx2() {
        return pulp::Simd::vectorize(simd, kernel);
    }
    kernel.call()
}

/// Runs a kernel with the widest vectors there are, AVX-512 included. For long blocks of arithmetic:
/// elsewhere it may be slower than [`vectorized`].
#[inline]
pub(crate) fn vectorized_widest<K: Kernel>(kernel: K) -> K::Output {
    pulp::Arch::new().dispatch(kernel)
}

/// The vector instructions of AVX2.
#[cfg(target_arch = "x86_64")]
pub(crate) use pulp::x86::V3 as Avx2;

/// The vector instructions of AVX2, if this processor has them.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn avx2() -> Option<Avx2> {
    Avx2::try_new()
}
