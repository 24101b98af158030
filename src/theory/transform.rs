//! Laplace–Stieltjes transforms E\[e^(−sX)\] of the laws that have a closed one.

use crate::random::Distribution;
use nalgebra::{DMatrix, DVector};

/// E\[e^(−sX)\] for s > 0; `None` for laws without a closed form (lognormal, Weibull, Pareto).
pub(super) fn laplace(law: &Distribution, s: f64) -> Option<f64> {
    let phase = |rate: f64| rate / (rate + s);
    Some(match law {
        Distribution::Exponential { rate } => phase(*rate),
        Distribution::Deterministic { value } => (-s * value).exp(),
        Distribution::Uniform { low, high } => {
            let width = s * (high - low);
            (-s * low).exp() * -(-width).exp_m1() / width
        }
        Distribution::Erlang { shape, rate } => phase(*rate).powf(f64::from(*shape)),
        Distribution::Gamma { shape, scale } => (-shape * (s * scale).ln_1p()).exp(),
        Distribution::Hyperexponential {
            probabilities,
            rates,
        } => probabilities
            .iter()
            .zip(rates)
            .map(|(p, &rate)| p * phase(rate))
            .sum(),
        Distribution::Coxian {
            rates,
            probabilities,
        } => coxian(rates, probabilities, phase),
        Distribution::PhaseType { alpha, t } => phase_type(alpha, t, s)?,
        Distribution::Mixture {
            weights,
            components,
        } => {
            let parts = weights.iter().zip(components);
            parts
                .map(|(w, part)| Some(w * laplace(part, s)?))
                .sum::<Option<f64>>()?
        }
        Distribution::Empirical { values } => {
            values.iter().map(|x| (-s * x).exp()).sum::<f64>() / values.len() as f64
        }
        Distribution::Shifted { by, of } => (-s * by).exp() * laplace(of, s)?,
        _ => return None,
    })
}

/// From the last phase to the first: T_i (1 − p_i + p_i × the rest).
fn coxian(rates: &[f64], probabilities: &[f64], phase: impl Fn(f64) -> f64) -> f64 {
    let on = probabilities.iter().copied().chain([0.0]);
    let phases: Vec<(f64, f64)> = rates.iter().copied().zip(on).collect();
    phases
        .iter()
        .rev()
        .fold(1.0, |rest, &(rate, p)| phase(rate) * (1.0 - p + p * rest))
}

/// α (sI − T)⁻¹ (−T1), and the atom at 0.
fn phase_type(alpha: &[f64], t: &[Vec<f64>], s: f64) -> Option<f64> {
    let n = alpha.len();
    let matrix = DMatrix::from_fn(n, n, |i, j| if i == j { s } else { 0.0 } - t[i][j]);
    let exit = DVector::from_fn(n, |i, _| -t[i].iter().sum::<f64>());
    let absorbed = matrix.lu().solve(&exit)?;
    let atom = 1.0 - alpha.iter().sum::<f64>();
    Some(atom.max(0.0) + alpha.iter().zip(&absorbed).map(|(a, x)| a * x).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_slope_at_0_is_the_mean() {
        let laws = [
            Distribution::exponential(2.0),
            Distribution::deterministic(0.7),
            Distribution::uniform(0.5, 1.5),
            Distribution::erlang(3, 1.2),
            Distribution::gamma(0.4, 2.0),
            Distribution::hyperexponential_mean_scv(1.0, 4.0),
            Distribution::coxian(vec![2.0, 0.25], vec![0.125]),
            Distribution::phase_type(vec![0.5, 0.3], vec![vec![-1.0, 0.4], vec![0.6, -1.0]]),
            Distribution::empirical(vec![0.1, 0.5, 3.0]),
            Distribution::shifted(0.3, Distribution::exponential(1.0).unwrap()),
        ];
        for law in laws.map(Result::unwrap) {
            let step = 1e-6;
            let slope = (1.0 - laplace(&law, step).unwrap()) / step;
            assert_relative_eq!(slope, law.mean(), max_relative = 1e-4);
        }
    }
}
