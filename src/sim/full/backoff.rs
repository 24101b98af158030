//! How long an order waits between a failed attempt and the next.

use crate::network::{Backoff, Failure};
use crate::random::{Stream, Uniforms, Variates};

/// The waits between the attempts at one stage.
#[derive(Debug)]
pub(crate) enum Backoffs {
    AtOnce,
    Law(Variates),
    Exponential {
        first: f64,
        factor: f64,
        longest: f64,
        jitter: Jitter,
    },
    /// Not empty.
    Table(Box<[f64]>),
}

impl Backoffs {
    pub(crate) fn new(failure: &Failure, stream: Stream) -> Backoffs {
        match &failure.backoff {
            Backoff::AtOnce => Backoffs::AtOnce,
            Backoff::Law(law) => Backoffs::Law(Variates::new(stream, law)),
            Backoff::Exponential {
                first,
                factor,
                jitter,
                longest,
            } => Backoffs::Exponential {
                first: *first,
                factor: *factor,
                longest: *longest,
                jitter: Jitter::new(*jitter, stream),
            },
            Backoff::Table(delays) => Backoffs::Table(delays.as_slice().into()),
        }
    }

    /// Seconds from the n-th failure of an order (n from 1) to its next attempt.
    #[inline]
    pub(crate) fn delay(&mut self, failures: u32) -> f64 {
        debug_assert!(failures > 0, "there was a failure");
        let before = failures - 1;
        match self {
            Backoffs::AtOnce => 0.0,
            Backoffs::Law(law) => law.next(),
            Backoffs::Exponential {
                first,
                factor,
                longest,
                jitter,
            } => {
                let power = i32::try_from(before).unwrap_or(i32::MAX);
                (*first * factor.powi(power)).min(*longest) * jitter.factor()
            }
            Backoffs::Table(delays) => delays[(before as usize).min(delays.len() - 1)],
        }
    }
}

/// A random factor around 1, so that those who failed together do not come back together.
#[derive(Debug)]
pub(crate) struct Jitter {
    share: f64,
    uniforms: Uniforms,
}

impl Jitter {
    fn new(share: f64, stream: Stream) -> Jitter {
        Jitter {
            share,
            uniforms: Uniforms::new(stream),
        }
    }

    /// Uniform between 1 − `share` and 1 + `share`; without a share nothing is drawn.
    fn factor(&mut self) -> f64 {
        if self.share == 0.0 {
            return 1.0;
        }
        1.0 + self.share * (2.0 * self.uniforms.next() - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{AfterFailure, Breaker, RetryPlace};
    use crate::random::Distribution;

    fn backoffs(backoff: Backoff) -> Backoffs {
        let failure = Failure {
            probability: vec![0.5],
            timeout: f64::INFINITY,
            attempts: 4,
            backoff,
            retry: RetryPlace::Tail,
            then: AfterFailure::Lost,
            breaker: Breaker::None,
        };
        Backoffs::new(&failure, Stream::new(1, 0, "stage.s.backoff"))
    }

    fn first(count: u32, backoff: Backoff) -> Vec<f64> {
        let mut backoffs = backoffs(backoff);
        (1..=count).map(|n| backoffs.delay(n)).collect()
    }

    fn exponential(factor: f64, jitter: f64, longest: f64) -> Backoff {
        Backoff::Exponential {
            first: 0.5,
            factor,
            jitter,
            longest,
        }
    }

    #[test]
    fn at_once_is_no_time() {
        assert_eq!(first(3, Backoff::AtOnce), [0.0; 3]);
    }

    #[test]
    fn a_table_goes_on_with_its_last_entry() {
        let table = Backoff::Table(vec![1.0, 5.0, 10.0]);
        assert_eq!(first(5, table), [1.0, 5.0, 10.0, 10.0, 10.0]);
    }

    #[test]
    fn waits_double_until_the_longest() {
        let delays = first(6, exponential(2.0, 0.0, 5.0));
        assert_eq!(delays, [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn no_number_of_failures_is_too_many() {
        let mut bounded = backoffs(exponential(3.0, 0.2, 60.0));
        assert!((48.0..72.0).contains(&bounded.delay(u32::MAX)));
        let mut constant = backoffs(exponential(1.0, 0.0, f64::INFINITY));
        assert_eq!(constant.delay(u32::MAX), 0.5);
        let mut endless = backoffs(exponential(2.0, 1.0, f64::INFINITY));
        assert_eq!(endless.delay(u32::MAX), f64::INFINITY);
    }

    /// Uniform on 0.8 to 1.2 of the nominal wait: mean 1, variance 0.4²/12.
    #[test]
    fn jitter_is_uniform_around_the_nominal_wait() {
        let mut backoffs = backoffs(exponential(2.0, 0.2, f64::INFINITY));
        const DRAWS: usize = 40_000;
        let factors: Vec<f64> = (0..DRAWS).map(|_| backoffs.delay(3) / 2.0).collect();
        assert!(factors.iter().all(|f| (0.8..1.2).contains(f)));
        let mean = factors.iter().sum::<f64>() / DRAWS as f64;
        let squares = factors.iter().map(|f| (f - mean).powi(2)).sum::<f64>();
        let variance = squares / DRAWS as f64;
        assert!((mean - 1.0).abs() < 0.003, "{mean}");
        assert!((variance / (0.16 / 12.0) - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn a_law_is_drawn_from_whatever_the_number_of_failures() {
        let law = Distribution::exponential(4.0).expect("a law");
        let mut expected = Variates::new(Stream::new(1, 0, "stage.s.backoff"), &law);
        let mut backoffs = backoffs(Backoff::Law(law));
        for n in [1, 7, 2, 1] {
            assert_eq!(backoffs.delay(n), expected.next());
        }
    }
}
