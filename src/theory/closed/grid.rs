//! All populations up to the full one, and sums over them.

use super::wide::Wide;

/// More populations than this are refused.
const POINTS: u64 = 2_000_000;

/// The vectors n with 0 ≤ n_k ≤ N_k, numbered so that the first component runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    full: Vec<usize>,
    strides: Vec<usize>,
    points: usize,
}

impl Grid {
    /// The grid below a population; `None` where it has too many points.
    pub fn new(full: &[u64]) -> Option<Grid> {
        let mut points = 1u64;
        let mut strides = Vec::with_capacity(full.len());
        for &n in full {
            strides.push(points as usize);
            points = points.checked_mul(n.checked_add(1)?)?;
            if points > POINTS {
                return None;
            }
        }
        Some(Grid {
            full: full.iter().map(|&n| n as usize).collect(),
            strides,
            points: points as usize,
        })
    }

    pub fn chains(&self) -> usize {
        self.full.len()
    }

    pub fn points(&self) -> usize {
        self.points
    }

    /// ΣN_k.
    pub fn total(&self) -> usize {
        self.full.iter().sum()
    }

    /// The index of the full population.
    pub fn top(&self) -> usize {
        self.points - 1
    }

    /// The index of the full population without one customer of a chain.
    pub fn without_one(&self, chain: usize) -> usize {
        self.points - 1 - self.strides[chain]
    }

    /// Σ_k d_k w(n − e_k) over the chains that have a customer in n.
    pub fn below(&self, w: &[Wide], d: &[f64], index: usize) -> Wide {
        let mut total = Wide::ZERO;
        for (k, stride) in self.strides.iter().enumerate() {
            if d[k] > 0.0 && !(index / stride).is_multiple_of(self.full[k] + 1) {
                total += w[index - stride] * d[k];
            }
        }
        total
    }

    /// Π z_k^n_k/n_k!: customers who never meet.
    pub fn alone(&self, z: &[f64]) -> Vec<Wide> {
        let mut w = vec![Wide::ZERO; self.points];
        w[0] = Wide::ONE;
        self.ascending(|index, n| {
            if let Some(k) = (0..n.len()).find(|&k| n[k] > 0) {
                w[index] = w[index - self.strides[k]] * (z[k] / n[k] as f64);
            }
        });
        w
    }

    /// w(n) := w(n) + Σ_k d_k w(n − e_k), from the empty population up.
    pub fn convolve(&self, w: &mut [Wide], d: &[f64]) {
        self.ascending(|index, n| {
            let mut value = w[index];
            for k in 0..n.len() {
                if n[k] > 0 && d[k] > 0.0 {
                    value += w[index - self.strides[k]] * d[k];
                }
            }
            w[index] = value;
        });
    }

    /// w(n) := Σ_k d_k w(n − e_k), all at once.
    pub fn shift(&self, w: &mut [Wide], d: &[f64]) {
        let mut n = self.full.clone();
        for index in (0..self.points).rev() {
            let mut value = Wide::ZERO;
            for k in 0..n.len() {
                if n[k] > 0 && d[k] > 0.0 {
                    value += w[index - self.strides[k]] * d[k];
                }
            }
            w[index] = value;
            for (digit, full) in n.iter_mut().zip(&self.full) {
                if *digit > 0 {
                    *digit -= 1;
                    break;
                }
                *digit = *full;
            }
        }
    }

    fn ascending(&self, mut at: impl FnMut(usize, &[usize])) {
        let mut n = vec![0; self.full.len()];
        for index in 0..self.points {
            at(index, &n);
            for (digit, full) in n.iter_mut().zip(&self.full) {
                if *digit < *full {
                    *digit += 1;
                    break;
                }
                *digit = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn shifting_is_a_multinomial_sum() {
        let grid = Grid::new(&[3, 2]).unwrap();
        let mut w = grid.alone(&[0.0, 0.0]);
        for _ in 0..5 {
            grid.shift(&mut w, &[2.0, 0.5]);
        }
        // (2 + 0.5)^5 at (3, 2): C(5, 2) 2³ 0.5².
        assert_relative_eq!(w[grid.top()].over(Wide::ONE), 20.0, max_relative = 1e-14);
        assert!(w[..grid.top()].iter().all(|w| w.is_zero()));
    }

    #[test]
    fn convolving_sums_all_shifts() {
        let grid = Grid::new(&[3, 2]).unwrap();
        let mut all = grid.alone(&[1.0, 2.0]);
        let mut one = all.clone();
        let mut sum = all.clone();
        let d = [0.7, 1.1];
        grid.convolve(&mut all, &d);
        for _ in 0..grid.total() {
            grid.shift(&mut one, &d);
            sum.iter_mut().zip(&one).for_each(|(s, o)| *s += *o);
        }
        for (a, s) in all.iter().zip(&sum) {
            assert_relative_eq!(a.over(*s), 1.0, max_relative = 1e-14);
        }
    }

    #[test]
    fn too_many_points_are_refused() {
        assert!(Grid::new(&[2000, 2000]).is_none());
        assert!(Grid::new(&[u64::MAX, 1]).is_none());
    }
}
