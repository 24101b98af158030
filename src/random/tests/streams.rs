//! Frozen bits. If these change, every result of every scenario changes: give the derivation a new
//! version label then.

use super::{atomic_laws, continuous_laws};
use crate::random::{ArrivalStream, Arrivals, Distribution, Stream, Uniforms, Variates};

/// Computed by an independent program from SHA-256 and the published xoshiro256++ step.
#[test]
fn bits_are_those_of_the_published_algorithms() {
    let cases = [
        (
            7,
            0,
            "service",
            [
                0x90dbe7cbb50042c1,
                0xb5778231e8f20b06,
                0x74e22243265e9b91,
                0x6fe3a19deaa3d88c,
            ],
        ),
        (
            7,
            1,
            "service",
            [
                0x53801f45e32d21b4,
                0xf6feb2fe366256e9,
                0x513dfac60f0390dd,
                0xb8d7ee78b645e3b7,
            ],
        ),
        (
            8,
            0,
            "service",
            [
                0x4a461a8f0638598b,
                0x63ea757394051c22,
                0x633052c3fb049aff,
                0x26c7dd83164c372a,
            ],
        ),
        (
            7,
            0,
            "routing",
            [
                0xfa33b59950735d7f,
                0x7a29bc4325f352fb,
                0xeaacb95690ea8e6a,
                0x15af12bd4eb56de7,
            ],
        ),
    ];
    for (seed, replication, part, expected) in cases {
        let mut stream = Stream::new(seed, replication, &format!("stage.payment.{part}"));
        let words: Vec<u64> = (0..1000).map(|_| stream.bits()).collect();
        assert_eq!([0, 1, 16, 999].map(|n| words[n]), expected, "{seed} {part}");
    }
}

/// However many numbers are asked for at a time, in vector instructions or not.
#[test]
fn uniform_numbers_are_the_same_in_any_portions() {
    let mut one_by_one = Stream::new(1, 2, "x");
    let mut together = one_by_one.clone();
    for size in [1, 15, 16, 0, 17, 3, 768, 13, 100, 64, 1] {
        let mut block = vec![0.0; size];
        if size % 2 == 0 {
            together.fill(&mut block);
        } else {
            together.uniforms(&mut block);
        }
        assert!(block.into_iter().all(|u| u == one_by_one.uniform()));
        assert_eq!(together.bits(), one_by_one.bits());
    }
}

#[test]
fn blocks_do_not_change_the_sequence() {
    let mut stream = Stream::new(1, 2, "x");
    let mut uniforms = Uniforms::new(stream.clone());
    for _ in 0..1000 {
        assert_eq!(uniforms.next(), stream.uniform());
    }
}

/// Of 2000 values of each law and of as many arrival times. The same in every profile and on every
/// processor; when they change, so do all results.
#[test]
fn values_are_those_of_this_version() {
    let checksum = |values: &mut dyn Iterator<Item = f64>| {
        values.take(2000).fold(0u64, |sum, value| {
            sum.rotate_left(1).wrapping_add(value.to_bits())
        })
    };
    let cases = [
        (Distribution::exponential(20.0), 0x8297a7d631147a2b),
        (Distribution::uniform(0.5, 1.5), 0x3f259cb58f2c6b5b),
        (Distribution::erlang(4, 2.0), 0x77f985314cd8a020),
        (Distribution::gamma(2.5, 0.4), 0xdcb1ee51e7bf7705),
        (Distribution::gamma(0.3, 2.0), 0x376120d2da57e364),
        (Distribution::lognormal(-1.0, 0.7), 0x52c1e53182e867d1),
        (Distribution::weibull(1.5, 2.0), 0xe42ea22ae9c27bd6),
        (Distribution::pareto(5.0, 1.0), 0x00e62b97b949676a),
        (
            Distribution::hyperexponential(vec![0.2, 0.0, 0.8], vec![0.2, 9.0, 0.8]),
            0xd17f02e8a1c8ef95,
        ),
        (
            Distribution::coxian(vec![3.0, 2.0, 1.0], vec![0.5, 0.5]),
            0x66f4b153d2b00b0b,
        ),
        (Distribution::triangular(0.5, 1.0, 3.0), 0xbb5fd37867f9dd8c),
    ];
    for (law, expected) in cases {
        let law = law.unwrap();
        let mut variates = Variates::new(Stream::new(7, 0, "stage.payment.service"), &law);
        let found = checksum(&mut std::iter::repeat_with(|| variates.next()));
        assert_eq!(found, expected, "{law:?}: {found:#018x}");
    }
    let mut arrivals = ArrivalStream::new(&Arrivals::poisson(3.0).unwrap(), 7, 0, "web");
    assert_eq!(checksum(&mut arrivals), 0xe73b46e050977237);
}

/// However values are asked for, one by one or together, they are the same.
#[test]
fn any_split_gives_the_same_sequence() {
    let sizes = [1, 7, 768, 5, 1000, 0, 767, 2, 300, 3];
    for law in continuous_laws().into_iter().chain(atomic_laws()) {
        let mut one_by_one = Variates::new(Stream::new(3, 0, "x"), &law);
        let mut together = one_by_one.clone();
        for (round, size) in sizes.into_iter().enumerate() {
            let values = together.take(size).to_vec();
            assert!(values.len() <= size && (size == 0 || !values.is_empty()));
            assert!(values.into_iter().all(|value| value == one_by_one.next()));
            if round % 3 == 0 {
                assert_eq!(together.next(), one_by_one.next(), "{law:?}");
            }
        }
    }
}

/// A faster server needs the same draws, scaled: the basis of common random numbers.
#[test]
fn a_rate_scales_the_same_draws() {
    let values = |rate| {
        let law = Distribution::exponential(rate).unwrap();
        let mut variates = Variates::new(Stream::new(1, 0, "x"), &law);
        (0..1000).map(move |_| variates.next())
    };
    assert!(
        values(1.0)
            .zip(values(4.0))
            .all(|(slow, fast)| slow == 4.0 * fast)
    );
}

#[test]
fn below_reaches_every_number_and_no_more() {
    let mut stream = Stream::new(1, 0, "x");
    let mut counts = [0; 5];
    for _ in 0..5000 {
        counts[stream.below(5)] += 1;
    }
    // Chi-square with 4 degrees of freedom: 23.5 is its 1 − 1e-4 quantile.
    let chi_square: f64 = counts
        .iter()
        .map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0)
        .sum();
    assert!(chi_square < 23.5, "{counts:?}");
}
