//! How long an order waits that others overtake: priorities, and last in, first out.
//!
//! # Formula
//! Work V is found; it and whatever overtakes meanwhile must be done first, so the wait is the busy period
//! that V starts with the orders that overtake: E\[e^(−sWq)\] = E\[e^(−νV)\] with ν = s + B and
//! B = Σ λ_i(1 − φ_i(s + B)) over these. Under priorities V is the wait of M/G/1 with the levels up to the
//! order's own, where lower levels are vacations; last in, first out it is what is left of the service
//! that is going on. With c consumers and one exponential law V is exponential if there is any.
//!
//! # Numerics
//! All is written in 1 − φ and sE\[S\] − 1 + φ, which do not cancel near s = 0. B by the secant method from
//! a few steps of the equation itself; closed where one exponential law overtakes. Laws that are smooth
//! only, so that the inversion takes few terms.
//!
//! # References
//! L. Takács (1964), *Priority queues*, Operations Research 12, 63–74; (1963), Bell System Technical
//! Journal 42, 487–503 (last in, first out); O. Kella, U. Yechiali (1985), Stochastic Models 1 (M/M/c).

use super::image::{Image, Wave};
use super::inversion::{Inverted, SETTING, invert, sure_quantile};
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind};
use crate::metric::TimeKind;
use crate::random::Distribution;
use std::sync::Arc;

/// Agreement asked of two sums of the inversion.
const CLOSE: f64 = 1e-11;
/// Phases of a phase-type law up to which its transform is quick.
const QUICK: usize = 12;
/// A law that varies less than this is nearly fixed, and its transform falls too slowly.
const SPREAD: f64 = 0.02;
const ZERO: Wave = Wave::new(0.0, 0.0);

/// Orders that come at some rate with some law.
pub(super) type Stream = (f64, Distribution);

/// The work that an order finds.
#[derive(Debug, Clone)]
enum Found {
    /// That of M/G/1: all that hold up, those of them taken in turn, and the share of time left.
    Work {
        seen: Vec<Stream>,
        in_turn: Vec<Stream>,
        left: f64,
    },
    /// Exponential of this rate.
    Exponential(f64),
}

/// The wait of one kind of order.
#[derive(Debug, Clone)]
pub(super) struct Overtaken {
    wait_probability: f64,
    found: Found,
    overtaking: Vec<Stream>,
    /// A time of the order of the wait.
    scale: f64,
}

/// What comes after the wait.
#[derive(Debug, Clone)]
pub(super) enum Stay {
    /// A service that is not interrupted.
    Whole(Distribution),
    /// One that those that overtake interrupt.
    Interrupted(Distribution),
}

/// Whether a law's transform is quick and falls fast.
pub(super) fn is_smooth(law: &Distribution) -> bool {
    match law {
        Distribution::Exponential { .. } | Distribution::Hyperexponential { .. } => true,
        Distribution::Erlang { .. } | Distribution::Gamma { .. } => law.scv() >= SPREAD,
        Distribution::Coxian { rates, .. } => rates.len() <= QUICK && law.scv() >= SPREAD,
        Distribution::PhaseType { alpha, .. } => {
            let whole = alpha.iter().sum::<f64>() > 1.0 - 1e-12;
            whole && alpha.len() <= QUICK && law.scv() >= SPREAD
        }
        Distribution::Mixture { components, .. } => components.iter().all(is_smooth),
        _ => false,
    }
}

impl Overtaken {
    /// M/G/1: the streams that hold up a newcomer, those of them that are taken in turn before it, those
    /// that overtake it, the probability and the mean of the wait; `None` for laws that are not smooth.
    pub fn general(
        seen: Vec<Stream>,
        in_turn: Vec<Stream>,
        overtaking: Vec<Stream>,
        wait_probability: f64,
        mean: f64,
    ) -> Option<Overtaken> {
        let all = || seen.iter().chain(&in_turn).chain(&overtaking);
        if !all().all(|(_, law)| is_smooth(law)) {
            return None;
        }
        let load: f64 = in_turn.iter().map(|(rate, law)| rate * law.mean()).sum();
        let left = 1.0 - load;
        Some(Overtaken {
            wait_probability,
            found: Found::Work {
                seen,
                in_turn,
                left,
            },
            overtaking,
            scale: mean / wait_probability,
        })
    }

    /// M/M/c: the work found is exponential with the given rate, and all that overtake come at one
    /// rate and are served at cμ.
    pub fn markov(wait_probability: f64, found: f64, overtaking: f64, capacity: f64) -> Overtaken {
        let law = Distribution::Exponential { rate: capacity };
        Overtaken {
            wait_probability,
            found: Found::Exponential(found),
            overtaking: vec![(overtaking, law)],
            scale: 1.0 / (found * (1.0 - overtaking / capacity)),
        }
    }

    /// P(Wq > t).
    pub fn waiting(&self, t: f64, setting: f64) -> Inverted {
        if t < 0.0 {
            return Inverted::known(1.0);
        }
        if t == 0.0 {
            return Inverted::known(self.wait_probability);
        }
        let tail = |s: Wave| self.waited(s).map_or(NOTHING, |(waited, _)| waited / s);
        invert(tail, t, setting, CLOSE)
    }

    /// P(W > t).
    pub fn sojourn(&self, stay: &Stay, t: f64, setting: f64) -> Inverted {
        if t <= 0.0 {
            return Inverted::known(1.0);
        }
        let never = 1.0 - self.wait_probability;
        let law = match stay {
            Stay::Whole(law) | Stay::Interrupted(law) => law,
        };
        let tail = |s: Wave| {
            let (waited, passed) = self.waited(s)?;
            let own = Image::new(
                law,
                if matches!(stay, Stay::Whole(_)) {
                    s
                } else {
                    passed
                },
            )?;
            Some(match stay {
                // Without a wait it is the service alone, which needs no inversion.
                Stay::Whole(_) => (waited + (1.0 - never - waited) * own.lost) / s,
                Stay::Interrupted(_) => (waited + own.lost - waited * own.lost) / s,
            })
        };
        let rest = invert(|s| tail(s).unwrap_or(NOTHING), t, setting, CLOSE);
        match stay {
            Stay::Whole(law) => rest.plus(Inverted::known(never * law.ccdf(t))),
            Stay::Interrupted(_) => rest,
        }
    }

    /// 1 − E\[e^(−sWq)\], and ν.
    fn waited(&self, s: Wave) -> Option<(Wave, Wave)> {
        let passed = s + overtakers(&self.overtaking, s)?;
        let waited = match &self.found {
            Found::Exponential(rate) => self.wait_probability * passed / (passed + *rate),
            Found::Work {
                seen,
                in_turn,
                left,
            } => bends(seen, passed)? / (passed * *left + bends(in_turn, passed)?),
        };
        Some((waited, passed))
    }
}

const NOTHING: Wave = Wave::new(f64::NAN, 0.0);

/// A mixture of orders, each with its share; what comes after the wait may not be known.
#[derive(Debug, Clone)]
pub(super) struct Mixed {
    parts: Vec<(f64, Overtaken, Option<Stay>)>,
}

impl Mixed {
    pub fn new(parts: Vec<(f64, Overtaken, Option<Stay>)>) -> Mixed {
        Mixed { parts }
    }

    fn waiting(&self, t: f64, setting: f64) -> Inverted {
        let parts = self.parts.iter();
        let terms = parts.map(|(share, wait, _)| wait.waiting(t, setting).times(*share));
        terms.fold(Inverted::known(0.0), Inverted::plus)
    }

    fn sojourn(&self, t: f64, setting: f64) -> Inverted {
        let parts = self.parts.iter();
        let terms = parts.map(|(share, wait, stay)| match stay {
            Some(stay) => wait.sojourn(stay, t, setting).times(*share),
            None => Inverted::known(f64::NAN),
        });
        terms.fold(Inverted::known(0.0), Inverted::plus)
    }

    fn stays(&self) -> bool {
        self.parts.iter().all(|(.., stay)| stay.is_some())
    }

    /// A time of the order of the quantile.
    fn guess(&self, target: f64) -> f64 {
        let guesses = self.parts.iter().map(|(_, wait, stay)| {
            let service = match stay {
                Some(Stay::Whole(law) | Stay::Interrupted(law)) => law.mean(),
                None => 0.0,
            };
            service - wait.scale * target.ln()
        });
        guesses.fold(0.0, f64::max)
    }

    /// The quantiles of the wait, and where it is known of the sojourn.
    pub fn quantiles(&self, source: Source, formulas: [&'static str; 2]) -> Figures {
        let waits = self.waiting(0.0, SETTING).value;
        let wait = |p: f64| match waits <= 1.0 - p {
            true => Some(0.0),
            false => sure_quantile(|t, a| self.waiting(t, a), p, self.guess(1.0 - p)),
        };
        let mut sheet = Sheet::new(source);
        sheet.quantiles(TimeKind::Waiting, wait, formulas[0]);
        if self.stays() {
            let sojourn = |p| sure_quantile(|t, a| self.sojourn(t, a), p, self.guess(1.0 - p));
            sheet.quantiles(TimeKind::Sojourn, sojourn, formulas[1]);
        }
        sheet.finish()
    }

    /// P(Wq > t), and where it is known P(W > t).
    pub fn curves(self, source: Source, formulas: [&'static str; 2]) -> (Curve, Option<Curve>) {
        let curve = |formula, ccdf: Arc<dyn Fn(f64) -> f64 + Send + Sync>| Curve {
            kind: Kind::Exact,
            formula,
            reference: source.reference,
            ccdf,
        };
        let (stays, all) = (self.stays(), Arc::new(self));
        let waits = all.clone();
        let waiting = move |t: f64| waits.waiting(t, SETTING).value.clamp(0.0, 1.0);
        let sojourn = move |t: f64| all.sojourn(t, SETTING).value.clamp(0.0, 1.0);
        (
            curve(formulas[0], Arc::new(waiting)),
            stays.then(|| curve(formulas[1], Arc::new(sojourn))),
        )
    }
}

/// Σ λ(sE\[S\] − 1 + φ(s)).
fn bends(streams: &[Stream], s: Wave) -> Option<Wave> {
    let mut terms = streams.iter();
    terms.try_fold(ZERO, |sum, (rate, law)| {
        Some(sum + *rate * Image::new(law, s)?.bend)
    })
}

/// B.
fn overtakers(streams: &[Stream], s: Wave) -> Option<Wave> {
    match streams {
        [] => Some(ZERO),
        [(rate, Distribution::Exponential { rate: served })] => {
            // B² + (μ + s − λ)B − λs = 0, the root that is λ(1 − φ) with |φ| ≤ 1.
            let half = 0.5 * (s + (served - rate));
            let root = (half * half + s * *rate).sqrt();
            let below = if (half + root).norm_sqr() >= (half - root).norm_sqr() {
                half + root
            } else {
                half - root
            };
            Some(s * *rate / below)
        }
        _ => by_secant(streams, s),
    }
}

fn by_secant(streams: &[Stream], s: Wave) -> Option<Wave> {
    let next = |b: Wave| {
        let mut terms = streams.iter();
        terms.try_fold(ZERO, |sum, (rate, law)| {
            Some(sum + *rate * Image::new(law, s + b)?.lost)
        })
    };
    let total: f64 = streams.iter().map(|(rate, _)| *rate).sum();
    // From φ = 0 the equation itself leads to the right root, slowly near ρ = 1.
    let mut before = Wave::new(total, 0.0);
    for _ in 0..4 {
        before = next(before)?;
    }
    let mut here = next(before)?;
    let mut off = before - here;
    for _ in 0..60 {
        let off_here = here - next(here)?;
        let change = off_here * (here - before) / (off_here - off);
        if off_here.norm_sqr() <= 1e-30 * here.norm_sqr() || !change.is_finite() {
            // φ must be that of a time.
            let phi = 1.0 - here / total;
            return (phi.norm_sqr() <= 1.0 + 1e-9).then_some(here);
        }
        (before, off) = (here, off_here);
        here -= change;
        if change.norm_sqr() <= 1e-31 * here.norm_sqr() {
            let phi = 1.0 - here / total;
            return (phi.norm_sqr() <= 1.0 + 1e-9).then_some(here);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::quadrature::integrate;
    use crate::theory::{Interruption, Mg1, Mg1Priority, MmcPriority, PriorityStream, Turn};
    use approx::assert_relative_eq;

    fn exponential(mean: f64) -> Distribution {
        Distribution::exponential_mean(mean).unwrap()
    }

    /// The first two moments of a tail.
    fn moments(tail: impl Fn(f64) -> f64, scale: f64) -> (f64, f64) {
        let points: Vec<f64> = (0..40)
            .map(|k| scale * f64::from(k * k) / 4.0 + 1e-12)
            .collect();
        let both = integrate(
            |t| {
                let value = tail(t);
                [value, 2.0 * t * value]
            },
            &points,
            1e-5,
        );
        (both.values[0], both.values[1])
    }

    #[test]
    fn last_in_first_out_has_takacs_s_moments() {
        let law = Distribution::erlang(2, 1.0).unwrap();
        let plain = Mg1::new(0.6, (&law).into()).unwrap();
        let all = vec![(0.6, law)];
        let queue =
            Overtaken::general(all.clone(), vec![], all, 0.6, plain.waiting_mean()).unwrap();
        let (mean, second) = moments(|t| queue.waiting(t, SETTING).value, 1.0);
        assert_relative_eq!(mean, plain.waiting_mean(), max_relative = 1e-6);
        let variance = plain.waiting_variance(Turn::LastIn).unwrap();
        assert_relative_eq!(second - mean * mean, variance, max_relative = 1e-5);
    }

    #[test]
    fn one_consumer_is_the_same_both_ways() {
        let law = exponential(1.0);
        let all = vec![(0.7, law.clone())];
        let general = Overtaken::general(all.clone(), vec![], all, 0.7, 7.0 / 3.0).unwrap();
        let markov = Overtaken::markov(0.7, 1.0, 0.7, 1.0);
        for t in [0.2, 3.0, 30.0] {
            let (a, b) = (
                general.waiting(t, SETTING).value,
                markov.waiting(t, SETTING).value,
            );
            assert_relative_eq!(a, b, max_relative = 1e-7);
        }
    }

    #[test]
    fn nobody_overtakes_the_first_level_of_m_m_c() {
        let first = Overtaken::markov(0.6, 2.0, 0.0, 4.0);
        for t in [0.1, 1.0, 3.0] {
            let known = 0.6 * (-2.0_f64 * t).exp();
            assert_relative_eq!(first.waiting(t, SETTING).value, known, max_relative = 1e-6);
        }
    }

    #[test]
    fn both_levels_have_their_moments() {
        let laws = [exponential(0.5), Distribution::erlang(3, 1.0).unwrap()];
        let rates = [0.6, 0.4];
        let streams = [0, 1].map(|k| PriorityStream {
            level: k as u32,
            arrival_rate: rates[k],
            service: (&laws[k]).into(),
        });
        let both: Vec<Stream> = rates.into_iter().zip(laws.clone()).collect();
        let first = vec![both[0].clone()];
        for interruption in [Interruption::None, Interruption::Resume] {
            let model = Mg1Priority::new(streams.to_vec(), interruption).unwrap();
            let times = model.times(1).unwrap();
            let p = times.wait_probability;
            let mean = times.waiting_mean;
            let wait =
                Overtaken::general(both.clone(), both.clone(), first.clone(), p, mean).unwrap();
            let stay = match interruption {
                Interruption::None => Stay::Whole(laws[1].clone()),
                Interruption::Resume => Stay::Interrupted(laws[1].clone()),
            };
            let (mean, second) = moments(|t| wait.waiting(t, SETTING).value, 1.0);
            assert_relative_eq!(mean, times.waiting_mean, max_relative = 1e-6);
            let variance = times.waiting_variance.unwrap();
            assert_relative_eq!(second - mean * mean, variance, max_relative = 1e-5);
            let (mean, second) = moments(|t| wait.sojourn(&stay, t, SETTING).value, 1.0);
            assert_relative_eq!(mean, times.sojourn_mean.unwrap(), max_relative = 1e-6);
            let variance = times.sojourn_variance.unwrap();
            assert_relative_eq!(second - mean * mean, variance, max_relative = 1e-5);
        }
    }

    #[test]
    fn levels_at_several_consumers_have_their_moments() {
        let model = MmcPriority::new(&[(0, 4.0), (1, 5.0)], 1.0, 10, Interruption::None).unwrap();
        let times = model.times(1).unwrap();
        let wait = Overtaken::markov(times.wait_probability, 1.0, 4.0, 10.0);
        let (mean, second) = moments(|t| wait.waiting(t, SETTING).value, 0.5);
        assert_relative_eq!(mean, times.waiting_mean, max_relative = 1e-6);
        let variance = times.waiting_variance.unwrap();
        assert_relative_eq!(second - mean * mean, variance, max_relative = 1e-5);
    }

    #[test]
    fn quantiles_invert_the_tail() {
        let wait = Overtaken::markov(0.9, 0.1, 0.9, 1.0);
        let stay = Stay::Whole(exponential(1.0));
        let source = Source::exact("test");
        let alone = Mixed::new(vec![(1.0, wait.clone(), Some(stay.clone()))]);
        let figures = alone.quantiles(source, ["", ""]);
        assert_eq!(figures.len(), 10);
        for statistic in crate::metric::Statistic::ALL {
            if let Some(p) = statistic.probability() {
                let at = |time| figures[&crate::metric::Metric::Time(time, statistic)].value;
                let tail = wait.waiting(at(TimeKind::Waiting), SETTING).value;
                assert_relative_eq!(tail, 1.0 - p, max_relative = 1e-6);
                let tail = wait.sojourn(&stay, at(TimeKind::Sojourn), SETTING).value;
                assert_relative_eq!(tail, 1.0 - p, max_relative = 1e-6);
            }
        }
    }
}
