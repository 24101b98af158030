//! A line of stages with bounded queues behind a first one without a bound: an order that finds the next
//! queue full stays with its consumer, which serves nobody else meanwhile (blocking after service).
//!
//! # References
//! H. G. Perros (1994), *Queueing Networks with Blocking*, chapters 2 and 4; M. F. Neuts (1968), *Two
//! queues in series with a finite, intermediate waitingroom*, Journal of Applied Probability 5, 123–142;
//! G. Latouche, M. F. Neuts (1980), *Efficient algorithmic solutions to exponential tandem queues with
//! blocking*, SIAM J. Algebraic and Discrete Methods 1, 93–106.

use super::error::{ModelError, positive, stable};
use super::matrix::{ACCURACY, Levels, Line, MarkovianArrivals, Matrix, PhaseType, Row, Server};
use super::matrix::{Times, stationary};
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind};
use crate::metric::{Metric, TimeKind};
use std::collections::HashMap;
use std::sync::Arc;

const SOURCE: Source = Source::exact(
    "Latouche, Neuts 1980, SIAM J. Alg. Disc. Meth. 1; Perros 1994, Queueing Networks with Blocking",
);
/// Phases of the chain with the first stage busy that are solved while the user waits.
const MOST_PHASES: usize = 120;
/// Cubes of the numbers of phases of all levels together.
const MOST_WORK: f64 = 4e7;

/// One stage of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineStage {
    /// c.
    pub consumers: u32,
    /// μ of one consumer.
    pub service_rate: f64,
    /// How many may wait here, those with a consumer excluded; the first stage has no bound.
    pub places: u32,
    /// The probability of going on to the next stage of the line; other orders leave.
    pub onward: f64,
}

/// What a line does with any number of orders waiting before it.
#[derive(Debug, Clone)]
pub struct BlockingLine {
    stages: Vec<LineStage>,
    /// By number of busy consumers at the first stage: the states of the rest.
    states: Vec<Vec<State>>,
    server: Server,
    capacity: f64,
}

/// Orders at the stages behind the first one, and blocked consumers of each but the last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    present: Vec<u32>,
    blocked: Vec<u32>,
}

/// A line in steady state.
///
/// # Domain
/// Exponential service; Markovian arrivals at the first stage, at less than the line can take
/// ([`BlockingLine::capacity`]); so few places that the chain has at most 120 phases.
///
/// # Formula
/// The number at the first stage and the state of the others are a quasi-birth-death chain; its
/// probabilities are π_cRⁿ. The line can take θ = πS₁1 orders a second, π being the probabilities of the
/// others' states while orders always wait before the first stage, and S₁ the rates of taking the next.
///
/// # Numerics
/// R from G by logarithmic reduction without a subtraction; the flow into every stage is checked against
/// the arrival rate to 10⁻⁷.
///
/// ```
/// use orderline::random::Arrivals;
/// use orderline::theory::{BlockedLine, BlockingLine, LineStage, MarkovianArrivals};
/// let stage = LineStage { consumers: 1, service_rate: 1.0, places: 0, onward: 1.0 };
/// let line = BlockingLine::new(&[stage, stage])?.unwrap();
/// assert!((line.capacity() - 2.0 / 3.0).abs() < 1e-12);
/// let poisson = MarkovianArrivals::of(&Arrivals::poisson(0.5)?).unwrap();
/// let line = BlockedLine::new(line, &poisson)?;
/// assert!((line.number_in_system(0) - 2.3).abs() < 1e-10);
/// assert!((line.number_in_system(1) - 0.5).abs() < 1e-10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockedLine {
    stages: Vec<LineStage>,
    visits: Vec<Visits>,
    first: Line,
}

/// What happens at one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Visits {
    /// Orders per second.
    rate: f64,
    present: f64,
    waiting: f64,
    /// Orders per second that find every consumer taken.
    delayed: f64,
}

impl BlockingLine {
    /// A line of at least two stages; `None` where it has too many states.
    ///
    /// # Errors
    /// Fewer than two stages, no consumers, or a rate or probability out of range.
    pub fn new(stages: &[LineStage]) -> Result<Option<BlockingLine>, ModelError> {
        if stages.len() < 2 {
            let (name, value) = ("stages of a line", stages.len() as f64);
            return Err(ModelError::Domain { name, value });
        }
        for stage in stages {
            positive("consumers", f64::from(stage.consumers))?;
            positive("service rate", stage.service_rate)?;
            if !(stage.onward > 0.0 && stage.onward <= 1.0) {
                let (name, value) = ("probability of going on", stage.onward);
                return Err(ModelError::Domain { name, value });
            }
        }
        let first = stages[0].consumers;
        let mut states = Vec::new();
        let mut work = 0.0;
        for busy in 0..=first {
            let Some(level) = states_of(stages, busy) else {
                return Ok(None);
            };
            work += (level.len() as f64).powi(3);
            states.push(level);
        }
        if work > MOST_WORK {
            return Ok(None);
        }
        let mut line = BlockingLine {
            stages: stages.to_vec(),
            states,
            server: Server {
                inner: Matrix::zeros(0, 0),
                next: Matrix::zeros(0, 0),
            },
            capacity: 0.0,
        };
        line.server = Server {
            inner: line.rates(first, first, false),
            next: line.rates(first, first, true),
        };
        let chances = stationary(&(&line.server.inner + &line.server.next))?;
        line.capacity = (chances * &line.server.next).sum();
        Ok(Some(line))
    }

    /// θ: the orders per second that the line takes when there are always some waiting.
    pub fn capacity(&self) -> f64 {
        self.capacity
    }

    /// The rates between the states with so many busy consumers at the first stage: those at which it
    /// keeps its orders, or those at which one goes and, if as many are busy afterwards, another comes.
    fn rates(&self, from: u32, to: u32, goes: bool) -> Matrix {
        let (rows, columns) = (&self.states[from as usize], &self.states[to as usize]);
        let index: HashMap<&State, usize> = columns.iter().zip(0..).collect();
        let mut rates = Matrix::zeros(rows.len(), columns.len());
        for (row, state) in rows.iter().enumerate() {
            for step in self.steps(state, from) {
                if let (true, Some(&column)) = (step.goes == goes, index.get(&step.state)) {
                    rates[(row, column)] += step.rate;
                }
            }
        }
        rates
    }

    /// All that can happen next behind so many busy consumers of the first stage.
    fn steps(&self, state: &State, busy: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        for (i, stage) in self.stages.iter().enumerate() {
            let present = if i == 0 { busy } else { state.present[i - 1] };
            let held = state.blocked.get(i).copied().unwrap_or(0);
            let serving = present.min(stage.consumers) - held;
            let rate = f64::from(serving) * stage.service_rate;
            let last = i + 1 == self.stages.len();
            let onward = if last { 0.0 } else { stage.onward };
            for (onward, share) in [(true, onward), (false, 1.0 - onward)] {
                if rate * share > 0.0 {
                    let mut step = Step {
                        state: state.clone(),
                        rate: rate * share,
                        goes: false,
                        entered: Vec::new(),
                    };
                    self.finish(&mut step, i, onward);
                    steps.push(step);
                }
            }
        }
        steps
    }

    /// An order's service at a stage ends.
    fn finish(&self, step: &mut Step, stage: usize, onward: bool) {
        if onward && step.state.present[stage] >= self.room(stage + 1) {
            step.state.blocked[stage] += 1;
            return;
        }
        if onward {
            self.enter(step, stage + 1);
        }
        self.leave(step, stage);
    }

    fn enter(&self, step: &mut Step, stage: usize) {
        let present = &mut step.state.present[stage - 1];
        step.entered
            .push((stage, *present >= self.stages[stage].consumers));
        *present += 1;
    }

    /// An order leaves a stage, and one that was blocked before it takes its place.
    fn leave(&self, step: &mut Step, stage: usize) {
        if stage == 0 {
            step.goes = true;
            return;
        }
        step.state.present[stage - 1] -= 1;
        if step.state.blocked[stage - 1] > 0 {
            step.state.blocked[stage - 1] -= 1;
            self.enter(step, stage);
            self.leave(step, stage - 1);
        }
    }

    /// How many can be at a stage.
    fn room(&self, stage: usize) -> u32 {
        room(&self.stages[stage])
    }

    /// The levels with an idle consumer at the first stage.
    fn levels(&self, arrivals: &MarkovianArrivals) -> Levels {
        let phases = Matrix::identity(arrivals.phases(), arrivals.phases());
        let mut levels = Levels::default();
        for busy in 0..self.stages[0].consumers {
            let inner = self.rates(busy, busy, false);
            let rest = Matrix::identity(inner.nrows(), inner.nrows());
            let local = arrivals.hidden.kronecker(&rest) + phases.kronecker(&inner);
            levels.local.push(local);
            levels.up.push(arrivals.events.kronecker(&self.begin(busy)));
            let done = self.rates(busy + 1, busy, true);
            levels.down.push(phases.kronecker(&done));
        }
        levels
    }

    /// One more consumer of the first stage gets busy.
    fn begin(&self, busy: u32) -> Matrix {
        let (rows, columns) = (&self.states[busy as usize], &self.states[busy as usize + 1]);
        let index: HashMap<&State, usize> = columns.iter().zip(0..).collect();
        let mut chances = Matrix::zeros(rows.len(), columns.len());
        for (row, state) in rows.iter().enumerate() {
            if let Some(&column) = index.get(state) {
                chances[(row, column)] = 1.0;
            }
        }
        chances
    }
}

/// Something that happens in a line.
struct Step {
    state: State,
    rate: f64,
    /// Whether an order leaves the first stage.
    goes: bool,
    /// Stages that an order comes to, and whether it has to wait there.
    entered: Vec<(usize, bool)>,
}

fn room(stage: &LineStage) -> u32 {
    stage.consumers.saturating_add(stage.places)
}

/// All states behind so many busy consumers of the first stage; `None` where there are too many.
fn states_of(stages: &[LineStage], busy: u32) -> Option<Vec<State>> {
    let empty = State {
        present: Vec::new(),
        blocked: Vec::new(),
    };
    let mut states = vec![(empty, busy)];
    for i in 1..stages.len() {
        let (before, room) = (stages[i - 1].consumers, room(&stages[i]));
        let mut longer = Vec::new();
        for (state, count) in &states {
            let held = (*count).min(before);
            if states.len() as f64 * (f64::from(room) + f64::from(held)) > 1e5 {
                return None;
            }
            for (present, blocked) in (0..=room)
                .map(|present| (present, 0))
                .chain((1..=held).map(|blocked| (room, blocked)))
            {
                let mut next = state.clone();
                next.present.push(present);
                next.blocked.push(blocked);
                longer.push((next, present));
            }
        }
        states = longer;
    }
    let few = states.len() <= MOST_PHASES;
    few.then(|| states.into_iter().map(|(state, _)| state).collect())
}

impl BlockedLine {
    /// The line behind these arrivals.
    ///
    /// # Errors
    /// Arrivals at or above its capacity, or a solution that fails a check.
    pub fn new(
        line: BlockingLine,
        arrivals: &MarkovianArrivals,
    ) -> Result<BlockedLine, ModelError> {
        let rate = positive("arrival rate", arrivals.rate()?)?;
        stable(rate / line.capacity)?;
        let first = Line::new(arrivals, &line.server, &line.levels(arrivals))?;
        let mut visits = vec![Visits::default(); line.stages.len()];
        visits[0] = Visits {
            rate,
            present: first.queue_length,
            waiting: first.queue_length,
            delayed: rate * first.wait_probability,
        };
        let full = first.levels.len() - 1;
        for (level, chances) in first.levels[..full].iter().chain([&first.full]).enumerate() {
            count(&line, level as u32, chances, &mut visits);
        }
        let blocked = BlockedLine {
            stages: line.stages,
            visits,
            first,
        };
        blocked.checked()
    }

    /// Every stage gets what goes on from the one before it.
    fn checked(self) -> Result<BlockedLine, ModelError> {
        let pairs = self.visits.windows(2).zip(&self.stages);
        let error = pairs
            .map(|(pair, stage)| (pair[1].rate / (pair[0].rate * stage.onward) - 1.0).abs())
            .fold(0.0, f64::max);
        if error < ACCURACY {
            Ok(self)
        } else {
            let method = "matrix-geometric solution of a line with blocking";
            Err(ModelError::Inaccurate { method, error })
        }
    }

    /// L of a stage; a blocked order counts at the stage whose consumer it holds.
    pub fn number_in_system(&self, stage: usize) -> f64 {
        self.visits[stage].present
    }

    /// Lq of a stage.
    pub fn queue_length(&self, stage: usize) -> f64 {
        self.visits[stage].waiting
    }

    /// P(wait > 0) of the orders that come to a stage.
    pub fn wait_probability(&self, stage: usize) -> f64 {
        self.visits[stage].delayed / self.visits[stage].rate
    }

    /// The waiting time at the first stage, first in, first out.
    pub(super) fn times(&self) -> Option<Times> {
        let service = PhaseType::of_rate(self.stages[0].service_rate)?;
        Some(self.first.times(&service))
    }

    /// The figures of a stage.
    pub(super) fn figures(&self, stage: usize, fifo: bool) -> Figures {
        let (visits, at) = (&self.visits[stage], &self.stages[stage]);
        let load = visits.rate / (f64::from(at.consumers) * at.service_rate);
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(
                Metric::Utilization,
                load,
                "ρ = λE[S]/c, time blocked excluded",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability(stage),
                "rate of orders that find all consumers taken, over λ",
            )
            .put(
                Metric::LossProbability,
                0.0,
                "0: an order that finds no room waits",
            )
            .put(
                Metric::QueueLength,
                visits.waiting,
                "Lq = Σ (n−c)⁺π, A₀+RA₁+R²A₂ = 0",
            )
            .put(
                Metric::NumberInSystem,
                visits.present,
                "L = Σ nπ, blocked ones included",
            )
            .mean(TimeKind::Waiting, visits.waiting / visits.rate, "Wq = Lq/λ")
            .mean(
                TimeKind::Sojourn,
                visits.present / visits.rate,
                "W = L/λ, time blocked included",
            );
        if let (0, true, Some(times)) = (stage, fifo, self.times()) {
            sheet
                .variance(
                    TimeKind::Waiting,
                    self.first.waiting_variance,
                    "2ν(−K)⁻³t/λ − Wq²",
                )
                .quantiles(
                    TimeKind::Waiting,
                    |p| times.waiting_quantile(p),
                    "root of νe^(Kx)(−K)⁻¹t/λ = 1−p",
                );
        }
        sheet.finish()
    }

    /// P(Wq > t) at the first stage, first in, first out.
    pub(super) fn waiting_curve(&self) -> Option<Curve> {
        let times = self.times()?;
        Some(Curve {
            kind: Kind::Exact,
            formula: "P(Wq > t) = νe^(Kt)(−K)⁻¹t/λ",
            reference: SOURCE.reference,
            ccdf: Arc::new(move |t| times.waiting_ccdf(t)),
        })
    }
}

/// Adds what happens while so many consumers of the first stage are busy.
fn count(line: &BlockingLine, busy: u32, chances: &Row, visits: &mut [Visits]) {
    let states = &line.states[busy as usize];
    for (k, chance) in chances.iter().enumerate() {
        let state = &states[k % states.len()];
        visits[0].present += chance * f64::from(busy);
        for (i, &present) in state.present.iter().enumerate() {
            let at = &mut visits[i + 1];
            let waiting = present.saturating_sub(line.stages[i + 1].consumers);
            at.present += chance * f64::from(present);
            at.waiting += chance * f64::from(waiting);
        }
        for step in line.steps(state, busy) {
            for (stage, waits) in step.entered {
                visits[stage].rate += chance * step.rate;
                visits[stage].delayed += if waits { chance * step.rate } else { 0.0 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Arrivals, Distribution};
    use crate::theory::Mmc;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn stage(service_rate: f64, consumers: u32, places: u32) -> LineStage {
        LineStage {
            consumers,
            service_rate,
            places,
            onward: 1.0,
        }
    }

    fn line(stages: &[LineStage]) -> BlockingLine {
        BlockingLine::new(stages).unwrap().unwrap()
    }

    fn poisson(rate: f64) -> MarkovianArrivals {
        MarkovianArrivals::poisson(rate)
    }

    #[test]
    fn figures_of_truncated_chains() {
        let at = BlockedLine::new(line(&[stage(1.0, 1, 0), stage(1.2, 1, 3)]), &poisson(0.7));
        let at = at.unwrap();
        assert_relative_eq!(at.number_in_system(0), 2.84718093, max_relative = 3e-9);
        assert_relative_eq!(at.number_in_system(1), 1.19822285, max_relative = 4e-9);
    }

    #[test]
    fn published_capacities_of_lines() {
        // Hunt 1956, Sequential arrays of waiting lines, Oper. Res. 4: two and three stages without places.
        let equal = |n: usize| vec![stage(1.0, 1, 0); n];
        assert_relative_eq!(line(&equal(2)).capacity(), 2.0 / 3.0, max_relative = 1e-12);
        assert_relative_eq!(
            line(&equal(3)).capacity(),
            22.0 / 39.0,
            max_relative = 1e-12
        );
        // With q places between two equal stages: (q + 2)/(q + 3).
        for places in [1u32, 5, 40] {
            let two = line(&[stage(1.0, 1, 0), stage(1.0, 1, places)]);
            let q = f64::from(places);
            assert_relative_eq!(two.capacity(), (q + 2.0) / (q + 3.0), max_relative = 1e-11);
        }
    }

    #[test]
    fn overload_is_refused() {
        let two = line(&[stage(1.0, 1, 0), stage(1.0, 1, 0)]);
        assert!(BlockedLine::new(two.clone(), &poisson(0.67)).is_err());
        let heavy = BlockedLine::new(two, &poisson(0.6666)).unwrap();
        assert!(heavy.number_in_system(0) > 1000.0);
    }

    #[test]
    fn large_lines_are_left_to_others() {
        assert!(
            BlockingLine::new(&[stage(1.0, 1, 0), stage(1.0, 1, 1000)])
                .unwrap()
                .is_none()
        );
        assert!(
            BlockingLine::new(&[stage(1.0, 1, 0), stage(1.0, 1, u32::MAX)])
                .unwrap()
                .is_none()
        );
        assert!(BlockingLine::new(&[stage(1.0, 1, 0)]).is_err());
    }

    #[test]
    fn other_arrivals_and_several_consumers_keep_the_flow() {
        let gap = Distribution::erlang(2, 1.0).unwrap();
        let arrivals = MarkovianArrivals::of(&Arrivals::renewal(gap).unwrap()).unwrap();
        let stages = [stage(0.8, 2, 0), stage(0.5, 3, 1), stage(1.5, 1, 1)];
        let at = BlockedLine::new(line(&stages), &arrivals).unwrap();
        assert!(at.visits.iter().all(|v| (v.rate - 1.0).abs() < 1e-10));
        assert!(at.number_in_system(0) > 1.0 / 0.8);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn many_places_make_a_jackson_tandem(rho in 0.05f64..0.5, second in 1.0f64..3.0, c in 1u32..3) {
            let stages = [stage(1.0, c, 0), stage(second, c, 40)];
            let at = BlockedLine::new(line(&stages), &poisson(rho * f64::from(c))).unwrap();
            for (k, mu) in [1.0, second].into_iter().enumerate() {
                let one = Mmc::new(rho * f64::from(c), mu, c).unwrap();
                prop_assert!((at.number_in_system(k) / one.number_in_system() - 1.0).abs() < 1e-8);
                prop_assert!((at.wait_probability(k) / one.wait_probability() - 1.0).abs() < 1e-8);
            }
        }

        #[test]
        fn more_places_never_hurt(places in 0u32..8, mu in 0.5f64..2.0, rho in 0.05f64..0.95) {
            let at = |places| line(&[stage(1.0, 1, 0), stage(mu, 1, places)]);
            prop_assert!(at(places + 1).capacity() > at(places).capacity());
            prop_assert!(at(places).capacity() < mu.min(1.0));
            let arrivals = poisson(rho * at(places).capacity());
            let few = BlockedLine::new(at(places), &arrivals).unwrap();
            let more = BlockedLine::new(at(places + 1), &arrivals).unwrap();
            prop_assert!(more.number_in_system(0) < few.number_in_system(0));
        }
    }
}
