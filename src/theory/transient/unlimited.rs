//! M(t)/G/∞: as many consumers as orders, arrivals at a rate that changes with time.
//!
//! # References
//! S. G. Eick, W. A. Massey and W. Whitt (1993), *The physics of the M_t/G/∞ queue*, Operations Research
//! 41, 731–742.

use super::course::Course;
use super::profile::{Moment, Profile};
use crate::metric::Metric;
use crate::theory::error::{ModelError, positive};
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{Figures, Kind};

const SOURCE: Source = Source::exact("Eick, Massey and Whitt 1993, Oper. Res. 41, 731-742");

/// Points of the curve, corners of the course aside.
const POINTS: usize = 200;
/// Share of the service time that may lie further back than is looked at.
const FORGOTTEN: f64 = 1e-10;
/// Most periods to look back.
const PERIODS: usize = 100;

/// The M(t)/G/∞ queue: the number in system is Poisson at all times, with a mean that follows the rate of
/// arrivals with a lag.
///
/// # Domain
/// λ(t) ≥ 0 in straight pieces; any law of service with a mean.
///
/// # Formula
/// m(t) = ∫₀^∞ λ(t − s)P(S > s)ds. A jump Δ of the rate, x ago, adds ΔE\[min(S, x)\] and a bend σ adds
/// σ∫₀ˣE\[min(S, u)\]du; over a period m̄ = λ̄E\[S\].
///
/// # Numerics
/// The integrals of P(S > s) by Gauss's rule, halved until it agrees with its halves to 10⁻¹² of the time.
///
/// ```
/// use orderline::random::{RatePoint, RateSchedule, RateShape};
/// use orderline::theory::{Course, MtGInf};
/// // 10 orders/s for 5 s from an empty start, service exactly 2 s: m = 10·min(t, 2).
/// let course = Course::new(&[], 10.0, &[(0.0, 1)], 5.0)?;
/// let model = MtGInf::from_empty(&course, 2.0, |t| if t < 2.0 { 1.0 } else { 0.0 }, 0.0)?;
/// assert!((model.number_in_system() - (20.0 + 60.0) / 5.0).abs() < 1e-8);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MtGInf {
    arrival_rate: f64,
    number: f64,
    kind: Kind,
    profile: Profile,
}

impl MtGInf {
    /// Over a period that comes again and again; service of this mean and P(S > t).
    ///
    /// # Errors
    /// A mean that is not positive.
    pub fn periodic(
        course: &Course,
        mean: f64,
        ccdf: impl Fn(f64) -> f64,
    ) -> Result<MtGInf, ModelError> {
        positive("service time", mean)?;
        let rounds = rounds(course.end(), mean, &ccdf);
        let past = -(rounds as f64) * course.end();
        let turns = Turns::new(course, rounds);
        let model = turns.follow(course, &ccdf, past);
        Ok(MtGInf {
            arrival_rate: course.mean_rate(),
            number: course.mean_rate() * mean,
            kind: if rounds < PERIODS {
                Kind::Exact
            } else {
                Kind::Approximation
            },
            profile: model.0,
        })
    }

    /// From an empty system: averages over \[`from`, end of the course\].
    ///
    /// # Errors
    /// A mean that is not positive, or a start of the averages outside the course.
    pub fn from_empty(
        course: &Course,
        mean: f64,
        ccdf: impl Fn(f64) -> f64,
        from: f64,
    ) -> Result<MtGInf, ModelError> {
        positive("service time", mean)?;
        let end = course.end();
        if !(from >= 0.0 && from < end) {
            let name = "start of the averages";
            return Err(ModelError::Domain { name, value: from });
        }
        let (profile, area) = Turns::new(course, 0).follow(course, &ccdf, from);
        let later = course.stretches().iter().filter(|s| s.to > from);
        let orders: f64 = later
            .map(|s| {
                let start = s.from.max(from);
                0.5 * (s.rate_at(start) + s.rate_at(s.to)) * (s.to - start)
            })
            .sum();
        Ok(MtGInf {
            arrival_rate: orders / (end - from),
            number: area / (end - from),
            kind: Kind::Exact,
            profile,
        })
    }

    /// λ, averaged.
    pub fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// L, averaged.
    pub fn number_in_system(&self) -> f64 {
        self.number
    }

    /// m(t).
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Whether the curve is exact: approximate only where service lasts for very many periods.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// All figures that are not those of the service time.
    pub(in crate::theory) fn figures(&self) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let number = "L = ∫m(t)dt/T, m(t) = ∫λ(t−s)P(S>s)ds";
        sheet
            .put(Metric::ArrivalRate, self.arrival_rate, "λ = ∫λ(t)dt/T")
            .put(Metric::NumberInSystem, self.number, number)
            .put(Metric::QueueLength, 0.0, "0: nobody waits")
            .put(Metric::WaitProbability, 0.0, "0: nobody waits");
        sheet.finish()
    }
}

/// How many periods back service started now may have begun.
fn rounds(period: f64, mean: f64, ccdf: &impl Fn(f64) -> f64) -> usize {
    let mut sums = Sums::default();
    let mut rounds = 0;
    while rounds < PERIODS && mean - sums.first > FORGOTTEN * mean {
        let at = rounds as f64 * period;
        sums.extend(ccdf, at, at + period);
        rounds += 1;
    }
    rounds
}

/// The rate of arrivals as jumps and bends, from the past on.
struct Turns(Vec<(f64, f64, f64)>);

impl Turns {
    fn new(course: &Course, rounds: usize) -> Turns {
        let mut turns = Vec::new();
        let (mut rate, mut slope) = (0.0, 0.0);
        for round in (0..=rounds).rev() {
            let shift = round as f64 * course.end();
            for stretch in course.stretches() {
                let jump = stretch.rate - rate;
                let bend = stretch.slope - slope;
                if jump != 0.0 || bend != 0.0 {
                    turns.push((stretch.from - shift, jump, bend));
                }
                rate = stretch.rate_at(stretch.to);
                slope = stretch.slope;
            }
        }
        Turns(turns)
    }

    /// m over the course, and ∫m from `from` to its end.
    fn follow(&self, course: &Course, ccdf: &impl Fn(f64) -> f64, from: f64) -> (Profile, f64) {
        let end = course.end();
        let mut times: Vec<f64> = (0..=POINTS)
            .map(|k| end * k as f64 / POINTS as f64)
            .chain(course.stretches().iter().map(|s| s.from))
            .collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let from = from.max(0.0);
        let wanted = times.iter().chain([&from, &end]);
        let ages = wanted.flat_map(|t| self.0.iter().map(move |turn| t - turn.0));
        let table = Table::new(ccdf, ages.filter(|age| *age > 0.0).collect());
        let at = |t: f64, of: fn(&Sums, f64, f64) -> f64| {
            let past = self.0.iter().filter(|turn| turn.0 < t);
            let parts = past.map(|(at, jump, bend)| of(table.at(t - at), *jump, *bend));
            parts.sum::<f64>()
        };
        let number = |s: &Sums, jump, bend| jump * s.first + bend * s.second;
        let area = |s: &Sums, jump, bend| jump * s.second + bend * s.third;
        let moments = times.iter().map(|t| Moment {
            at: *t,
            rate: course.rate_at(*t),
            number: at(*t, number),
            waiting: 0.0,
        });
        let profile = Profile::new(moments.collect());
        (profile, at(end, area) - at(from, area))
    }
}

/// Repeated integrals of P(S > s) from 0.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// E\[min(S, x)\].
    first: f64,
    second: f64,
    third: f64,
}

impl Sums {
    /// From `from` on to `to`.
    fn extend(&mut self, ccdf: &impl Fn(f64) -> f64, from: f64, to: f64) {
        let gained = adaptive(ccdf, from, to, rule(ccdf, from, to), 40);
        let length = to - from;
        self.third += self.second * length + self.first * length * length / 2.0 + gained[2] / 2.0;
        self.second += self.first * length + gained[1];
        self.first += gained[0];
    }
}

/// ∫P(S > u)(to − u)^k du for k = 0, 1, 2, of a part and what is to come after it.
fn adaptive(
    ccdf: &impl Fn(f64) -> f64,
    from: f64,
    to: f64,
    whole: [f64; 3],
    depth: u32,
) -> [f64; 3] {
    let middle = 0.5 * (from + to);
    let (left, right) = (rule(ccdf, from, middle), rule(ccdf, middle, to));
    let both = joined(left, right, to - middle);
    // As a share of all that lies before, too: where P(S > u) jumps, the parts need not end at a point.
    let close = (0..3).all(|k| {
        let width = (to - from).powi(k as i32);
        (both[k] - whole[k]).abs() <= 1e-12 * width * to
    });
    if close || depth == 0 {
        return both;
    }
    let left = adaptive(ccdf, from, middle, left, depth - 1);
    let right = adaptive(ccdf, middle, to, right, depth - 1);
    joined(left, right, to - middle)
}

/// The left part's powers are of its own end, which lies `rest` before the whole's.
fn joined(left: [f64; 3], right: [f64; 3], rest: f64) -> [f64; 3] {
    [
        left[0] + right[0],
        left[1] + rest * left[0] + right[1],
        left[2] + 2.0 * rest * left[1] + rest * rest * left[0] + right[2],
    ]
}

/// Gauss's rule with six points.
fn rule(ccdf: &impl Fn(f64) -> f64, from: f64, to: f64) -> [f64; 3] {
    const NODES: [(f64, f64); 3] = [
        (0.238_619_186_083_196_9, 0.467_913_934_572_691_04),
        (0.661_209_386_466_264_5, 0.360_761_573_048_138_6),
        (0.932_469_514_203_152, 0.171_324_492_379_170_36),
    ];
    let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
    let mut sums = [0.0; 3];
    for (node, weight) in NODES {
        for at in [middle - half * node, middle + half * node] {
            let value = half * weight * ccdf(at);
            sums[0] += value;
            sums[1] += value * (to - at);
            sums[2] += value * (to - at).powi(2);
        }
    }
    sums
}

/// The integrals at all ages that are asked for.
struct Table {
    ages: Vec<f64>,
    sums: Vec<Sums>,
}

impl Table {
    fn new(ccdf: &impl Fn(f64) -> f64, mut ages: Vec<f64>) -> Table {
        ages.sort_by(f64::total_cmp);
        ages.dedup_by(|later, earlier| *later - *earlier <= 1e-13 * *later);
        let (mut sums, mut at) = (Sums::default(), 0.0);
        let each = ages.iter().map(|age| {
            sums.extend(ccdf, at, *age);
            at = *age;
            sums
        });
        let sums = each.collect();
        Table { ages, sums }
    }

    fn at(&self, age: f64) -> &Sums {
        const NONE: &Sums = &Sums {
            first: 0.0,
            second: 0.0,
            third: 0.0,
        };
        // Ages that only rounding keeps apart are one.
        let index = self
            .ages
            .partition_point(|known| *known < age * (1.0 - 1e-13));
        self.sums.get(index).unwrap_or(NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn wave() -> Course {
        let points = [(0.0, 2.0), (3.0, 8.0), (5.0, 1.0), (8.0, 2.0)];
        Course::through(&points, 1)
    }

    #[test]
    fn exponential_service_obeys_its_differential_equation() {
        // m′ = λ − μm, integrated stretch by stretch to its periodic solution.
        let (course, mu) = (wave(), 0.7f64);
        let next = |mut m: f64| {
            for s in course.stretches() {
                let (level, rise) = (s.rate / mu - s.slope / mu / mu, s.slope / mu);
                m = level + rise * s.length() + (m - level) * (-mu * s.length()).exp();
            }
            m
        };
        let start = next(0.0) / (1.0 - (-mu * 8.0f64).exp());
        let model = MtGInf::periodic(&course, 1.0 / mu, |t| (-mu * t).exp()).unwrap();
        let moments = model.profile().moments();
        assert_relative_eq!(moments[0].number, start, max_relative = 1e-9);
        assert_relative_eq!(
            moments[moments.len() - 1].number,
            start,
            max_relative = 1e-9
        );
        assert_eq!(model.kind(), Kind::Exact);
    }

    #[test]
    fn even_service_counts_the_last_arrivals() {
        let course = wave();
        let model = MtGInf::from_empty(&course, 2.0, |t| f64::from(t < 2.0), 4.0).unwrap();
        let at = |t: f64| {
            let orders = |t: f64| -> f64 {
                let past = course.stretches().iter().filter(|s| s.from < t);
                past.map(|s| {
                    let to = s.to.min(t);
                    0.5 * (s.rate + s.rate_at(to)) * (to - s.from)
                })
                .sum()
            };
            orders(t) - orders(t - 2.0)
        };
        for moment in model.profile().moments() {
            assert_relative_eq!(moment.number, at(moment.at), epsilon = 1e-8);
        }
    }

    proptest! {
        #[test]
        fn the_mean_over_a_period_is_littles(mean in 0.05f64..20.0) {
            let model = MtGInf::periodic(&wave(), mean, |t| (-t / mean).exp()).unwrap();
            let moments = model.profile().moments();
            let pairs = moments.iter().zip(&moments[1..]);
            let area: f64 = pairs.map(|(a, b)| 0.5 * (a.number + b.number) * (b.at - a.at)).sum();
            prop_assert!((area / 8.0 / model.number_in_system() - 1.0).abs() < 1e-3);
        }
    }
}
