//! How each law is drawn from.

use super::choice::Choice;
use super::distribution::phases::exit_rate;
use super::{Distribution, Stream};
use rand_distr::{Distribution as _, Exp1, Gamma, LogNormal};
use std::sync::Arc;

/// A law with everything worked out that does not change from draw to draw.
#[derive(Debug, Clone)]
pub(super) enum Sampler {
    /// The ziggurat method (Marsaglia & Tsang 2000).
    Exponential { mean: f64 },
    /// No draw at all.
    Constant { value: f64 },
    /// Linear in one uniform number.
    Uniform { low: f64, width: f64 },
    /// Marsaglia & Tsang 2001; also Erlang.
    Gamma(Gamma<f64>),
    /// Exponential of a ziggurat normal.
    LogNormal(LogNormal<f64>),
    /// A power of an exponential, which the ziggurat gives faster than a logarithm.
    Weibull { power: f64, scale: f64 },
    /// The exponential of an exponential.
    Pareto { power: f64, scale: f64 },
    /// Inversion by the law's own closed-form quantile (bounded Pareto, triangular).
    Inverse(Distribution),
    /// A phase, then its exponential.
    Hyperexponential { phase: Choice, means: Box<[f64]> },
    /// A walk through the phases (Coxian, phase-type).
    Walk(PhaseWalk),
    /// A component, then its law.
    Mixture {
        component: Choice,
        samplers: Box<[Sampler]>,
    },
    /// Any of the values.
    Empirical { values: Arc<[f64]> },
    /// Another law plus a constant.
    Shifted { by: f64, of: Box<Sampler> },
}

impl Sampler {
    /// For a valid law.
    pub(super) fn new(law: &Distribution) -> Self {
        match law {
            Distribution::Exponential { rate } => Sampler::Exponential { mean: 1.0 / rate },
            Distribution::Deterministic { value } => Sampler::Constant { value: *value },
            Distribution::Uniform { low, high } => Sampler::Uniform {
                low: *low,
                width: high - low,
            },
            Distribution::Erlang { shape, rate } => {
                Sampler::Gamma(Gamma::new(f64::from(*shape), 1.0 / rate).expect("a valid law"))
            }
            Distribution::Gamma { shape, scale } => {
                Sampler::Gamma(Gamma::new(*shape, *scale).expect("a valid law"))
            }
            Distribution::LogNormal { mu, sigma } => {
                Sampler::LogNormal(LogNormal::new(*mu, *sigma).expect("a valid law"))
            }
            Distribution::Weibull { shape, scale } => Sampler::Weibull {
                power: 1.0 / shape,
                scale: *scale,
            },
            Distribution::Pareto { shape, scale } => Sampler::Pareto {
                power: 1.0 / shape,
                scale: *scale,
            },
            Distribution::BoundedPareto { .. } | Distribution::Triangular { .. } => {
                Sampler::Inverse(law.clone())
            }
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => Sampler::Hyperexponential {
                phase: Choice::new(probabilities),
                means: rates.iter().map(|rate| 1.0 / rate).collect(),
            },
            Distribution::Coxian {
                rates,
                probabilities,
            } => Sampler::Walk(PhaseWalk::coxian(rates, probabilities)),
            Distribution::PhaseType { alpha, t } => Sampler::Walk(PhaseWalk::new(alpha, t)),
            Distribution::Mixture {
                weights,
                components,
            } => Sampler::Mixture {
                component: Choice::new(weights),
                samplers: components.iter().map(Sampler::new).collect(),
            },
            Distribution::Empirical { values } => Sampler::Empirical {
                values: Arc::clone(values),
            },
            Distribution::Shifted { by, of } => Sampler::Shifted {
                by: *by,
                of: Box::new(Sampler::new(of)),
            },
        }
    }

    /// Fills `block` with independent values. The law is looked at once a block, so that each arm
    /// is a tight loop.
    pub(super) fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        match self {
            Sampler::Exponential { mean } => fill_exponential(*mean, stream, block),
            Sampler::Constant { value } => block.fill(*value),
            Sampler::Uniform { low, width } => each(block, || low + width * stream.uniform()),
            Sampler::Gamma(law) => each(block, || law.sample(stream)),
            Sampler::LogNormal(law) => each(block, || law.sample(stream)),
            Sampler::Weibull { power, scale } => {
                each(block, || scale * unit_exponential(stream).powf(*power));
            }
            Sampler::Pareto { power, scale } => {
                each(block, || scale * (power * unit_exponential(stream)).exp());
            }
            Sampler::Inverse(law) => each(block, || law.quantile(stream.uniform())),
            Sampler::Hyperexponential { phase, means } => each(block, || {
                means[phase.index(stream.uniform())] * unit_exponential(stream)
            }),
            Sampler::Walk(walk) => each(block, || walk.draw(stream)),
            Sampler::Mixture {
                component,
                samplers,
            } => each(block, || {
                samplers[component.index(stream.uniform())].draw(stream)
            }),
            Sampler::Empirical { values } => each(block, || values[stream.below(values.len())]),
            Sampler::Shifted { by, of } => {
                of.fill(stream, block);
                block.iter_mut().for_each(|value| *value += by);
            }
        }
    }

    /// One value.
    fn draw(&self, stream: &mut Stream) -> f64 {
        let mut one = [0.0];
        self.fill(stream, &mut one);
        one[0]
    }
}

/// A chain of exponential phases until it is absorbed.
#[derive(Debug, Clone)]
pub(super) struct PhaseWalk {
    /// The first phase; one past the last means that the time is 0.
    start: Choice,
    /// Mean stay in each phase and what follows it; one past the last means the end.
    phases: Box<[(f64, Choice)]>,
}

impl PhaseWalk {
    /// From a valid initial vector and sub-generator.
    fn new(alpha: &[f64], t: &[Vec<f64>]) -> Self {
        let atom = (1.0 - alpha.iter().sum::<f64>()).max(0.0);
        // What rounding leaves of a sum of decimals is no atom.
        let atom = if atom > 1e-12 { atom } else { 0.0 };
        let phases = t.iter().enumerate().map(|(phase, row)| {
            let mut next = row.clone();
            next[phase] = 0.0;
            next.push(exit_rate(phase, row));
            let leaving: f64 = next.iter().sum();
            next.iter_mut().for_each(|rate| *rate /= leaving);
            (1.0 / leaving, Choice::new(&next))
        });
        Self {
            start: Choice::new(&[alpha, &[atom]].concat()),
            phases: phases.collect(),
        }
    }

    /// Phases in series that start in the first one and may end after each.
    fn coxian(rates: &[f64], probabilities: &[f64]) -> Self {
        let count = rates.len();
        let phases = rates.iter().enumerate().map(|(phase, rate)| {
            let mut next = vec![0.0; count + 1];
            let go_on = probabilities.get(phase).copied().unwrap_or(0.0);
            next[count] = 1.0 - go_on;
            next[phase + 1] += go_on;
            (1.0 / rate, Choice::new(&next))
        });
        Self {
            start: Choice::new(&[1.0]),
            phases: phases.collect(),
        }
    }

    fn draw(&self, stream: &mut Stream) -> f64 {
        let mut time = 0.0;
        let mut phase = self.start.index(stream.uniform());
        while let Some((stay, next)) = self.phases.get(phase) {
            time += stay * unit_exponential(stream);
            phase = next.index(stream.uniform());
        }
        time
    }
}

#[inline]
fn each(block: &mut [f64], mut draw: impl FnMut() -> f64) {
    for value in block {
        *value = draw();
    }
}

/// The hot loop of most runs. On a copy of the stream, whose state then stays in registers: a
/// third faster than through the reference.
fn fill_exponential(mean: f64, stream: &mut Stream, block: &mut [f64]) {
    let mut local = stream.clone();
    each(block, || mean * unit_exponential(&mut local));
    *stream = local;
}

#[inline]
fn unit_exponential(stream: &mut Stream) -> f64 {
    Exp1.sample(stream)
}
