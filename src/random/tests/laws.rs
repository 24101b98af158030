//! Moments, distribution functions and quantiles.

use super::{assert_relative, atomic_laws, continuous_laws};
use crate::random::{DiscreteDistribution, Distribution};
use proptest::prelude::*;

fn example_phase_type() -> Distribution {
    let t = vec![
        vec![-3.0, 2.0, 0.5],
        vec![1.0, -4.0, 1.0],
        vec![0.0, 0.25, -1.0],
    ];
    Distribution::phase_type(vec![0.5, 0.3, 0.1], t).unwrap()
}

/// Expected values computed with 30 digits by mpmath 1.3 (gammainc, erfc, expm).
#[test]
fn probabilities_match_high_precision_values() {
    let gamma = Distribution::gamma(2.5, 0.4).unwrap();
    assert_relative(gamma.cdf(1.3), 0.739_441_544_089_254, 1e-12);
    assert_relative(gamma.quantile(0.99), 3.017_254_493_877_798, 1e-12);
    let small = Distribution::gamma(0.1, 3.0).unwrap();
    assert_relative(small.cdf(0.01), 0.594_040_002_268_629_2, 1e-12);
    let large = Distribution::gamma(500.0, 0.01).unwrap();
    assert_relative(large.ccdf(6.0), 1.225_594_233_062_290_4e-5, 1e-10);
    let erlang = Distribution::erlang_rate(4, 2.0).unwrap();
    assert_relative(erlang.ccdf(7.0), 4.742_485_461_287_349e-4, 1e-12);
    let lognormal = Distribution::lognormal(0.3, 1.2).unwrap();
    assert_relative(lognormal.cdf(2.0), 0.628_401_503_116_663_3, 1e-12);
    assert_relative(lognormal.ccdf(1000.0), 1.830_577_117_082_250_3e-8, 1e-10);
    assert_relative(lognormal.quantile(0.999), 55.052_031_615_496_81, 1e-12);
    let coxian = Distribution::coxian(vec![2.0, 0.25], vec![0.125]).unwrap();
    assert_relative(coxian.ccdf(1.5), 0.140_858_812_714_022_27, 1e-12);
    assert_relative(
        example_phase_type().ccdf(0.7),
        0.431_795_177_562_489_75,
        1e-12,
    );
    assert_relative(
        example_phase_type().ccdf(5.0),
        0.009_265_991_315_731_004,
        1e-12,
    );
}

/// Expected values from the same source (matrix inversion, quadrature, the gamma function).
#[test]
fn moments_match_high_precision_values() {
    let check = |law: Distribution, expected: [f64; 3]| {
        for (k, value) in (1..).zip(expected) {
            assert_relative(law.moment(k), value, 1e-13);
        }
    };
    let phase_type = [
        0.908_219_178_082_191_8,
        1.958_941_640_082_567,
        6.601_895_546_981_237,
    ];
    check(example_phase_type(), phase_type);
    let bounded = Distribution::bounded_pareto(1.5, 1.0, 100.0).unwrap();
    check(
        bounded,
        [2.702_702_702_702_702_7, 27.027_027_027_027_027, 1000.0],
    );
    let coxian = Distribution::coxian(vec![2.0, 0.25], vec![0.125]).unwrap();
    check(coxian, [1.0, 5.0, 55.5]);
    let weibull = Distribution::weibull(0.7, 2.0).unwrap();
    assert_relative(weibull.mean(), 2.531_647_012_114_566_6, 1e-13);
    let triangular = Distribution::triangular(0.0, 0.5, 1.0).unwrap();
    check(triangular, [0.5, 7.0 / 24.0, 3.0 / 16.0]);
}

#[test]
fn weibull_shapes_match_high_precision_roots() {
    for (scv, expected) in [
        (4.0, 0.542_692_561_286_453_4),
        (1e-5, 404.848_982_074_111_8),
    ] {
        let law = Distribution::weibull_mean_scv(3.0, scv).unwrap();
        let Distribution::Weibull { shape, .. } = law else {
            panic!("{law:?}")
        };
        assert_relative(shape, expected, 1e-10);
    }
}

/// E[X^k] = ∫ k x^(k−1) P(X > x) dx, by the trapezoidal rule in ln x.
#[test]
fn moments_agree_with_the_integral_of_the_distribution_function() {
    let step = 2e-3;
    for law in continuous_laws() {
        let center = law.mean().ln();
        let mut integrals = [0.0; 3];
        for i in -17_500..12_500 {
            let x = (center + step * f64::from(i)).exp();
            let tail = law.ccdf(x);
            for (k, integral) in (1..).zip(&mut integrals) {
                *integral += step * f64::from(k) * x.powi(k) * tail;
            }
        }
        for (k, integral) in (1..).zip(integrals) {
            assert_relative(integral, law.moment(k), 1e-5);
        }
        assert_relative(law.variance(), law.moment(2) - law.mean().powi(2), 1e-9);
    }
}

#[test]
fn quantiles_invert_the_distribution_function() {
    for law in continuous_laws() {
        for p in [1e-6, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999_999] {
            let x = law.quantile(p);
            assert!((law.cdf(x) - p).abs() < 1e-10, "{law:?} at {p}: {x}");
            assert!(
                (law.ccdf(x) + law.cdf(x) - 1.0).abs() < 1e-12,
                "{law:?} at {x}"
            );
        }
    }
}

#[test]
fn quantiles_of_atoms_are_the_atoms() {
    let [empirical, _, mixture, atom, constant]: [Distribution; 5] =
        atomic_laws().try_into().unwrap();
    assert_eq!(
        [0.0, 0.4, 0.41, 0.8, 1.0].map(|p| empirical.quantile(p)),
        [1.0, 1.0, 2.0, 3.0, 7.5]
    );
    // The exponential part reaches 0.75(1 − e^(−0.7)) = 0.378 at 0.7, the atom adds 0.25.
    assert_relative(mixture.quantile(0.38), 0.7, 1e-12);
    assert_relative(mixture.quantile(0.62), 0.7, 1e-12);
    assert!(mixture.quantile(0.63) > 0.7);
    assert_eq!((atom.quantile(0.4), atom.cdf(0.0)), (0.0, 0.4));
    assert_eq!(
        (
            constant.quantile(0.5),
            constant.cdf(0.3),
            constant.ccdf(0.3)
        ),
        (0.3, 1.0, 0.0)
    );
}

#[test]
fn the_ends_are_the_ends() {
    let mixture = &continuous_laws()[19];
    assert_eq!(
        (mixture.quantile(0.0), mixture.quantile(1.0)),
        (0.0, f64::INFINITY)
    );
    let bounded = Distribution::bounded_pareto(1.5, 1.0, 100.0).unwrap();
    assert_relative(bounded.quantile(1.0), 100.0, 1e-12);
    assert!(bounded.quantile(1.5).is_nan() && bounded.cdf(f64::NAN).is_nan());
    for law in continuous_laws() {
        assert_eq!((law.cdf(-1.0), law.ccdf(-1.0)), (0.0, 1.0));
        assert_eq!(
            (law.cdf(f64::INFINITY), law.ccdf(f64::INFINITY)),
            (1.0, 0.0),
            "{law:?}"
        );
    }
}

#[test]
fn heavy_tails_have_no_moments() {
    let moments = |shape| {
        let law = Distribution::pareto(shape, 1.0).unwrap();
        (law.mean(), law.variance(), law.scv(), law.moment(3))
    };
    let inf = f64::INFINITY;
    assert_eq!(moments(1.0), (inf, inf, inf, inf));
    assert_eq!(moments(2.0), (2.0, inf, inf, inf));
    // Shape 3: mean 3/2, variance 3/4.
    assert_eq!(moments(3.0), (1.5, 0.75, 1.0 / 3.0, inf));
}

#[test]
fn disguises_are_seen_through() {
    let rate = |law: Result<Distribution, _>| law.map(|law: Distribution| law.is_exponential());
    let gap = Distribution::exponential(4.0).unwrap();
    for law in [
        rate(Distribution::gamma_mean_scv(0.25, 1.0)),
        rate(Distribution::weibull(1.0, 0.25)),
        rate(Distribution::hyperexponential_mean_scv(0.25, 1.0)),
        rate(Distribution::hyperexponential(
            vec![1.0, 0.0],
            vec![4.0, 5.0],
        )),
        rate(Distribution::coxian(vec![4.0, 1.0], vec![0.0])),
        rate(Distribution::phase_type(vec![1.0], vec![vec![-4.0]])),
        rate(Distribution::mixture(
            vec![0.5, 0.5],
            vec![gap.clone(), gap.clone()],
        )),
        rate(Distribution::shifted(0.0, gap.clone())),
    ] {
        assert_eq!(law, Ok::<_, crate::random::ParameterError>(Some(4.0)));
    }
    let atom = Distribution::phase_type(vec![0.9], vec![vec![-4.0]]);
    assert_eq!(rate(atom), Ok(None));
    assert_eq!(rate(Distribution::shifted(0.1, gap)), Ok(None));
    let two = Distribution::deterministic(2.0).unwrap();
    let shifted = Distribution::shifted(1.5, two).unwrap();
    assert_eq!(
        (shifted.is_deterministic(), shifted.name()),
        (Some(3.5), "D".to_owned())
    );
}

#[test]
fn discrete_laws_have_their_moments() {
    let moments = |law: DiscreteDistribution| [1, 2, 3].map(|k| law.moment(k));
    // Σ k^j (1 − p)^(k−1) p for p = 1/4, summed until nothing is left.
    let sum = |j: i32| {
        (1..2000)
            .map(|k| f64::from(k).powi(j) * 0.75f64.powi(k - 1) * 0.25)
            .sum()
    };
    let expected: [f64; 3] = [sum(1), sum(2), sum(3)];
    for (found, expected) in moments(DiscreteDistribution::geometric(4.0).unwrap())
        .iter()
        .zip(expected)
    {
        assert_relative(*found, expected, 1e-12);
    }
    let finite = DiscreteDistribution::finite(vec![1, 5, 20], vec![0.5, 0.3, 0.2]).unwrap();
    assert_relative(finite.mean(), 6.0, 1e-15);
    assert_relative(finite.scv(), (88.0 - 36.0) / 36.0, 1e-14);
    let three = DiscreteDistribution::deterministic(3).unwrap();
    assert_eq!(
        (moments(three.clone()), three.scv()),
        ([3.0, 9.0, 27.0], 0.0)
    );
}

proptest! {
    /// Laws by mean and scv have that mean and that scv, to 1e-9 relative.
    #[test]
    fn two_moments_come_back(mean in 1e-6..1e6f64, scv in 1e-4..50.0f64) {
        let mut laws = vec![
            Distribution::gamma_mean_scv(mean, scv).unwrap(),
            Distribution::lognormal_mean_scv(mean, scv).unwrap(),
            Distribution::weibull_mean_scv(mean, scv).unwrap(),
            Distribution::pareto_mean_scv(mean, scv).unwrap(),
        ];
        laws.extend(Distribution::hyperexponential_mean_scv(mean, scv));
        laws.extend(Distribution::uniform_mean_scv(mean, scv));
        laws.extend(Distribution::erlang_mean_scv(mean, scv));
        prop_assert_eq!(laws.len(), 4 + usize::from(scv >= 1.0) + usize::from(scv <= 1.0 / 3.0));
        for law in laws {
            assert_relative(law.mean(), mean, 1e-12);
            assert_relative(law.scv(), scv, 1e-9);
        }
    }

    /// A phase-type law of one path is the Erlang law, however long its time.
    #[test]
    fn phases_in_series_are_erlang(shape in 1u32..6, rate in 1e-3..1e3f64, x in 0.0..5.0f64) {
        let erlang = Distribution::erlang_rate(shape, rate).unwrap();
        let series = vec![1.0; shape as usize - 1];
        let coxian = Distribution::coxian(vec![rate; shape as usize], series).unwrap();
        let time = x * erlang.mean();
        prop_assert!((erlang.cdf(time) - coxian.cdf(time)).abs() < 1e-11);
        assert_relative(coxian.moment(3), erlang.moment(3), 1e-12);
    }
}

#[test]
fn erlang_takes_the_whole_numbers_of_phases() {
    let law = Distribution::erlang_mean_scv(2.0, 1.0 / 3.0).unwrap();
    assert_eq!(law, Distribution::erlang(3, 2.0).unwrap());
    assert_eq!(law.name(), "E3");
}
