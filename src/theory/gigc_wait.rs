//! A wait by its mean, its probability of being 0, and the variability of what is above 0.
//!
//! # References
//! W. Whitt (1983), *The queueing network analyzer*, Bell System Technical Journal 62, equations 51–57:
//! the variability of the wait of those that wait, and which law to take by it.

/// A wait that is 0 with probability 1 − p, and else has a law with two moments given: hyperexponential
/// with balanced means, exponential, or the sum of two exponential times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TwoMomentWait {
    /// P(Wq > 0).
    pub probability: f64,
    /// E\[Wq\].
    pub mean: f64,
    /// The squared coefficient of variation of the waits above 0.
    pub scv: f64,
}

/// c_D² = 2ρ − 1 + 4(1 − ρ)d³/(3(cs² + 1)²), the variability of the waits above 0, with d³ = E\[S³\]/E\[S\]³ of
/// a law with that cs².
pub(super) fn conditional_scv(load: f64, service_scv: f64) -> f64 {
    let third = if service_scv >= 1.0 {
        3.0 * service_scv * (1.0 + service_scv)
    } else {
        (2.0 * service_scv + 1.0) * (service_scv + 1.0)
    };
    2.0 * load - 1.0 + 4.0 * (1.0 - load) * third / (3.0 * (service_scv + 1.0).powi(2))
}

impl TwoMomentWait {
    /// The mean of the waits above 0.
    fn conditional_mean(&self) -> f64 {
        self.mean / self.probability
    }

    /// Var(Wq) = p E\[D²\] − Wq².
    pub fn variance(&self) -> f64 {
        let second = self.probability * (1.0 + self.scv) * self.conditional_mean().powi(2);
        second - self.mean * self.mean
    }

    /// P(Wq > t).
    pub fn ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        if self.probability <= 0.0 || self.mean <= 0.0 {
            return 0.0;
        }
        self.probability * self.conditional(t / self.conditional_mean())
    }

    /// P(D > x E\[D\]).
    fn conditional(&self, x: f64) -> f64 {
        if self.scv > 1.0 {
            let p = 0.5 * (1.0 + ((self.scv - 1.0) / (self.scv + 1.0)).sqrt());
            return p * (-2.0 * p * x).exp() + (1.0 - p) * (-2.0 * (1.0 - p) * x).exp();
        }
        // The means (1 ± √(2c² − 1))/2 of the two times; equal from c² = 1/2 down.
        let gap = (2.0 * self.scv - 1.0).max(0.0).sqrt();
        let (long, short) = (0.5 * (1.0 + gap), 0.5 * (1.0 - gap));
        if gap < 1e-6 {
            return (1.0 + 2.0 * x) * (-2.0 * x).exp();
        }
        if short < 1e-12 {
            return (-x).exp();
        }
        (long * (-x / long).exp() - short * (-x / short).exp()) / gap
    }

    /// The p-quantile.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        let scale = self.mean.max(f64::MIN_POSITIVE);
        super::numeric::quantile(|t| self.ccdf(t), p, scale)
    }

    /// Whether the law that is taken has these moments: the least of its variabilities is ½.
    pub fn is_fitted(&self) -> bool {
        self.scv >= 0.5 - 1e-12
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::panels::integrate;
    use approx::assert_relative_eq;

    #[test]
    fn the_fitted_law_has_the_moments() {
        for scv in [0.5, 0.7, 0.9999, 1.0, 1.3, 9.0] {
            let wait = TwoMomentWait {
                probability: 0.6,
                mean: 2.0,
                scv,
            };
            let mean = integrate(&|t| wait.ccdf(t), 0.0, 1000.0, 1e-12);
            assert_relative_eq!(mean, 2.0, max_relative = 1e-6);
            let second = integrate(&|t| 2.0 * t * wait.ccdf(t), 0.0, 1000.0, 1e-12);
            assert_relative_eq!(second - 4.0, wait.variance(), max_relative = 1e-5);
        }
    }

    #[test]
    fn exponential_service_gives_exponential_waits() {
        for load in [0.1, 0.5, 0.99] {
            assert_relative_eq!(conditional_scv(load, 1.0), 1.0, max_relative = 1e-12);
        }
    }
}
