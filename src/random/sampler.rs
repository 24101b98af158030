//! How each law is drawn from.

use super::choice::Choice;
use super::distribution::phases::exit_rate;
use super::elementary::CHUNK;
use super::kernels::{
    self, Erlang, Exponential, Gamma, Hyperexponential, LogNormal, Pareto, Triangular, Uniform,
    Weibull,
};
use super::{Distribution, Stream};
use std::sync::Arc;

/// A law with everything worked out that does not change from draw to draw: the common ones in
/// vector instructions (see [`kernels`]), the others one value after the other.
#[derive(Debug, Clone)]
pub(super) enum Sampler {
    Exponential(Exponential),
    Uniform(Uniform),
    Erlang(Erlang),
    Hyperexponential(Hyperexponential),
    LogNormal(LogNormal),
    Gamma(Gamma),
    Weibull(Weibull),
    Pareto(Pareto),
    Triangular(Triangular),
    /// No draw at all.
    Constant {
        value: f64,
    },
    /// A walk through the phases (Coxian, phase-type).
    Walk(PhaseWalk),
    /// A component, then its law.
    Mixture(Mixture),
    /// Any of the values.
    Empirical {
        values: Arc<[f64]>,
    },
    /// Another law plus a constant.
    Shifted {
        by: f64,
        of: Box<Sampler>,
    },
}

impl Sampler {
    /// For a valid law.
    pub(super) fn new(law: &Distribution) -> Self {
        match law {
            Distribution::Exponential { rate } => {
                Sampler::Exponential(Exponential { mean: 1.0 / rate })
            }
            Distribution::Deterministic { value } => Sampler::Constant { value: *value },
            Distribution::Uniform { low, high } => Sampler::Uniform(Uniform {
                low: *low,
                width: high - low,
            }),
            Distribution::Erlang { shape, rate } => erlang(*shape, 1.0 / rate),
            Distribution::Gamma { shape, scale } => Sampler::Gamma(Gamma::new(*shape, *scale)),
            Distribution::LogNormal { mu, sigma } => Sampler::LogNormal(LogNormal {
                mu: *mu,
                sigma: *sigma,
            }),
            Distribution::Weibull { shape, scale } => Sampler::Weibull(Weibull {
                power: 1.0 / shape,
                scale: *scale,
            }),
            Distribution::Pareto { shape, scale } => Sampler::Pareto(Pareto {
                power: 1.0 / shape,
                low: *scale,
                high: f64::INFINITY,
                mass: 1.0,
            }),
            Distribution::BoundedPareto { shape, low, high } => Sampler::Pareto(Pareto {
                power: 1.0 / shape,
                low: *low,
                high: *high,
                mass: -(shape * (low / high).ln()).exp_m1(),
            }),
            Distribution::Triangular { low, mode, high } => Sampler::Triangular(Triangular {
                low: *low,
                mode: *mode,
                high: *high,
            }),
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => Sampler::Hyperexponential(Hyperexponential {
                cumulative: Choice::new(probabilities).cumulative().into(),
                means: rates.iter().map(|rate| 1.0 / rate).collect(),
            }),
            Distribution::Coxian {
                rates,
                probabilities,
            } => Sampler::Walk(PhaseWalk::coxian(rates, probabilities)),
            Distribution::PhaseType { alpha, t } => Sampler::Walk(PhaseWalk::new(alpha, t)),
            Distribution::Mixture {
                weights,
                components,
            } => Sampler::Mixture(Mixture {
                component: Choice::new(weights),
                samplers: components.iter().map(Sampler::new).collect(),
            }),
            Distribution::Empirical { values } => Sampler::Empirical {
                values: Arc::clone(values),
            },
            Distribution::Shifted { by, of } => Sampler::Shifted {
                by: *by,
                of: Box::new(Sampler::new(of)),
            },
        }
    }

    /// Fills `block`, a whole number of chunks, with independent values. The law is looked at once
    /// a block, so that each arm is a tight loop.
    pub(super) fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        match self {
            Sampler::Exponential(law) => kernels::fill(law, stream, block),
            Sampler::Uniform(law) => kernels::fill(law, stream, block),
            Sampler::Erlang(law) => kernels::fill(law, stream, block),
            Sampler::Hyperexponential(law) => kernels::fill(law, stream, block),
            Sampler::LogNormal(law) => kernels::fill(law, stream, block),
            Sampler::Gamma(law) => kernels::fill(law, stream, block),
            Sampler::Weibull(law) => kernels::fill(law, stream, block),
            Sampler::Pareto(law) => kernels::fill(law, stream, block),
            Sampler::Triangular(law) => kernels::fill(law, stream, block),
            Sampler::Constant { value } => block.fill(*value),
            Sampler::Walk(walk) => walk.fill(stream, block),
            Sampler::Mixture(law) => law.fill(stream, block),
            Sampler::Empirical { values } => {
                stream.fill(block);
                let (count, last) = (values.len() as f64, values.len() - 1);
                for slot in block {
                    *slot = values[((*slot * count) as usize).min(last)];
                }
            }
            Sampler::Shifted { by, of } => {
                let by = *by;
                of.fill(stream, block);
                block.iter_mut().for_each(|value| *value += by);
            }
        }
    }
}

/// By a product of uniform numbers where that is cheaper than rejection.
fn erlang(shape: u32, mean_of_phase: f64) -> Sampler {
    if shape <= Erlang::LARGEST {
        return Sampler::Erlang(Erlang {
            shape,
            mean_of_phase,
        });
    }
    Sampler::Gamma(Gamma::new(f64::from(shape), mean_of_phase))
}

/// One of several laws for each value.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    component: Choice,
    samplers: Box<[Sampler]>,
}

impl Mixture {
    /// Draws all choices first, then of each law as many values as it was chosen, so that laws are
    /// drawn from in blocks here too.
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        stream.fill(block);
        let choices: Vec<usize> = block.iter().map(|u| self.component.index(*u)).collect();
        let mut counts = vec![0; self.samplers.len()];
        choices.iter().for_each(|choice| counts[*choice] += 1);
        let (mut values, mut next) = (Vec::new(), Vec::new());
        for (sampler, count) in self.samplers.iter().zip(counts) {
            let first = values.len();
            values.resize(first + usize::next_multiple_of(count, CHUNK), 0.0);
            sampler.fill(stream, &mut values[first..]);
            next.push(first);
        }
        for (slot, choice) in block.iter_mut().zip(choices) {
            *slot = values[next[choice]];
            next[choice] += 1;
        }
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

    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        let mut steps = Steps::default();
        stream.fill(block);
        for slot in block {
            let mut time = 0.0;
            let mut phase = self.start.index(*slot);
            while let Some((stay, next)) = self.phases.get(phase) {
                let (exponential, u) = steps.next(stream);
                time += stay * exponential;
                phase = next.index(u);
            }
            *slot = time;
        }
    }
}

/// What the steps of a walk need by chance, drawn in advance.
struct Steps {
    exponentials: [f64; CHUNK],
    uniforms: [f64; CHUNK],
    used: usize,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            exponentials: [0.0; CHUNK],
            uniforms: [0.0; CHUNK],
            used: CHUNK,
        }
    }
}

impl Steps {
    /// An exponential number of mean 1 and a uniform one.
    #[inline]
    fn next(&mut self, stream: &mut Stream) -> (f64, f64) {
        if self.used == CHUNK {
            kernels::fill(&Exponential { mean: 1.0 }, stream, &mut self.exponentials);
            stream.fill(&mut self.uniforms);
            self.used = 0;
        }
        let at = self.used;
        self.used += 1;
        (self.exponentials[at], self.uniforms[at])
    }
}
