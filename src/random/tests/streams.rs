//! Frozen bits. If these change, every result of every scenario changes: give the derivation a new
//! version label then.

use super::{atomic_laws, continuous_laws};
use crate::random::{Distribution, Stream, Uniforms, Variates};

/// Computed by an independent program from SHA-256 and the published xoshiro256++ step.
#[test]
fn bits_are_those_of_the_published_algorithms() {
    let cases = [
        (7, 0, "service", [0x3468f32354f5595d, 0x06f1ec7ff331b7bb]),
        (7, 1, "service", [0x0bf71106b411f8f0, 0x422aab1c0e723f2b]),
        (8, 0, "service", [0x612d0365e326ca9a, 0x13c9f8b25353ae85]),
        (7, 0, "routing", [0x7babc4cc1bcd143d, 0x8d187b66e2e4ee63]),
    ];
    for (seed, replication, part, bits) in cases {
        let mut stream = Stream::new(seed, replication, &format!("stage.payment.{part}"));
        assert_eq!([stream.bits(), stream.bits()], bits, "{seed} {part}");
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
