//! A line before consumers that are all taken: Markovian arrivals, and a Markovian process of
//! consumers taking the next order while there is one.
//!
//! # Formula
//! With n waiting, the phases (of arrivals and of the consumers) have the probabilities π_cRⁿ. The
//! time that the first in line has waited grows while consumers work and falls by a gap when one of
//! them takes it. That is a fluid whose rise and fall has the first-passage phases G of the chain, so
//! that it has the density ν e^(Kt) with ν = π_c(D₁ ⊗ I) and K = I ⊗ S₀ + G(D₁ ⊗ I); an order that
//! waited t is taken at the rate ν e^(Kt)(1 ⊗ S₁1) a second.
//!
//! # Numerics
//! The mean wait comes twice, by this density and by Little's law from the number waiting; a
//! difference is an error.
//!
//! # References
//! S. Asmussen, J. R. Møller (2001), *Calculation of the steady state waiting time distribution in
//! GI/PH/c and MAP/PH/c queues*, Queueing Systems 37, 9–29; G. Horváth, B. Van Houdt, M. Telek (2014),
//! *Commuting matrices in the queue length and sojourn time analysis of MAP/MAP/1 queues*, Stochastic
//! Models 30, 554–575; V. Ramaswami (1999), *Matrix analytic methods for stochastic fluid flows*, ITC 16.

use super::bounded::sub_generator;
use super::elimination::{sojourns, stationary};
use super::qbd::Qbd;
use super::survival::Survival;
use super::{Column, Levels, MarkovianArrivals, Matrix, PhaseType, Row, off_diagonal, row_sums};
use crate::metric::TimeKind;
use crate::theory::sheet::Sheet;
use crate::theory::{Curve, Kind, ModelError};
use std::sync::Arc;

/// Relative difference of two ways to the same figure that is still rounding.
pub(in crate::theory) const ACCURACY: f64 = 1e-7;

/// The consumers while orders wait.
#[derive(Debug, Clone)]
pub(in crate::theory) struct Server {
    /// S₀ off its diagonal: steps in which no order is taken.
    pub inner: Matrix,
    /// S₁: steps in which the next order is taken.
    pub next: Matrix,
}

/// The stationary line.
#[derive(Debug, Clone)]
pub(in crate::theory) struct Line {
    /// The probabilities of the levels without anyone waiting; the last one is that where all
    /// consumers are taken.
    pub levels: Vec<Row>,
    /// The phases while all consumers are taken, however many wait.
    pub full: Row,
    /// λ.
    pub arrival_rate: f64,
    /// Share of orders that wait.
    pub wait_probability: f64,
    /// Lq.
    pub queue_length: f64,
    /// Var of the number waiting.
    pub queue_length_variance: f64,
    /// Var(Wq), first in, first out.
    pub waiting_variance: f64,
    law: Law,
    /// The density of waits at 0+ that are still to come, ν/λ.
    fresh: Row,
    /// (−K)⁻¹(1 ⊗ S₁1).
    left: Column,
}

/// How the wait of the first in line goes on.
#[derive(Debug, Clone)]
struct Law {
    /// G.
    passage: Matrix,
    /// (−I ⊗ S₀)⁻¹.
    untaken: Matrix,
    /// K.
    decay: Matrix,
    /// 1 ⊗ S₁1.
    taken: Column,
}

/// What is known of the waits of some of the orders, first in, first out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SomeWaits {
    /// Their rate, per second.
    pub rate: f64,
    /// The share of them that waits.
    pub probability: f64,
    /// Their mean wait.
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
}

impl Line {
    /// The line behind the given levels; phases of arrivals run slowest.
    ///
    /// # Errors
    /// What does not converge, or is not as accurate as promised.
    pub fn new(
        arrivals: &MarkovianArrivals,
        server: &Server,
        levels: &Levels,
    ) -> Result<Line, ModelError> {
        let (a, s) = (arrivals.phases(), server.next.nrows());
        let (outer, inner) = (Matrix::identity(a, a), Matrix::identity(s, s));
        let chain = Qbd {
            up: arrivals.events.kronecker(&inner),
            local: arrivals.hidden.kronecker(&inner) + outer.kronecker(&server.inner),
            down: outer.kronecker(&server.next),
        };
        let passage = chain.first_passage()?;
        let rate = chain.rate_matrix(&passage)?;
        let mut climb = levels.climb()?;
        if levels.up.is_empty() {
            climb.visits = Matrix::zeros(a * s, a * s);
        }
        let within = off_diagonal(&chain.local + &climb.visits + &chain.up * &passage);
        let levels = climb.descend(stationary(&within)?);
        let decay = outer.kronecker(&sub_generator(server)) + &passage * &chain.up;
        let taken = Column::from_element(a, 1.0).kronecker(&row_sums(&server.next));
        let untaken = outer.kronecker(&sojourns(&server.inner, &row_sums(&server.next))?);
        let law = Law {
            passage,
            untaken,
            decay,
            taken,
        };
        Line::weigh(arrivals, levels, &rate, &chain.up, law)
    }

    /// From probabilities in proportion to the figures.
    fn weigh(
        arrivals: &MarkovianArrivals,
        mut levels: Vec<Row>,
        rate: &Matrix,
        up: &Matrix,
        law: Law,
    ) -> Result<Line, ModelError> {
        let n = rate.nrows();
        let geometric = (Matrix::identity(n, n) - rate).transpose().lu();
        let sum = |row: &Row| {
            let solved = geometric.solve(&row.transpose());
            solved.map(|column| column.transpose()).ok_or(UNSOLVED)
        };
        let full = levels.last().ok_or(UNSOLVED)?;
        // Σ Rⁿ, Σ nRⁿ and Σ n(n − 1)Rⁿ/2 after the level with all taken.
        let all = sum(full)?;
        let once = sum(&(&all * rate))?;
        let twice = sum(&(&once * rate))?;
        let idle: f64 = levels[..levels.len() - 1].iter().map(Row::sum).sum();
        let total = idle + all.sum();
        levels.iter_mut().for_each(|level| *level /= total);
        let arrival_rate = arrivals.rate()?;
        let queue_length = once.sum() / total;
        let fresh = &levels[levels.len() - 1] * up / arrival_rate;
        let waits = (-&law.decay).lu();
        let solve = |column: &Column| waits.solve(column).ok_or(UNSOLVED);
        let left = solve(&law.taken)?;
        let first = solve(&left)?;
        let second = solve(&first)?;
        let mean = queue_length / arrival_rate;
        let line = Line {
            arrival_rate,
            wait_probability: (&all * row_sums(up))[0] / (total * arrival_rate),
            queue_length,
            queue_length_variance: 2.0 * twice.sum() / total + queue_length - queue_length.powi(2),
            waiting_variance: 2.0 * (&fresh * second)[0] - mean * mean,
            full: &all / total,
            levels,
            law,
            left,
            fresh,
        };
        line.checked(&first)
    }

    /// Refuses probabilities of waiting or mean waits that differ between the two ways to them.
    fn checked(self, first: &Column) -> Result<Line, ModelError> {
        let waits = (&self.fresh * &self.left)[0] / self.wait_probability;
        let mean = (&self.fresh * first)[0] * self.arrival_rate / self.queue_length;
        let error = f64::max((waits - 1.0).abs(), (mean - 1.0).abs());
        let probability = (0.0..=1.0 + ACCURACY).contains(&self.wait_probability);
        if error < ACCURACY && probability {
            Ok(self)
        } else {
            Err(ModelError::Inaccurate {
                method: "matrix-geometric solution",
                error,
            })
        }
    }

    /// Wq.
    pub fn waiting_mean(&self) -> f64 {
        self.queue_length / self.arrival_rate
    }

    /// The waits of the orders that come with the given steps among those of the arrivals.
    ///
    /// # Formula
    /// With D the steps, the density g of these orders' waits in line fulfils
    /// g′ = g(I ⊗ S₀) + νe^(Kt)G(D ⊗ I), g(0) = π_c(D ⊗ I); its moments are those of the density ν e^(Kt)
    /// of all, carried over by (−I ⊗ S₀)⁻¹.
    ///
    /// # Errors
    /// A matrix that cannot be inverted.
    pub fn some(
        &self,
        steps: &Matrix,
        arrivals: &MarkovianArrivals,
    ) -> Result<SomeWaits, ModelError> {
        let full = self.levels.last().ok_or(UNSOLVED)?;
        let width = full.len() / steps.nrows();
        let come = steps.kronecker(&Matrix::identity(width, width));
        let rate = (arrivals.stationary()? * row_sums(steps))[0];
        let rises = (-&self.law.decay).transpose().lu();
        let next = |row: &Row| {
            let solved = rises.solve(&row.transpose());
            solved.map(|column| column.transpose()).ok_or(UNSOLVED)
        };
        let behind = |row: &Row| row * &self.law.passage * &come;
        // ∫f, ∫tf and ∫t²f/2 of the density f = ν e^(Kt) of all.
        let all = next(&(&self.fresh * self.arrival_rate))?;
        let once = next(&all)?;
        let twice = next(&once)?;
        let here = full * &come + behind(&all);
        let present = &here * &self.law.untaken;
        let first = &present + behind(&once);
        let second = 2.0 * (&first * &self.law.untaken) + 2.0 * behind(&twice);
        let mean = first.sum() / rate;
        Ok(SomeWaits {
            rate,
            probability: here.sum() / rate,
            mean,
            variance: second.sum() / rate - mean * mean,
        })
    }

    /// The laws of waiting and sojourn, first in, first out, where service goes on by `service` once it
    /// has begun, independently of the wait.
    pub fn times(&self, service: &PhaseType) -> Times {
        let (n, m) = (self.law.taken.len(), service.count());
        let mut matrix = Matrix::zeros(n + m, n + m);
        matrix.view_mut((0, 0), (n, n)).copy_from(&self.law.decay);
        let begun = &self.law.taken * &service.start;
        matrix.view_mut((0, n), (n, m)).copy_from(&begun);
        let serving = service.sub_generator();
        matrix.view_mut((n, n), (m, m)).copy_from(&serving);
        let row = |served: &Row| {
            let cells = self.fresh.iter().chain(served.iter()).copied();
            Row::from_iterator(n + m, cells)
        };
        let column = |served: f64| {
            let cells = self.left.iter().copied();
            Column::from_iterator(n + m, cells.chain(std::iter::repeat_n(served, m)))
        };
        let at_once = 1.0 - self.wait_probability;
        let (wait, sojourn) = (row(&Row::zeros(m)), row(&(&service.start * at_once)));
        let (waiting, whole) = (column(0.0), column(1.0));
        Times {
            survival: Arc::new(Survival::new(matrix, &sojourn, &whole)),
            waiting: Arc::new((wait, waiting)),
            sojourn: Arc::new((sojourn, whole)),
        }
    }
}

const UNSOLVED: ModelError = ModelError::Inaccurate {
    method: "matrix-geometric solution",
    error: f64::INFINITY,
};

/// The laws of the waiting and the sojourn time.
#[derive(Debug, Clone)]
pub(in crate::theory) struct Times {
    survival: Arc<Survival>,
    waiting: Arc<(Row, Column)>,
    sojourn: Arc<(Row, Column)>,
}

impl Times {
    /// P(Wq > t).
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        self.at(&self.waiting, t)
    }

    /// P(W > t).
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        self.at(&self.sojourn, t)
    }

    /// The p-quantile of the waiting time.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        self.survival
            .quantile(&self.waiting.0, &self.waiting.1, 1.0 - p)
    }

    /// The p-quantile of the sojourn time.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        self.survival
            .quantile(&self.sojourn.0, &self.sojourn.1, 1.0 - p)
    }

    /// Writes the quantiles.
    pub fn write(&self, sheet: &mut Sheet) {
        sheet
            .quantiles(
                TimeKind::Waiting,
                |p| self.waiting_quantile(p),
                "root of νe^(Kx)(−K)⁻¹t/λ = 1−p",
            )
            .quantiles(
                TimeKind::Sojourn,
                |p| self.sojourn_quantile(p),
                "root of P(W > x) = 1−p, phase-type",
            );
    }

    /// The distributions of waiting and sojourn time.
    pub fn curves(self, reference: &'static str) -> (Curve, Curve) {
        let waiting = self.clone();
        let curve = |formula, ccdf| Curve {
            kind: Kind::Exact,
            formula,
            reference,
            ccdf,
        };
        (
            curve(
                "P(Wq > t) = νe^(Kt)(−K)⁻¹t/λ",
                Arc::new(move |t| waiting.waiting_ccdf(t)),
            ),
            curve(
                "P(W > t), phase-type",
                Arc::new(move |t| self.sojourn_ccdf(t)),
            ),
        )
    }

    fn at(&self, law: &(Row, Column), t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        self.survival.at(&law.0, &law.1, t).clamp(0.0, 1.0)
    }
}
