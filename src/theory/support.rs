//! Where a law's distribution function is not smooth, and how fast its tail falls: what numerical
//! integration over a law needs to know.

use super::panels::{gauss, integrate};
use crate::random::Distribution;

/// Share of an integral at which the rest of the tail counts as nothing.
const NOTHING: f64 = 1e-16;
/// Relative error of an integral.
const TOLERANCE: f64 = 1e-13;

/// The points where P(X > x) steps or bends, in ascending order, 0 left out.
pub(super) fn cuts(law: &Distribution) -> Vec<f64> {
    let mut points = bends(law);
    points.retain(|x| *x > 0.0);
    points.sort_unstable_by(f64::total_cmp);
    points.dedup();
    points
}

fn bends(law: &Distribution) -> Vec<f64> {
    match law {
        Distribution::Deterministic { value } => vec![*value],
        Distribution::Uniform { low, high } | Distribution::BoundedPareto { low, high, .. } => {
            vec![*low, *high]
        }
        Distribution::Triangular { low, mode, high } => vec![*low, *mode, *high],
        Distribution::Pareto { scale, .. } => vec![*scale],
        Distribution::Empirical { values } => values.to_vec(),
        Distribution::Mixture { components, .. } => components.iter().flat_map(bends).collect(),
        Distribution::Shifted { by, of } => {
            let moved = bends(of).into_iter().map(|x| x + by);
            moved.chain([*by]).collect()
        }
        Distribution::Exponential { .. }
        | Distribution::Erlang { .. }
        | Distribution::Gamma { .. }
        | Distribution::LogNormal { .. }
        | Distribution::Weibull { .. }
        | Distribution::Hyperexponential { .. }
        | Distribution::Coxian { .. }
        | Distribution::PhaseType { .. } => Vec::new(),
    }
}

/// The largest s below which E\[e^(sX)\] is finite (0 for heavy tails); `None` where it is not known.
pub(super) fn growth_limit(law: &Distribution) -> Option<f64> {
    let least = |rates: &[f64]| rates.iter().copied().fold(f64::INFINITY, f64::min);
    Some(match law {
        Distribution::Exponential { rate } | Distribution::Erlang { rate, .. } => *rate,
        Distribution::Gamma { scale, .. } => 1.0 / scale,
        Distribution::LogNormal { .. } | Distribution::Pareto { .. } => 0.0,
        Distribution::Weibull { shape, scale } => match shape.total_cmp(&1.0) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 1.0 / scale,
            std::cmp::Ordering::Greater => f64::INFINITY,
        },
        Distribution::Hyperexponential { rates, .. } | Distribution::Coxian { rates, .. } => {
            least(rates)
        }
        Distribution::PhaseType { .. } => return None,
        Distribution::Mixture { components, .. } => {
            let limits: Option<Vec<f64>> = components.iter().map(growth_limit).collect();
            least(&limits?)
        }
        Distribution::Shifted { of, .. } => growth_limit(of)?,
        Distribution::Deterministic { .. }
        | Distribution::Uniform { .. }
        | Distribution::BoundedPareto { .. }
        | Distribution::Triangular { .. }
        | Distribution::Empirical { .. } => f64::INFINITY,
    })
}

/// ∫₀^∞ slope(x) P(X > x) dx, which is E\[g(X)\] − g(0) for g with this slope. The slope must be positive,
/// smooth, and grow slowly enough for the integral to be finite.
pub(super) fn mean_of_slope(law: &Distribution, slope: impl Fn(f64) -> f64) -> f64 {
    let f = |x: f64| slope(x) * law.ccdf(x);
    let mut total = 0.0;
    let mut from = 0.0;
    for cut in cuts(law) {
        total += piece(&f, from, cut, total);
        from = cut;
    }
    let mut width = law.mean().max(f64::MIN_POSITIVE);
    for _ in 0..1000 {
        let part = piece(&f, from, from + width, total);
        total += part;
        if part <= NOTHING * total {
            break;
        }
        (from, width) = (from + width, 1.5 * width);
    }
    total
}

fn piece(f: &impl Fn(f64) -> f64, a: f64, b: f64, before: f64) -> f64 {
    let scale = before + gauss(f, a, b).abs();
    integrate(f, a, b, TOLERANCE * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_slope_of_2x_gives_the_second_moment() {
        let laws = [
            Distribution::exponential(2.0),
            Distribution::deterministic(0.7),
            Distribution::uniform(0.5, 1.5),
            Distribution::erlang(3, 1.2),
            Distribution::hyperexponential_mean_scv(1.0, 4.0),
            Distribution::lognormal_mean_scv(1.0, 2.0),
            Distribution::triangular(0.0, 1.0, 3.0),
            Distribution::empirical(vec![0.1, 0.5, 3.0]),
            Distribution::shifted(0.3, Distribution::exponential(1.0).unwrap()),
        ];
        for law in laws.map(Result::unwrap) {
            let second = mean_of_slope(&law, |x| 2.0 * x);
            assert_relative_eq!(second, law.moment(2), max_relative = 1e-8);
        }
    }

    #[test]
    fn tails_of_different_weight() {
        let limit = |law: Result<Distribution, _>| {
            let law: Result<Distribution, crate::random::ParameterError> = law;
            growth_limit(&law.unwrap())
        };
        assert_eq!(limit(Distribution::exponential(2.0)), Some(2.0));
        assert_eq!(limit(Distribution::lognormal(0.0, 1.0)), Some(0.0));
        assert_eq!(limit(Distribution::deterministic(1.0)), Some(f64::INFINITY));
    }
}
