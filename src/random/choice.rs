//! Choosing one of several things with given probabilities.

/// Probabilities added up, ready to be chosen from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// Probability of an index up to and with i; above 1 from the last possible index on, so that
    /// rounding never leads to an impossible one.
    cumulative: Box<[f64]>,
}

impl Choice {
    /// From probabilities that add up to 1.
    pub(crate) fn new(probabilities: &[f64]) -> Self {
        let last = probabilities.iter().rposition(|&p| p > 0.0).unwrap_or(0);
        let mut sum = 0.0;
        let add_up = |(index, probability)| {
            sum += probability;
            if index >= last { f64::INFINITY } else { sum }
        };
        let cumulative = probabilities.iter().enumerate().map(add_up).collect();
        Self { cumulative }
    }

    /// The probability of an index up to and with i, for all but the last possible one.
    pub(super) fn cumulative(&self) -> &[f64] {
        &self.cumulative[..self.index(1.0 - f64::EPSILON / 2.0)]
    }

    /// The index that a number `u` in [0, 1) falls to.
    #[inline]
    pub(crate) fn index(&self, u: f64) -> usize {
        // Counting has no branch to mispredict, which beats a search for the usual two or three.
        if self.cumulative.len() <= 16 {
            return self.cumulative.iter().filter(|&&sum| sum <= u).count();
        }
        self.cumulative.partition_point(|&sum| sum <= u)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_belong_to_the_next_index() {
        let choice = Choice::new(&[0.25, 0.5, 0.25]);
        let picked = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999].map(|u| choice.index(u));
        assert_eq!(picked, [0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn impossible_indices_are_never_chosen() {
        let choice = Choice::new(&[0.0, 0.1, 0.0, 0.9, 0.0]);
        let top = 1.0 - f64::EPSILON / 2.0;
        assert_eq!([0.0, 0.1, top].map(|u| choice.index(u)), [1, 3, 3]);
    }

    #[test]
    fn a_long_list_is_searched_to_the_same_end() {
        let choice = Choice::new(&[1.0 / 64.0; 64]);
        for index in 0..64 {
            assert_eq!(choice.index((index as f64 + 0.5) / 64.0), index);
        }
    }
}
