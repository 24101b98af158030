//! The generator behind a stream: xoshiro256++ in lanes side by side, so that one vector instruction
//! moves several of them.

use sha2::{Digest, Sha256};

/// Generators side by side.
///
/// Sixteen is what the compiler makes the best of: with up to eight it unrolls the loop over the
/// lanes into single words and never finds the vectors again (1.2 ns a word instead of 0.3), and
/// the state of more than sixteen does not stay near the registers.
pub(super) const LANES: usize = 16;

/// One word of every lane.
pub(super) type Row = [u64; LANES];

/// The states of all lanes, word by word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lanes([Row; 4]);

impl Lanes {
    /// Each lane starts where the SHA-256 of the key and the lane's number says.
    pub(super) fn new(key: &[u8]) -> Self {
        let mut state = [[0; LANES]; 4];
        for lane in 0..LANES {
            let seed = Sha256::new().chain_update(key).chain_update([lane as u8]);
            for (row, bytes) in state.iter_mut().zip(seed.finalize().as_chunks::<8>().0) {
                row[lane] = u64::from_le_bytes(*bytes);
            }
        }
        Self(state)
    }

    /// The next word of every lane.
    #[inline]
    pub(super) fn next(&mut self) -> Row {
        let mut row = [[0; LANES]];
        self.fill(&mut row, |word| word);
        row[0]
    }

    /// Fills `rows` with what `map` makes of the next words, a row a step.
    ///
    /// The step is that of Blackman & Vigna, "Scrambled linear pseudorandom number generators", ACM
    /// TOMS 47 (2021), for xoshiro256++.
    #[inline(always)]
    pub(super) fn fill<T>(&mut self, rows: &mut [[T; LANES]], map: impl Fn(u64) -> T) {
        // A local copy: the compiler then knows that nobody else looks at the state.
        let [mut a, mut b, mut c, mut d] = self.0;
        for row in rows {
            for lane in 0..LANES {
                let sum = a[lane].wrapping_add(d[lane]);
                row[lane] = map(sum.rotate_left(23).wrapping_add(a[lane]));
                let (third, fourth) = (c[lane] ^ a[lane], d[lane] ^ b[lane]);
                c[lane] = third ^ (b[lane] << 17);
                d[lane] = fourth.rotate_left(45);
                b[lane] ^= third;
                a[lane] ^= fourth;
            }
        }
        self.0 = [a, b, c, d];
    }
}
