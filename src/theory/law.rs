//! The service law of a stage: the mixture of its classes' laws.

use super::mg1::ServiceMoments;
use crate::network::{ClassId, Network};
use crate::random::Distribution;

/// The laws of the classes that come to a stage, with their shares.
#[derive(Debug, Clone)]
pub(super) struct StageLaw {
    parts: Vec<(ClassId, f64, Distribution)>,
}

impl StageLaw {
    /// The mixture for orders coming at the given rates, by class.
    pub fn new(network: &Network, stage: usize, rates: &[f64]) -> StageLaw {
        let total: f64 = rates.iter().sum();
        let parts = network.stages[stage].by_class.iter().zip(rates).enumerate();
        let parts = parts
            .filter(|(_, (_, rate))| **rate > 0.0)
            .map(|(k, (at, rate))| (ClassId(k), rate / total, at.service.law().clone()))
            .collect();
        StageLaw { parts }
    }

    /// All classes alike, whether or not they come.
    pub fn of_all(network: &Network, stage: usize) -> StageLaw {
        StageLaw::new(network, stage, &vec![1.0; network.classes.len()])
    }

    /// The classes that come here.
    pub fn classes(&self) -> impl Iterator<Item = (ClassId, f64, &Distribution)> {
        self.parts
            .iter()
            .map(|(class, share, law)| (*class, *share, law))
    }

    /// How many levels of priority the classes have.
    pub fn levels(&self, network: &Network) -> usize {
        let mut levels: Vec<u32> = self
            .parts
            .iter()
            .map(|p| network.classes[p.0.0].priority)
            .collect();
        levels.sort_unstable();
        levels.dedup();
        levels.len()
    }

    /// The law that all classes have in common.
    pub fn common(&self) -> Option<&Distribution> {
        let first = &self.parts.first()?.2;
        let same = self.parts.iter().all(|part| part.2 == *first);
        same.then_some(first)
    }

    /// The law of any order: the common one, or the mixture.
    pub fn whole(&self) -> Distribution {
        match self.common() {
            Some(law) => law.clone(),
            None => Distribution::Mixture {
                weights: self.parts.iter().map(|part| part.1).collect(),
                components: self.parts.iter().map(|part| part.2.clone()).collect(),
            },
        }
    }

    /// The rate, if every class has the same exponential law.
    pub fn exponential(&self) -> Option<f64> {
        let first = self.parts.first()?.2.is_exponential()?;
        let same = self
            .parts
            .iter()
            .all(|part| part.2.is_exponential() == Some(first));
        same.then_some(first)
    }

    /// The symbol in Kendall's notation; G for several different laws.
    pub fn symbol(&self) -> String {
        if self.exponential().is_some() {
            return "M".to_owned();
        }
        self.common()
            .map_or_else(|| "G".to_owned(), Distribution::name)
    }

    fn average(&self, of: impl Fn(&Distribution) -> f64) -> f64 {
        self.parts
            .iter()
            .map(|(_, share, law)| share * of(law))
            .sum()
    }

    /// E\[S\].
    pub fn mean(&self) -> f64 {
        self.average(Distribution::mean)
    }

    /// The first three moments.
    pub fn moments(&self) -> ServiceMoments {
        ServiceMoments {
            first: self.mean(),
            second: self.average(|law| law.moment(2)),
            third: self.average(|law| law.moment(3)),
        }
    }

    /// The variance; that of a single law without the rounding of its moments.
    pub fn variance(&self) -> f64 {
        match self.common() {
            Some(law) => law.variance(),
            None => self.moments().variance(),
        }
    }

    /// The squared coefficient of variation; 0 for service that takes no time.
    pub fn scv(&self) -> f64 {
        let mean = self.mean();
        if mean > 0.0 {
            self.variance() / (mean * mean)
        } else {
            0.0
        }
    }

    /// P(S > t).
    pub fn ccdf(&self, t: f64) -> f64 {
        self.average(|law| law.ccdf(t))
    }

    /// The p-quantile: a single law's own, else the root between the smallest and the largest.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        if let Some(law) = self.common() {
            return Some(law.quantile(p));
        }
        let each = || self.parts.iter().map(|part| part.2.quantile(p));
        let low = each().fold(f64::INFINITY, f64::min);
        let high = each().fold(0.0, f64::max);
        let tail = 1.0 - p;
        (low.is_finite() && high.is_finite())
            .then(|| super::numeric::bisect(|t| self.ccdf(t) > tail, low, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::testing::{Sketch, exponential};
    use approx::assert_relative_eq;

    #[test]
    fn a_mixture_of_two_exponentials_is_hyperexponential() {
        let mut sketch = Sketch::new();
        sketch
            .classes(&[0, 0])
            .stage(1, exponential(1.0))
            .own(0, 1, exponential(4.0));
        let law = StageLaw::new(&sketch.network(), 0, &[1.0, 3.0]);
        let h2 = Distribution::hyperexponential(vec![0.25, 0.75], vec![1.0, 4.0]).unwrap();
        assert_relative_eq!(law.mean(), h2.mean(), max_relative = 1e-12);
        assert_relative_eq!(law.variance(), h2.variance(), max_relative = 1e-12);
        assert_relative_eq!(
            law.quantile(0.9).unwrap(),
            h2.quantile(0.9),
            max_relative = 1e-9
        );
        assert_eq!(law.symbol(), "G");
        assert_eq!(law.exponential(), None);
    }
}
