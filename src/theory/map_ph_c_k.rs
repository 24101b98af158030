//! MAP/PH/c/K: Markovian arrivals, phase-type service, c consumers, a bounded queue that rejects,
//! exactly.
//!
//! # References
//! D. P. Gaver, P. A. Jacobs, G. Latouche (1984), *Finite birth-and-death models in randomly changing
//! environments*, Advances in Applied Probability 16, 715–731; waiting time by uniformization: A.
//! Jensen (1953), Skandinavisk Aktuarietidskrift 36, 87–91.

use super::error::{ModelError, positive};
use super::map_ph_c::levels;
use super::matrix::{ACCURACY, Column, MarkovianArrivals, Matrix, Occupancy, PhaseType, Row};
use super::matrix::{Server, bounded, sojourns, sub_generator};
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind, Turn};
use crate::metric::{Metric, TimeKind};
use std::sync::Arc;

const SOURCE: Source = Source::exact(
    "Gaver, Jacobs & Latouche 1984, Adv. Appl. Prob. 16, 715-731 (linear level reduction)",
);
/// Phases of one level, and cubes of the numbers of phases of all levels: what is solved while the user
/// waits.
const MOST_PHASES: f64 = 200.0;
const MOST_WORK: f64 = 1e8;
/// Products in the sums for the distribution of the wait.
const MOST_PRODUCTS: f64 = 1e8;
/// Where the distribution has come down to this it ends.
const NOTHING: f64 = 1e-16;

/// The MAP/PH/c/K queue in steady state; all that is said of orders is said of the accepted ones, but for
/// the share that is lost.
///
/// # Domain
/// Any load. At most 200 phases with all consumers busy, and levels that are together no more work than
/// 100 of 100 phases: about 0.1 s.
///
/// # Formula
/// Linear level reduction of the finite quasi-birth-death chain; an order that comes at the top moves the
/// phase of arrivals only. With v_k the phases of service that an accepted order finds with k waiting
/// before it: P(Wq > t) = Σ_k v_k P(at most k taken in t).
///
/// # Numerics
/// Without a subtraction. Orders accepted are checked against busy consumers to 10⁻⁷.
///
/// ```
/// use orderline::random::{Arrivals, Distribution};
/// use orderline::theory::{MapPhCK, MarkovianArrivals, PhaseType};
/// // M/M/2/5, λ = 3, μ = 2.
/// let arrivals = MarkovianArrivals::poisson(3.0);
/// let service = PhaseType::of(&Distribution::exponential(2.0)?).unwrap();
/// let queue = MapPhCK::new(&arrivals, &service, 2, 3)?.unwrap();
/// assert!((queue.loss_probability() - 0.0851138353765324).abs() < 1e-12);
/// assert!((queue.waiting_mean() - 0.230857580398162).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MapPhCK {
    consumers: u32,
    service: PhaseType,
    service_mean: f64,
    service_variance: f64,
    /// λ of those accepted.
    accepted: f64,
    loss_probability: f64,
    wait_probability: f64,
    queue_length: f64,
    waiting_variance: f64,
    /// v_k.
    found: Vec<Row>,
    /// S₀ with its diagonal, and S₁.
    quiet: Matrix,
    next: Matrix,
}

impl MapPhCK {
    /// A queue with the given arrivals, law of service, c consumers and places to wait; `None` where it
    /// has too many phases.
    ///
    /// # Errors
    /// No consumers, or a solution that fails a check.
    pub fn new(
        arrivals: &MarkovianArrivals,
        service: &PhaseType,
        consumers: u32,
        places: u64,
    ) -> Result<Option<MapPhCK>, ModelError> {
        positive("consumers", f64::from(consumers))?;
        let rate = positive("arrival rate", arrivals.rate()?)?;
        if !fits(arrivals, service, consumers, places) {
            return Ok(None);
        }
        let states = Occupancy::new(service, consumers);
        let server = Server {
            inner: states.inner(consumers),
            next: states.next(consumers),
        };
        let below = levels(arrivals, &states, consumers);
        let chances = bounded(arrivals, &server, &below, places as usize)?;
        let service_mean = positive("mean service time", service.moment(1)?)?;
        let mut queue = MapPhCK {
            consumers,
            service_mean,
            service_variance: service.moment(2)? - service_mean * service_mean,
            service: service.clone(),
            accepted: 0.0,
            loss_probability: 0.0,
            wait_probability: 0.0,
            queue_length: 0.0,
            waiting_variance: 0.0,
            found: Vec::new(),
            quiet: sub_generator(&server),
            next: server.next,
        };
        queue.count(arrivals, rate, &chances);
        queue.spread(&server.inner)?;
        queue.checked(&chances).map(Some)
    }

    /// Sums over the levels.
    fn count(&mut self, arrivals: &MarkovianArrivals, rate: f64, chances: &[Row]) {
        let c = self.consumers as usize;
        let seen = |level: &Row| arrivals.seen(level).sum();
        let flows: Vec<f64> = chances.iter().map(seen).collect();
        let top = flows.len() - 1;
        self.accepted = flows[..top].iter().sum();
        self.loss_probability = flows[top] / rate;
        self.wait_probability = flows[..top].iter().skip(c).sum::<f64>() / self.accepted;
        let lines = chances.iter().skip(c).zip(0u32..);
        self.queue_length = lines.map(|(level, k)| f64::from(k) * level.sum()).sum();
        let waiting = chances[..top].iter().skip(c);
        let found = waiting.map(|level| arrivals.seen(level) / self.accepted);
        self.found = found.collect();
    }

    /// Var(Wq): with m_k and s_k the first and second moment of the time until k + 1 orders are taken,
    /// m_k = (−S₀)⁻¹(1 + S₁m_(k−1)) and s_k = (−S₀)⁻¹(2m_k + S₁s_(k−1)).
    fn spread(&mut self, inner: &Matrix) -> Result<(), ModelError> {
        let stay = sojourns(inner, &self.next.column_sum())?;
        let n = stay.nrows();
        let (mut first, mut second) = (Column::zeros(n), Column::zeros(n));
        let mut total = 0.0;
        for found in &self.found {
            first = &stay * (Column::from_element(n, 1.0) + &self.next * first);
            second = &stay * (2.0 * &first + &self.next * second);
            total += (found * &second)[0];
        }
        self.waiting_variance = total - self.waiting_mean().powi(2);
        Ok(())
    }

    /// Busy consumers on average are as many as the accepted orders keep busy.
    fn checked(self, chances: &[Row]) -> Result<MapPhCK, ModelError> {
        let busy = chances.iter().zip(0u32..);
        let busy: f64 = busy
            .map(|(level, n)| f64::from(n.min(self.consumers)) * level.sum())
            .sum();
        let error = (busy / (self.accepted * self.service_mean) - 1.0).abs();
        if error < ACCURACY {
            Ok(self)
        } else {
            let method = "linear level reduction of MAP/PH/c/K";
            Err(ModelError::Inaccurate { method, error })
        }
    }

    /// Share of consumer time that is busy.
    pub fn utilization(&self) -> f64 {
        self.accepted * self.service_mean / f64::from(self.consumers)
    }

    /// Share of orders that are rejected.
    pub fn loss_probability(&self) -> f64 {
        self.loss_probability
    }

    /// Share of accepted orders that wait.
    pub fn wait_probability(&self) -> f64 {
        self.wait_probability
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + busy consumers.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.accepted * self.service_mean
    }

    /// Orders accepted per second.
    pub fn throughput(&self) -> f64 {
        self.accepted
    }

    /// Wq of the accepted, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.queue_length / self.accepted
    }

    /// Var(Wq) of the accepted, first in, first out.
    pub fn waiting_variance(&self) -> f64 {
        self.waiting_variance
    }

    /// The laws of waiting and sojourn, first in, first out; `None` where the sums are too long.
    pub(super) fn times(&self) -> Option<BoundedTimes> {
        BoundedTimes::new(self)
    }

    /// All figures for a queue served in the given order; first in, first out with the distributions.
    pub(super) fn figures(&self, turn: Turn, times: Option<&BoundedTimes>) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let sojourn = self.waiting_mean() + self.service_mean;
        sheet
            .put(
                Metric::Utilization,
                self.utilization(),
                "ρ = λ(1 − loss)E[S]/c",
            )
            .put(
                Metric::LossProbability,
                self.loss_probability,
                "π_K(D₁1⊗1)/λ",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "Σ_{c≤n<K} π_n(D₁1⊗1)/(λ(1 − loss))",
            )
            .put(
                Metric::QueueLength,
                self.queue_length,
                "Lq = Σ(n − c)π_n1, πQ = 0",
            )
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λ(1 − loss)E[S]",
            )
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = Lq/(λ(1 − loss))",
            )
            .mean(TimeKind::Sojourn, sojourn, "W = Wq + E[S]");
        if turn == Turn::FirstIn {
            let variance = self.waiting_variance;
            let whole = variance + self.service_variance;
            sheet
                .variance(TimeKind::Waiting, variance, "Σ v_ks_k − Wq²")
                .variance(TimeKind::Sojourn, whole, "Var(Wq) + Var(S)");
        }
        if let (Turn::FirstIn, Some(times)) = (turn, times) {
            sheet
                .quantiles(
                    TimeKind::Waiting,
                    |p| times.waiting_quantile(p),
                    "root of Σ v_kP(N(x) ≤ k) = 1−p",
                )
                .quantiles(
                    TimeKind::Sojourn,
                    |p| times.sojourn_quantile(p),
                    "root of P(W > x) = 1−p by uniformization",
                );
        }
        sheet.finish()
    }
}

/// The laws of waiting and sojourn time: what is left after so many steps of a Poisson clock.
#[derive(Debug, Clone)]
pub(super) struct BoundedTimes {
    clock: f64,
    scale: f64,
    waiting: Arc<[f64]>,
    sojourn: Arc<[f64]>,
}

impl BoundedTimes {
    fn new(queue: &MapPhCK) -> Option<BoundedTimes> {
        let (quiet, serving) = (&queue.quiet, queue.service.sub_generator());
        let fastest = |m: &Matrix| m.diagonal().iter().fold(0.0, |q, x| f64::max(q, -x));
        let clock = fastest(quiet).max(fastest(&serving));
        let (n, m) = (quiet.nrows(), serving.nrows());
        let stay = Matrix::identity(n, n) + quiet / clock;
        let taken = &queue.next / clock;
        let go_on = Matrix::identity(m, m) + serving / clock;
        let mut rows = queue.found.clone();
        let mut own = &queue.service.start * (1.0 - queue.wait_probability);
        let (mut waiting, mut sojourn) = (Vec::new(), Vec::new());
        let products = (rows.len() * n * n + m * m + 1) as f64;
        loop {
            let left: f64 = rows.iter().map(Row::sum).sum();
            let whole = left + own.sum();
            waiting.push(left);
            sojourn.push(whole);
            if whole < NOTHING {
                break;
            }
            if products * waiting.len() as f64 > MOST_PRODUCTS {
                return None;
            }
            let begun = rows.first().map_or(0.0, |row| (row * &taken).sum());
            own = own * &go_on + &queue.service.start * begun;
            for k in 0..rows.len() {
                let behind = rows.get(k + 1).map(|row| row * &taken);
                rows[k] = &rows[k] * &stay;
                if let Some(behind) = behind {
                    rows[k] += behind;
                }
            }
        }
        Some(BoundedTimes {
            clock,
            scale: queue.waiting_mean() + queue.service_mean,
            waiting: waiting.into(),
            sojourn: sojourn.into(),
        })
    }

    /// P(Wq > t).
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        survival(&self.waiting, self.clock * t)
    }

    /// P(W > t).
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        survival(&self.sojourn, self.clock * t)
    }

    /// The p-quantile of the waiting time.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        super::numeric::quantile(|t| self.waiting_ccdf(t), p, self.scale)
    }

    /// The p-quantile of the sojourn time.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        super::numeric::quantile(|t| self.sojourn_ccdf(t), p, self.scale)
    }

    /// The distributions of waiting and sojourn time.
    pub fn curves(&self) -> (Curve, Curve) {
        let (waiting, sojourn) = (self.clone(), self.clone());
        let curve = |formula, ccdf| Curve {
            kind: Kind::Exact,
            formula,
            reference: SOURCE.reference,
            ccdf,
        };
        (
            curve(
                "P(Wq > t) = Σ v_kP(N(t) ≤ k)",
                Arc::new(move |t| waiting.waiting_ccdf(t)),
            ),
            curve(
                "P(W > t) by uniformization",
                Arc::new(move |t| sojourn.sojourn_ccdf(t)),
            ),
        )
    }
}

/// Σ_j e^(−s)s^j/j! left_j: from the likeliest j to both sides, as far as terms matter.
fn survival(left: &[f64], s: f64) -> f64 {
    if s < 0.0 {
        return 1.0;
    }
    if s == 0.0 || s.is_infinite() {
        return if s == 0.0 { left[0] } else { 0.0 };
    }
    let mode = s.floor();
    let log = mode * s.ln() - s - statrs::function::gamma::ln_gamma(mode + 1.0);
    let peak = log.exp();
    let at = |j: f64| left.get(j as usize).copied().unwrap_or(0.0);
    let mut sum = peak * at(mode);
    let (mut weight, mut j) = (peak, mode);
    while weight > NOTHING * peak && j < left.len() as f64 {
        j += 1.0;
        weight *= s / j;
        sum += weight * at(j);
    }
    (weight, j) = (peak, mode);
    while weight > NOTHING * peak && j > 0.0 {
        weight *= j / s;
        j -= 1.0;
        sum += weight * at(j);
    }
    sum.clamp(0.0, 1.0)
}

/// Whether the chain is small enough to be solved while the user waits.
fn fits(arrivals: &MarkovianArrivals, service: &PhaseType, consumers: u32, places: u64) -> bool {
    let phases = |busy| arrivals.phases() as f64 * Occupancy::count(busy, service.count());
    let full = phases(consumers);
    full <= MOST_PHASES
        && places as f64 * full.powi(3) <= MOST_WORK
        && (0..=consumers)
            .map(|busy| phases(busy).powi(3))
            .sum::<f64>()
            <= MOST_WORK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Arrivals, Distribution};
    use crate::theory::{MapPhC, Mmck};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn queue(arrivals: Arrivals, service: Distribution, consumers: u32, places: u64) -> MapPhCK {
        let arrivals = MarkovianArrivals::of(&arrivals).unwrap();
        let service = PhaseType::of(&service).unwrap();
        MapPhCK::new(&arrivals, &service, consumers, places)
            .unwrap()
            .unwrap()
    }

    fn poisson(rate: f64) -> Arrivals {
        Arrivals::poisson(rate).unwrap()
    }

    fn h2(mean: f64, scv: f64) -> Distribution {
        Distribution::hyperexponential_mean_scv(mean, scv).unwrap()
    }

    #[test]
    fn a_pure_loss_stage_does_not_feel_the_service_law() {
        let loss = queue(poisson(5.0), h2(1.0, 4.0), 10, 0);
        assert_relative_eq!(
            loss.loss_probability(),
            0.0183845703366481,
            max_relative = 1e-11
        );
        assert_eq!(loss.queue_length(), 0.0);
    }

    #[test]
    fn bursts_lose_more_than_they_should() {
        // GI/M/c/c: Takács' sum Σ (c over j)/C_j for H2 gaps, c = 2.
        let gap = h2(0.5, 4.0);
        let phi = |s: f64| crate::theory::transform::laplace(&gap, s).unwrap();
        let term = |s: f64| (1.0 - phi(s)) / phi(s);
        let exact = 1.0 / (1.0 + 2.0 * term(1.0) + term(1.0) * term(2.0));
        let service = Distribution::exponential(1.0).unwrap();
        let loss = queue(Arrivals::renewal(gap).unwrap(), service, 2, 0);
        assert_relative_eq!(loss.loss_probability(), exact, max_relative = 1e-11);
    }

    #[test]
    fn quantiles_invert_the_distribution() {
        let bursts = Arrivals::mmpp(vec![4.0, 0.5], vec![3.0, 3.0]).unwrap();
        let queue = queue(bursts, Distribution::erlang(2, 1.0).unwrap(), 2, 6);
        let times = queue.times().unwrap();
        assert_relative_eq!(
            times.waiting_ccdf(0.0),
            queue.wait_probability(),
            max_relative = 1e-10
        );
        for p in [0.5, 0.9, 0.999] {
            let whole = times.sojourn_quantile(p).unwrap();
            assert_relative_eq!(times.sojourn_ccdf(whole), 1.0 - p, max_relative = 1e-8);
        }
        // The mean is the area under the distribution.
        let step = 1e-3;
        let area: f64 = (0..40_000)
            .map(|k| step * times.waiting_ccdf((f64::from(k) + 0.5) * step))
            .sum();
        assert_relative_eq!(area, queue.waiting_mean(), max_relative = 1e-6);
    }

    #[test]
    fn very_many_places_are_as_good_as_unlimited_ones() {
        let arrivals =
            MarkovianArrivals::of(&Arrivals::renewal(h2(1.0 / 1.4, 4.0)).unwrap()).unwrap();
        let service = PhaseType::of(&Distribution::erlang(2, 1.0).unwrap()).unwrap();
        let open = MapPhC::new(&arrivals, &service, 2).unwrap().unwrap();
        let many = MapPhCK::new(&arrivals, &service, 2, 700).unwrap().unwrap();
        assert_relative_eq!(
            many.waiting_mean(),
            open.waiting_mean(),
            max_relative = 1e-9
        );
        assert_relative_eq!(
            many.waiting_variance(),
            open.waiting_variance(),
            max_relative = 1e-9
        );
        let p99 = open.times().waiting_quantile(0.99).unwrap();
        assert_relative_eq!(
            queue_of(&arrivals, &service)
                .times()
                .unwrap()
                .waiting_quantile(0.99)
                .unwrap(),
            p99,
            max_relative = 1e-7
        );
    }

    fn queue_of(arrivals: &MarkovianArrivals, service: &PhaseType) -> MapPhCK {
        MapPhCK::new(arrivals, service, 2, 200).unwrap().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn one_phase_is_m_m_c_k(load in 0.05f64..5.0, c in 1u32..8, places in 0u64..40, mu in 0.1f64..10.0) {
            let lambda = load * mu * f64::from(c);
            let markov = Mmck::new(lambda, mu, c, places).unwrap();
            let found = queue(poisson(lambda), Distribution::exponential(mu).unwrap(), c, places);
            let loss = markov.loss_probability();
            prop_assert!((found.loss_probability() / loss - 1.0).abs() < 1e-9);
            let waits = markov.waiting_mean();
            prop_assert!((found.waiting_mean() - waits).abs() <= 1e-9 * waits);
        }

        #[test]
        fn more_places_lose_less(scv in 1.1f64..9.0, load in 0.2f64..2.0, places in 0u64..10) {
            let at = |places| queue(poisson(2.0 * load), h2(1.0, scv), 2, places);
            let (few, more) = (at(places), at(places + 1));
            prop_assert!(more.loss_probability() < few.loss_probability());
            prop_assert!(more.waiting_mean() > few.waiting_mean());
            prop_assert!(few.waiting_variance() > -1e-12);
        }
    }
}
