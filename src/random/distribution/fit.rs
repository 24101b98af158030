//! Constructors by mean and squared coefficient of variation (scv = variance / mean²), where two
//! moments fix the law.

use super::Distribution;
use super::bisect::bisect;
use super::construct::within_range;
use super::moments::weibull_log_moment_ratio;
use crate::random::error::{ParameterError, positive, representable};
use statrs::function::gamma::gamma;

type Checked = Result<Distribution, ParameterError>;

impl Distribution {
    /// Erlang with `mean` seconds and `scv` = 1/k for a whole number k of phases.
    ///
    /// # Errors
    /// `mean` or `scv` not above 0 or not finite, or 1/`scv` not a whole number (to 1e-6).
    pub fn erlang_mean_scv(mean: f64, scv: f64) -> Checked {
        let phases = 1.0 / positive_scv(scv)?;
        let shape = phases.round();
        let whole = (phases - shape).abs() <= 1e-6 * phases;
        if whole && (1.0..=f64::from(u32::MAX)).contains(&shape) {
            return Distribution::erlang(shape as u32, mean);
        }
        let message = format!(
            "`scv` of an Erlang law is 1/k for a whole number k of phases, such as 1, 0.5 or 0.25, \
             not {scv}; `gamma` takes any value"
        );
        Err(ParameterError::new("scv", message))
    }

    /// Uniform with `mean` seconds and `scv` at most 1/3: mean·(1 ± √(3·scv)).
    ///
    /// # Errors
    /// `mean` or `scv` not above 0 or not finite, or `scv` above 1/3.
    pub fn uniform_mean_scv(mean: f64, scv: f64) -> Checked {
        positive("mean", mean)?;
        let half_width = (3.0 * positive_scv(scv)?).sqrt();
        // 0.3333333333 is a third as far as a decimal can say it, and so is 0.3333333334.
        if half_width > 1.0 + 1e-9 {
            let message = format!(
                "`scv` of a uniform law of times is at most 1/3, not {scv}; beyond, it would reach \
                 below 0"
            );
            return Err(ParameterError::new("scv", message));
        }
        let half_width = half_width.min(1.0);
        Distribution::uniform(mean * (1.0 - half_width), mean * (1.0 + half_width))
    }

    /// Gamma with `mean` seconds and `scv`: shape 1/scv, scale mean·scv.
    ///
    /// # Errors
    /// `mean` or `scv` not above 0 or not finite, or parameters that overflow.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// let law = Distribution::gamma_mean_scv(0.04, 0.5).unwrap();
    /// assert_eq!(law, Distribution::gamma(2.0, 0.02).unwrap());
    /// ```
    pub fn gamma_mean_scv(mean: f64, scv: f64) -> Checked {
        positive("mean", mean)?;
        positive_scv(scv)?;
        let shape = representable("scv", "shape", 1.0 / scv)?;
        let scale = representable("scv", "scale", mean * scv)?;
        within_range("scv", Distribution::Gamma { shape, scale })
    }

    /// Lognormal with `mean` seconds and `scv`: σ² = ln(1 + scv), μ = ln mean − σ²/2.
    ///
    /// # Errors
    /// `mean` or `scv` not above 0 or not finite, or moments that overflow.
    pub fn lognormal_mean_scv(mean: f64, scv: f64) -> Checked {
        positive("mean", mean)?;
        let variance = positive_scv(scv)?.ln_1p();
        let mu = mean.ln() - variance / 2.0;
        let sigma = representable(
            "scv",
            "standard deviation of the logarithm",
            variance.sqrt(),
        )?;
        within_range("scv", Distribution::LogNormal { mu, sigma })
    }

    /// Weibull with `mean` seconds and `scv`. The shape k is the root of
    /// Γ(1 + 2/k)/Γ(1 + 1/k)² = 1 + scv, found by bisection to 1e-15 relative.
    ///
    /// # Errors
    /// `mean` or `scv` not above 0 or not finite, or `scv` beyond what a 64-bit float can hold.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// // Shape 2 is the Rayleigh law: scv = 4/π − 1.
    /// let scv = 4.0 / std::f64::consts::PI - 1.0;
    /// let law = Distribution::weibull_mean_scv(1.0, scv).unwrap();
    /// let Distribution::Weibull { shape, .. } = law else { unreachable!() };
    /// assert!((shape - 2.0).abs() < 1e-12);
    /// ```
    pub fn weibull_mean_scv(mean: f64, scv: f64) -> Checked {
        positive("mean", mean)?;
        let target = positive_scv(scv)?.ln_1p();
        let steepest = 84.0; // Γ(1 + 2·84) is near the largest float.
        if weibull_log_moment_ratio(steepest) < target {
            let message = format!("`scv` of {scv} is too large for a Weibull law; try `pareto`");
            return Err(ParameterError::new("scv", message));
        }
        let inverse = bisect(0.0, steepest, 1e-15, |x| {
            weibull_log_moment_ratio(x) >= target
        });
        let shape = representable("scv", "shape", 1.0 / inverse)?;
        let scale = representable("scv", "scale", mean / gamma(1.0 + inverse))?;
        within_range("scv", Distribution::Weibull { shape, scale })
    }

    /// Pareto with `mean` seconds and `scv`: shape α = 1 + √(1 + 1/scv), which is above 2, and
    /// scale mean·(α − 1)/α.
    ///
    /// # Errors
    /// `mean` or `scv` not above 0 or not finite.
    pub fn pareto_mean_scv(mean: f64, scv: f64) -> Checked {
        positive("mean", mean)?;
        let shape = 1.0 + (1.0 + 1.0 / positive_scv(scv)?).sqrt();
        representable("scv", "shape", shape)?;
        if shape <= 2.0 {
            let message = format!("`scv` of {scv} is too large for a Pareto law to compute with");
            return Err(ParameterError::new("scv", message));
        }
        let scale = representable("mean", "scale", mean * ((shape - 1.0) / shape))?;
        within_range("mean", Distribution::Pareto { shape, scale })
    }

    /// Hyperexponential of two phases with `mean` seconds, `scv` of at least 1 and balanced means
    /// (each phase brings half of the mean): p = (1 + √((scv − 1)/(scv + 1)))/2, rates 2p/mean
    /// and 2(1 − p)/mean.
    ///
    /// # Errors
    /// `mean` not above 0, `scv` below 1, or one of them not finite.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// let law = Distribution::hyperexponential_mean_scv(1.0, 4.0).unwrap();
    /// assert!((law.mean() - 1.0).abs() < 1e-15 && (law.scv() - 4.0).abs() < 1e-14);
    /// ```
    pub fn hyperexponential_mean_scv(mean: f64, scv: f64) -> Checked {
        positive("mean", mean)?;
        if !(scv >= 1.0 && scv.is_finite()) {
            let message = format!(
                "`scv` of a hyperexponential law must be finite and at least 1, not {scv}; below 1 \
                 use `gamma` or `erlang`"
            );
            return Err(ParameterError::new("scv", message));
        }
        let root = ((scv - 1.0) / (scv + 1.0)).sqrt();
        let common = (1.0 + root) / 2.0;
        // The same as 1 − common, without cancellation for large scv.
        let rare = 1.0 / ((scv + 1.0) * (1.0 + root));
        let rates = vec![2.0 * common / mean, 2.0 * rare / mean];
        for &rate in &rates {
            representable("scv", "rate of a phase", rate)?;
        }
        let probabilities = vec![common, rare];
        let law = Distribution::Hyperexponential {
            probabilities,
            rates,
        };
        within_range("scv", law)
    }
}

fn positive_scv(scv: f64) -> Result<f64, ParameterError> {
    if scv == 0.0 {
        let message = "`scv` must be above 0; a law without variation is `deterministic`";
        return Err(ParameterError::new("scv", message));
    }
    positive("scv", scv)
}
