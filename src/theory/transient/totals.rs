//! What is added up while time goes by.

/// Integrals over time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::theory) struct Totals {
    /// ∫ E\[N\].
    pub number: f64,
    /// ∫ E\[(N − c)⁺\].
    pub waiting: f64,
    /// ∫ E\[min(N, c)\].
    pub busy: f64,
    /// Orders that came: ∫ λ.
    pub offered: f64,
    /// Orders that had to wait: ∫ λ P(c ≤ N < K).
    pub delayed: f64,
    /// Orders that were rejected: ∫ λ P(N = K).
    pub lost: f64,
}

impl Totals {
    /// How many there are.
    pub const COUNT: usize = 6;

    pub fn from_slice(values: &[f64]) -> Totals {
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Totals {
            number: at(0),
            waiting: at(1),
            busy: at(2),
            offered: at(3),
            delayed: at(4),
            lost: at(5),
        }
    }

    pub fn values(&self) -> [f64; Totals::COUNT] {
        [
            self.number,
            self.waiting,
            self.busy,
            self.offered,
            self.delayed,
            self.lost,
        ]
    }

    pub fn plus(&self, other: &Totals) -> Totals {
        let sums: Vec<f64> = self
            .values()
            .iter()
            .zip(other.values())
            .map(|(a, b)| a + b)
            .collect();
        Totals::from_slice(&sums)
    }
}
