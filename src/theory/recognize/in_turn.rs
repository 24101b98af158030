//! Messages that go to the consumers in turn, whoever is free.

use super::model::Candidate;
use super::two_moments::with_exponential_tail;
use super::{Answer, Case, Fit, Model};
use crate::metric::Metric;
use crate::network::{Acknowledgement, Broker, Capacity, Commitment, Extras};
use crate::random::Distribution;
use crate::theory::flow::Flow;
use crate::theory::{Figures, GiGc, GiMc, Kind, Reason, Turn};

pub(super) const IN_TURN: Candidate = Candidate {
    model: &Model {
        name: "GI/M/c in turn",
        conditions: "`prefetch` or `high_water_mark` so large that it is hardly ever reached, or `partitions` one after the other; first in, first out; exact for Poisson arrivals and one exponential law if it is never reached (less than 1 in 10¹²), else an approximation by two moments",
        gives: "what the queue of each consumer (or group of `threads`) gives, that gets every m-th order",
        kind: Kind::Exact,
        source: "Kendall 1953; Takács 1962, Introduction to the Theory of Queues, 2 (GI/M/c, here with Erlang gaps); Krämer and Langenbach-Belz 1976",
        tests: &[
            "in_turn_every_consumer_has_a_queue_of_erlang_gaps",
            "in_turn_by_the_markov_chain",
        ],
    },
    fit: in_turn,
};

/// Share of the orders that may find the window full for that not to be seen in any run.
const NEVER: f64 = 1e-12;
/// The same for that hardly to matter.
const SELDOM: f64 = 1e-3;

fn in_turn(case: &Case<'_>) -> Fit {
    let Some(line) = Line::of(case) else {
        return Ok(None);
    };
    let rate = case.rate / line.members;
    let gap = Distribution::erlang(line.members as u32, 1.0 / rate).ok();
    let exponential = case.law.exponential().filter(|_| case.poisson());
    let exact = gap.zip(exponential);
    let exact = exact.and_then(|(gap, mu)| GiMc::new(&gap, mu, line.threads).ok().flatten());
    let answer = match exact {
        Some(model) => {
            let past = 1.0 - model.decay() / (f64::from(line.threads) / case.law.mean());
            let full = model.wait_probability() * past.powf(line.room);
            let mut figures = model.figures(Turn::FirstIn);
            line.check(case, full, model.sojourn_ccdf(line.timeout))?;
            if full > NEVER {
                degrade(&mut figures);
            }
            let mut answer = Answer::new(figures);
            if full <= NEVER {
                let (waiting, sojourn) = model.curves();
                (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
            }
            answer
        }
        None => {
            let scv = match case.flow() {
                Flow::TwoMoment(scv) => *scv,
                _ if case.stationary() => 1.0,
                _ => return Ok(None),
            };
            let (mean, spread) = (case.law.mean(), case.law.scv());
            if !spread.is_finite() {
                return Err(Reason::InfiniteVariance);
            }
            let model = GiGc::new(rate, scv / line.members, mean, spread, line.threads);
            let model = model.map_err(|error| Reason::Conditions { error })?;
            let answer = with_exponential_tail(model.figures(Turn::FirstIn), Turn::FirstIn);
            let beyond = |time: f64| answer.waiting.as_ref().map_or(0.0, |curve| curve.at(time));
            let full = beyond(line.room * mean / f64::from(line.threads));
            line.check(case, full, beyond(line.timeout))?;
            answer
        }
    };
    Ok(Some(line.put_together(case, answer)))
}

/// What a stage whose consumers are served in turn is made of.
struct Line {
    members: f64,
    threads: u32,
    /// Messages that may wait at a member.
    room: f64,
    /// Seconds after which a message that is not acknowledged is delivered again.
    timeout: f64,
}

impl Line {
    fn of(case: &Case<'_>) -> Option<Line> {
        let extras = &case.stage.extras;
        let broker = &extras.broker;
        let Commitment::Push { prefetch } = broker.commitment else {
            return None;
        };
        let others = Extras {
            broker: Broker {
                commitment: Commitment::OnDemand,
                threads: 1,
                acknowledgement: Broker::default().acknowledgement,
                ..broker.clone()
            },
            ..extras.clone()
        };
        let plain = others.is_plain() && case.stage.capacity == Capacity::Unbounded;
        let (Some(consumers), Some(Turn::FirstIn), true) = (case.consumers(), case.turn(), plain)
        else {
            return None;
        };
        Some(Line {
            members: f64::from(consumers / broker.threads),
            threads: broker.threads,
            room: f64::from(prefetch) - f64::from(broker.threads),
            timeout: match broker.acknowledgement {
                Acknowledgement::PerMessage { timeout } => timeout,
                _ => f64::INFINITY,
            },
        })
    }

    /// That neither the window nor the time until messages are delivered again matters.
    fn check(&self, case: &Case<'_>, full: f64, late: f64) -> Result<(), Reason> {
        let violated = |feature, why| Reason::Violated {
            place: case.stage.name.clone(),
            feature,
            why,
        };
        if full > SELDOM {
            let why = "consumers often have all the messages that they may, and others get theirs";
            return Err(violated("prefetch", why));
        }
        if self.timeout.is_finite() && late > NEVER {
            let why = "messages wait so long at a consumer that they are delivered twice";
            return Err(violated("visibility_timeout", why));
        }
        Ok(())
    }

    /// The stage, of which this is one of several equal queues.
    fn put_together(&self, case: &Case<'_>, mut answer: Answer) -> Answer {
        for metric in [Metric::QueueLength, Metric::NumberInSystem] {
            if let Some(figure) = answer.figures.get_mut(&metric) {
                figure.value *= self.members;
            }
        }
        let (m, law) = (self.members, case.law.symbol());
        let gaps = if case.poisson() {
            format!("E{m}")
        } else {
            "G".to_owned()
        };
        answer.named(format!("{m} × {gaps}/{law}/{} in turn", self.threads))
    }
}

fn degrade(figures: &mut Figures) {
    for figure in figures.values_mut() {
        figure.kind = figure.kind.max(Kind::Approximation);
    }
}
