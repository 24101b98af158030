//! MAP/PH/c: Markovian arrivals, phase-type service, c consumers and one queue, exactly.
//!
//! Poisson, renewal with phase-type gaps, Markov-modulated and any independent ones of these
//! together are Markovian arrivals; so this is M/H₂/c, Eₖ/Eₙ/c, MMPP/M/c and all between.
//!
//! # References
//! M. F. Neuts (1981), *Matrix-Geometric Solutions in Stochastic Models*; S. Asmussen, J. R. Møller
//! (2001), *Calculation of the steady state waiting time distribution in GI/PH/c and MAP/PH/c
//! queues*, Queueing Systems 37, 9–29.

use super::error::{ModelError, positive, stable};
use super::matrix::{ACCURACY, Levels, Line, MarkovianArrivals, Matrix, Occupancy, PhaseType};
use super::matrix::{Server, SomeWaits, Times};
use super::sheet::{Sheet, Source};
use super::{Curve, Figures};
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;

const SOURCE: Source = Source::exact(
    "Neuts 1981, Matrix-Geometric Solutions; Asmussen & Møller 2001, Queueing Syst. 37, 9-29",
);
/// Phases of the chain with all consumers busy that are solved while the user waits.
const MOST_PHASES: f64 = 200.0;
/// Cubes of the numbers of phases of all levels together.
const MOST_WORK: f64 = 1e8;

/// The MAP/PH/c queue in steady state.
///
/// # Domain
/// ρ = λE\[S\]/c < 1; at most 200 phases (those of arrivals times the ways in which c busy consumers
/// can be spread over the phases of service), and levels below that are together no more work than 100
/// of 100 phases: about 0.1 s.
///
/// # Formula
/// The number in system with the phases is a quasi-birth-death chain; above c its probabilities
/// are π_cRⁿ. The waiting time first in, first out is phase-type.
///
/// # Numerics
/// R from G by logarithmic reduction without a subtraction, the levels below c by linear level
/// reduction, all of it right up to ρ = 1 − 10⁻⁶ and beyond. Three identities are checked (the mean
/// wait by two ways, the probability of waiting by two ways, the mean number of idle consumers); a
/// difference of more than 10⁻⁷ is an error.
///
/// ```
/// use orderline::random::{Arrivals, Distribution};
/// use orderline::theory::{MapPhC, MarkovianArrivals, PhaseType};
/// // M/E2/2 at ρ = 0.9; values of an independent program.
/// let arrivals = MarkovianArrivals::of(&Arrivals::poisson(1.8)?).unwrap();
/// let service = PhaseType::of(&Distribution::erlang(2, 1.0)?).unwrap();
/// let queue = MapPhC::new(&arrivals, &service, 2)?.unwrap();
/// assert!((queue.wait_probability() - 0.85116652029).abs() < 1e-10);
/// assert!((queue.queue_length() - 5.7732101264).abs() < 1e-9);
/// assert!((queue.waiting_variance() - 13.51536759523933).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MapPhC {
    utilization: f64,
    consumers: u32,
    service: PhaseType,
    service_mean: f64,
    service_variance: f64,
    line: Line,
}

impl MapPhC {
    /// A queue with the given arrivals, law of service, and c consumers; `None` where it has too many
    /// phases.
    ///
    /// # Errors
    /// No consumers, ρ ≥ 1, or a solution that fails a check.
    pub fn new(
        arrivals: &MarkovianArrivals,
        service: &PhaseType,
        consumers: u32,
    ) -> Result<Option<MapPhC>, ModelError> {
        let queue = || MapPhC::of_any_size(arrivals, service, consumers);
        fits(arrivals, service, consumers).then(queue).transpose()
    }

    /// The same, however many phases there are.
    pub(super) fn of_any_size(
        arrivals: &MarkovianArrivals,
        service: &PhaseType,
        consumers: u32,
    ) -> Result<MapPhC, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        let service_mean = positive("mean service time", service.moment(1)?)?;
        let rate = positive("arrival rate", arrivals.rate()?)?;
        let utilization = stable(rate * service_mean / c)?;
        let states = Occupancy::new(service, consumers);
        let server = Server {
            inner: states.inner(consumers),
            next: states.next(consumers),
        };
        let line = Line::new(arrivals, &server, &levels(arrivals, &states, consumers))?;
        let queue = MapPhC {
            utilization,
            consumers,
            service_variance: service.moment(2)? - service_mean * service_mean,
            service_mean,
            service: service.clone(),
            line,
        };
        queue.checked()
    }

    /// Idle consumers on average are c(1 − ρ).
    fn checked(self) -> Result<MapPhC, ModelError> {
        let idle = self.line.levels.iter().rev().zip(0..);
        let idle: f64 = idle
            .map(|(level, idle)| f64::from(idle) * level.sum())
            .sum();
        let error = (idle / (f64::from(self.consumers) * (1.0 - self.utilization)) - 1.0).abs();
        if error < ACCURACY {
            Ok(self)
        } else {
            let method = "matrix-geometric solution of MAP/PH/c";
            Err(ModelError::Inaccurate { method, error })
        }
    }

    /// ρ = λE\[S\]/c.
    pub fn utilization(&self) -> f64 {
        self.utilization
    }

    /// Share of orders that wait.
    pub fn wait_probability(&self) -> f64 {
        self.line.wait_probability
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.line.queue_length
    }

    /// The variance of the number waiting.
    pub fn queue_length_variance(&self) -> f64 {
        self.line.queue_length_variance
    }

    /// L = Lq + cρ.
    pub fn number_in_system(&self) -> f64 {
        self.line.queue_length + f64::from(self.consumers) * self.utilization
    }

    /// Wq = Lq/λ, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.line.waiting_mean()
    }

    /// Var(Wq), first in, first out.
    pub fn waiting_variance(&self) -> f64 {
        self.line.waiting_variance
    }

    /// The waits of some of the orders, first in, first out: `seen` are the arrivals with the other orders
    /// not looked at ([`MarkovianArrivals::unseen`]).
    ///
    /// ```
    /// use orderline::random::{Arrivals, Distribution};
    /// use orderline::theory::{MapPhC, MarkovianArrivals, PhaseType};
    /// // Bursts beside a steady flow: who comes in bursts waits longer.
    /// let bursts = MarkovianArrivals::of(&Arrivals::mmpp(vec![1.0, 0.0], vec![9.0, 9.0])?).unwrap();
    /// let steady = MarkovianArrivals::poisson(0.3);
    /// let service = PhaseType::of(&Distribution::exponential(1.0)?).unwrap();
    /// let all = bursts.and(&steady).unwrap();
    /// let queue = MapPhC::new(&all, &service, 1)?.unwrap();
    /// let first = queue.some(&bursts.and(&steady.unseen()).unwrap(), &all)?;
    /// let second = queue.some(&bursts.unseen().and(&steady).unwrap(), &all)?;
    /// assert!(first.mean > queue.waiting_mean() && second.mean < queue.waiting_mean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A matrix that cannot be inverted.
    pub fn some(
        &self,
        seen: &MarkovianArrivals,
        all: &MarkovianArrivals,
    ) -> Result<SomeWaits, ModelError> {
        self.line.some(&seen.events, all)
    }

    /// The figures of some of the orders, first in, first out, with the given law of service.
    pub(super) fn some_figures(waits: SomeWaits, service: &Distribution) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let (mean, variance) = (service.mean(), service.variance());
        sheet
            .put(
                Metric::WaitProbability,
                waits.probability,
                "(π_c + νK⁻¹G)(D_k1⊗1)/λ_k",
            )
            .put(Metric::QueueLength, waits.rate * waits.mean, "Lq = λ_kWq")
            .put(
                Metric::NumberInSystem,
                waits.rate * (waits.mean + mean),
                "L = λ_kW",
            )
            .mean(TimeKind::Waiting, waits.mean, "∫tg_k(t)(1⊗S₁1)dt/λ_k")
            .mean(TimeKind::Sojourn, waits.mean + mean, "W = Wq + E[S]")
            .variance(
                TimeKind::Waiting,
                waits.variance,
                "∫t²g_k(t)(1⊗S₁1)dt/λ_k − Wq²",
            )
            .variance(
                TimeKind::Sojourn,
                waits.variance + variance,
                "Var(Wq) + Var(S)",
            );
        sheet.finish()
    }

    /// The laws of waiting and sojourn, first in, first out.
    pub(super) fn times(&self) -> Times {
        self.line.times(&self.service)
    }

    /// All figures; those of first in, first out with its laws.
    pub(super) fn figures(&self, times: Option<&Times>) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let sojourn = self.waiting_mean() + self.service_mean;
        sheet
            .put(Metric::Utilization, self.utilization, "ρ = λE[S]/c")
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "π_c(I−R)⁻¹(D₁1⊗1)/λ",
            )
            .put(
                Metric::QueueLength,
                self.queue_length(),
                "Lq = π_cR(I−R)⁻²1, A₀+RA₁+R²A₂ = 0",
            )
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λE[S]",
            )
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = Lq/λ")
            .mean(TimeKind::Sojourn, sojourn, "W = Wq + E[S]");
        if let Some(times) = times {
            let variance = self.waiting_variance();
            let whole = variance + self.service_variance;
            sheet
                .variance(TimeKind::Waiting, variance, "2ν(−K)⁻³t/λ − Wq²")
                .variance(TimeKind::Sojourn, whole, "Var(Wq) + Var(S)");
            times.write(&mut sheet);
        }
        sheet.finish()
    }

    /// The distributions of waiting and sojourn time, first in, first out.
    pub(super) fn curves(times: Times) -> (Curve, Curve) {
        times.curves(SOURCE.reference)
    }
}

/// Whether the chain is small enough to be solved while the user waits.
fn fits(arrivals: &MarkovianArrivals, service: &PhaseType, consumers: u32) -> bool {
    let phases = |busy| arrivals.phases() as f64 * Occupancy::count(busy, service.count());
    phases(consumers) <= MOST_PHASES
        && (0..consumers).map(|busy| phases(busy).powi(3)).sum::<f64>() <= MOST_WORK
}

/// The levels with an idle consumer.
pub(super) fn levels(arrivals: &MarkovianArrivals, states: &Occupancy, consumers: u32) -> Levels {
    let phases = Matrix::identity(arrivals.phases(), arrivals.phases());
    let mut levels = Levels::default();
    for busy in 0..consumers {
        let inner = states.inner(busy);
        let rest = Matrix::identity(inner.nrows(), inner.nrows());
        let local = arrivals.hidden.kronecker(&rest) + phases.kronecker(&inner);
        levels.local.push(local);
        levels
            .up
            .push(arrivals.events.kronecker(&states.begin(busy)));
        levels.down.push(phases.kronecker(&states.done(busy + 1)));
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Arrivals;
    use crate::theory::{GiMc, Mmc};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn queue(arrivals: Arrivals, service: Distribution, consumers: u32) -> MapPhC {
        let arrivals = MarkovianArrivals::of(&arrivals).unwrap();
        let service = PhaseType::of(&service).unwrap();
        MapPhC::new(&arrivals, &service, consumers)
            .unwrap()
            .unwrap()
    }

    fn poisson(rate: f64) -> Arrivals {
        Arrivals::poisson(rate).unwrap()
    }

    fn renewal(gap: Distribution) -> Arrivals {
        Arrivals::renewal(gap).unwrap()
    }

    fn h2(mean: f64, scv: f64) -> Distribution {
        Distribution::hyperexponential_mean_scv(mean, scv).unwrap()
    }

    fn erlang(shape: u32, mean: f64) -> Distribution {
        Distribution::erlang(shape, mean).unwrap()
    }

    /// P(Wq > 0), Lq, Wq to the given relative accuracy.
    fn check(queue: &MapPhC, expected: [f64; 3]) {
        let found = [
            queue.wait_probability(),
            queue.queue_length(),
            queue.waiting_mean(),
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert_relative_eq!(*found, expected, max_relative = 1e-9);
        }
    }

    #[test]
    fn published_figures_of_renewal_arrivals() {
        check(
            &queue(renewal(erlang(2, 1.25)), erlang(2, 1.0), 1),
            [0.72622844919, 1.4922144385, 1.8652680481],
        );
        check(
            &queue(renewal(h2(1.0 / 1.6, 4.0)), h2(1.0, 4.0), 2),
            [0.83012087584, 11.667204703, 7.2920029392],
        );
        check(
            &queue(renewal(erlang(4, 1.0 / 2.7)), erlang(4, 1.0), 3),
            [0.69055236737, 1.6516918121, 0.61173770817],
        );
        check(
            &queue(renewal(h2(1.0 / 3.6, 9.0)), h2(1.0, 9.0), 4),
            [0.91687560396, 65.852328305, 18.292313418],
        );
    }

    #[test]
    fn published_figures_of_modulated_arrivals() {
        let bursts = |rates, dwell| Arrivals::mmpp(rates, dwell).unwrap();
        let exponential = || Distribution::exponential(1.0).unwrap();
        let slow = queue(bursts(vec![1.4, 0.2], vec![100.0, 100.0]), h2(1.0, 4.0), 1);
        check(&slow, [0.93549350904, 70.901298193, 88.626622741]);
        let two = queue(bursts(vec![1.8, 0.2], vec![10.0, 10.0]), exponential(), 2);
        check(&two, [0.60944470551, 1.3089062905, 1.3089062905]);
        assert_relative_eq!(
            two.waiting_variance(),
            3.9164121086133514,
            max_relative = 1e-10
        );
        let silent = queue(bursts(vec![2.0, 0.0], vec![4.0, 4.0]), exponential(), 2);
        check(&silent, [0.625, 1.25, 1.25]);
    }

    #[test]
    fn one_consumer_behind_poisson_arrivals_is_pollaczek_s() {
        for gap in [0.5, 1e-2, 1e-4, 1e-6, 1e-8] {
            let rho = 1.0 - gap;
            let mg1 = queue(poisson(rho), h2(1.0, 4.0), 1);
            // E[Wq] = ρ(1 + scv)/(2(1 − ρ)).
            let exact = 2.5 * rho / gap;
            assert_relative_eq!(mg1.waiting_mean(), exact, max_relative = 1e-7);
            assert_relative_eq!(mg1.wait_probability(), rho, max_relative = 1e-9);
            let variance = exact * exact + rho * h2(1.0, 4.0).moment(3) / (3.0 * gap);
            assert_relative_eq!(mg1.waiting_variance(), variance, max_relative = 1e-6);
        }
    }

    #[test]
    fn phase_type_gaps_before_exponential_service_are_takacs_s() {
        for (c, rho) in [(1, 0.3), (4, 0.9), (10, 0.99), (30, 0.8)] {
            let gap = h2(1.0 / (f64::from(c) * rho), 3.0);
            let closed = GiMc::new(&gap, 1.0, c).unwrap().unwrap();
            let found = queue(renewal(gap), Distribution::exponential(1.0).unwrap(), c);
            let pairs = [
                (found.wait_probability(), closed.wait_probability()),
                (found.waiting_mean(), closed.waiting_mean()),
                (found.waiting_variance(), closed.waiting_variance()),
                (found.times().waiting_ccdf(0.7), closed.waiting_ccdf(0.7)),
                (found.times().sojourn_ccdf(1.7), closed.sojourn_ccdf(1.7)),
            ];
            for (found, closed) in pairs {
                assert_relative_eq!(found, closed, max_relative = 1e-8);
            }
        }
    }

    #[test]
    fn the_waits_of_all_are_those_of_some_and_the_rest() {
        let bursts = Arrivals::mmpp(vec![3.0, 0.2], vec![2.0, 6.0]).unwrap();
        let bursts = MarkovianArrivals::of(&bursts).unwrap();
        let even = MarkovianArrivals::of(&renewal(erlang(3, 2.0))).unwrap();
        let steady = MarkovianArrivals::poisson(0.4);
        let join = |a: &MarkovianArrivals, b: &MarkovianArrivals, c: &MarkovianArrivals| {
            a.and(b).unwrap().and(c).unwrap()
        };
        let all = join(&bursts, &even, &steady);
        let service = PhaseType::of(&h2(1.0, 3.0)).unwrap();
        let queue = MapPhC::new(&all, &service, 3).unwrap().unwrap();
        let seen = [
            join(&bursts, &even.unseen(), &steady.unseen()),
            join(&bursts.unseen(), &even, &steady.unseen()),
            join(&bursts.unseen(), &even.unseen(), &steady),
        ];
        let each = seen.map(|seen| queue.some(&seen, &all).unwrap());
        let lambda = all.rate().unwrap();
        let total = |of: fn(&SomeWaits) -> f64| {
            each.iter()
                .map(|part| part.rate / lambda * of(part))
                .sum::<f64>()
        };
        assert_relative_eq!(total(|_| 1.0), 1.0, max_relative = 1e-12);
        assert_relative_eq!(
            total(|part| part.probability),
            queue.wait_probability(),
            max_relative = 1e-10
        );
        assert_relative_eq!(
            total(|part| part.mean),
            queue.waiting_mean(),
            max_relative = 1e-10
        );
        let second = total(|part| part.variance + part.mean * part.mean);
        let whole = queue.waiting_variance() + queue.waiting_mean().powi(2);
        assert_relative_eq!(second, whole, max_relative = 1e-9);
        // Poisson arrivals see time averages: all consumers busy.
        let busy: f64 = queue.line.levels[..3].iter().map(|level| level.sum()).sum();
        assert_relative_eq!(each[2].probability, 1.0 - busy, max_relative = 1e-10);
        assert!(each[0].mean > each[2].mean && each[2].mean > each[1].mean);
    }

    #[test]
    fn heavy_loads_stay_exact() {
        // H2/H2/2 just below saturation: (1 − ρ)Wq tends to (scv_a/λ² + scv_s/4)λ/2 and comes near.
        let gap = 1e-6;
        let heavy = queue(renewal(h2(0.5 / (1.0 - gap), 4.0)), h2(1.0, 4.0), 2);
        assert_relative_eq!(heavy.waiting_mean() * gap, 2.0, max_relative = 1e-4);
        let p99 = heavy.times().waiting_quantile(0.99).unwrap();
        assert_relative_eq!(p99 * gap, 2.0 * 100f64.ln(), max_relative = 1e-3);
    }

    #[test]
    fn what_is_too_large_is_left_to_approximations() {
        let arrivals = MarkovianArrivals::of(&renewal(erlang(4, 0.06))).unwrap();
        let service = PhaseType::of(&erlang(4, 1.0)).unwrap();
        assert!(MapPhC::new(&arrivals, &service, 20).unwrap().is_none());
    }

    #[test]
    fn quantiles_invert_the_distribution() {
        let queue = queue(renewal(h2(1.0 / 2.4, 4.0)), erlang(2, 1.0), 3);
        let times = queue.times();
        for p in [0.5, 0.9, 0.95, 0.99, 0.999] {
            let (wait, whole) = (times.waiting_quantile(p), times.sojourn_quantile(p));
            assert_relative_eq!(
                times.waiting_ccdf(wait.unwrap()),
                1.0 - p,
                max_relative = 1e-9
            );
            assert_relative_eq!(
                times.sojourn_ccdf(whole.unwrap()),
                1.0 - p,
                max_relative = 1e-9
            );
        }
    }

    /// Any law of three phases with rates that differ by up to a factor of 10⁴.
    fn any_law() -> impl Strategy<Value = Distribution> {
        let rate = (-2.0f64..2.0).prop_map(|exponent| 10f64.powf(exponent));
        let chance = 0.0f64..0.9;
        (proptest::collection::vec(rate, 3), chance.clone(), chance)
            .prop_map(|(rates, p, q)| Distribution::coxian(rates, vec![p, q]).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_phases_behind_poisson_arrivals_are_pollaczek_s(law in any_law(), rho in 0.01f64..0.99) {
            let rate = rho / law.mean();
            let found = queue(poisson(rate), law.clone(), 1);
            let exact = rate * law.moment(2) / (2.0 * (1.0 - rho));
            prop_assert!((found.waiting_mean() / exact - 1.0).abs() < 1e-8);
            let second = 2.0 * exact * exact + rate * law.moment(3) / (3.0 * (1.0 - rho));
            let variance = second - exact * exact;
            prop_assert!((found.waiting_variance() / variance - 1.0).abs() < 1e-6);
        }

        #[test]
        fn any_phases_hang_together(
            gap in any_law(), law in any_law(), stay in 0.1f64..1e4, rho in 0.01f64..0.99, c in 1u32..4
        ) {
            let mean = rho * f64::from(c) / law.mean();
            let flows = [
                renewal(gap),
                Arrivals::mmpp(vec![1.6 * mean, 0.4 * mean], vec![stay, stay]).unwrap(),
            ];
            for flow in flows {
                let arrivals = MarkovianArrivals::of(&flow).unwrap();
                let service = PhaseType::of(&law).unwrap();
                let load = arrivals.rate().unwrap() * law.mean() / f64::from(c);
                let found = MapPhC::new(&arrivals, &service, c);
                if load >= 1.0 {
                    let unstable = matches!(found, Err(ModelError::Unstable { .. }));
                    prop_assert!(unstable);
                    continue;
                }
                let found = found.unwrap().unwrap();
                let times = found.times();
                prop_assert!((times.waiting_ccdf(0.0) / found.wait_probability() - 1.0).abs() < 1e-7);
                let quantiles = [0.5, 0.9, 0.99, 0.999].map(|p| times.sojourn_quantile(p).unwrap());
                prop_assert!(quantiles.is_sorted());
                let last = times.sojourn_ccdf(quantiles[3]);
                prop_assert!((last / 1e-3 - 1.0).abs() < 1e-6, "{}", last);
            }
        }

        #[test]
        fn phases_that_are_all_but_exponential_give_m_m_c(rho in 0.1f64..0.95, c in 1u32..5) {
            let lambda = rho * f64::from(c);
            let markov = Mmc::new(lambda, 1.0, c).unwrap();
            let near = |scv: f64| queue(renewal(h2(1.0 / lambda, scv)), h2(1.0, scv), c).waiting_mean();
            let exact = markov.waiting_mean();
            prop_assert!((near(1.0 + 1e-8) / exact - 1.0).abs() < 1e-6);
            prop_assert!((near(1.01) - exact).abs() < (near(1.1) - exact).abs());
        }

        #[test]
        fn one_phase_is_m_m_c(rho in 0.05f64..0.9999, c in 1u32..40, mu in 0.01f64..100.0) {
            let lambda = rho * mu * f64::from(c);
            let markov = Mmc::new(lambda, mu, c).unwrap();
            let found = queue(poisson(lambda), Distribution::exponential(mu).unwrap(), c);
            prop_assert!((found.waiting_mean() / markov.waiting_mean() - 1.0).abs() < 1e-9);
            let (p99, exact) = (found.times().waiting_quantile(0.99).unwrap(), markov.waiting_quantile(0.99));
            prop_assert!((p99 - exact).abs() < 1e-8 * exact + 1e-12 / mu);
        }

        #[test]
        fn waits_grow_with_load_and_variability(rho in 0.1f64..0.9, scv in 1.1f64..9.0, c in 1u32..5) {
            let at = |rho: f64, scv: f64| {
                let gap = h2(1.0 / (rho * f64::from(c)), scv);
                queue(renewal(gap), h2(1.0, scv), c)
            };
            let base = at(rho, scv);
            prop_assert!(at(rho * 1.05, scv).waiting_mean() > base.waiting_mean());
            prop_assert!(at(rho, scv * 1.2).waiting_mean() > base.waiting_mean());
            prop_assert!((base.number_in_system() / (rho * f64::from(c) * (base.waiting_mean() + 1.0)) - 1.0).abs() < 1e-9);
            prop_assert!(base.queue_length_variance() > 0.0 && base.waiting_variance() > 0.0);
        }
    }
}
