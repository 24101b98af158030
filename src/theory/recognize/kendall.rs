//! A stage's model in Kendall's notation.

use super::Case;
use crate::network::{Balking, Batching, Capacity, Consumers, Discipline, Patience, Reliability};
use crate::random::Arrivals;

impl Case<'_> {
    /// Arrivals/service/consumers, then the most that can be there, what else it does and the order
    /// of service.
    pub fn kendall(&self) -> String {
        if let (true, Some(c)) = (self.clockwork(), self.consumers()) {
            return format!("D/D/{c}");
        }
        let (arrivals, service) = (self.arrival_symbol(), self.law.symbol());
        let servers = match self.stage.consumers {
            Consumers::Finite(c) => c.to_string(),
            Consumers::Unlimited => return format!("{arrivals}/{service}/∞"),
        };
        let extras = self.extras();
        format!(
            "{arrivals}/{service}/{servers}{}{extras}{}",
            self.bound(),
            self.order_words()
        )
    }

    fn bound(&self) -> String {
        let (Consumers::Finite(c), Capacity::Reject(places) | Capacity::Block(places)) =
            (self.stage.consumers, &self.stage.capacity)
        else {
            return String::new();
        };
        format!("/{}", u128::from(c) + u128::from(*places))
    }

    fn extras(&self) -> String {
        let mut text = String::new();
        if let Patience::Limited(law) = &self.stage.extras.patience {
            let symbol = law
                .is_exponential()
                .map_or_else(|| law.name(), |_| "M".to_owned());
            text.push_str(&format!("+{symbol}"));
        }
        if self.stage.extras.balking != Balking::Never {
            text.push_str(" with balking");
        }
        if let Batching::UpTo { size, at_least, .. } = self.stage.extras.batching {
            text.push_str(&format!(" in batches of {at_least} to {size}"));
        }
        if matches!(self.stage.capacity, Capacity::Retry(..)) {
            text.push_str(" retrial");
        }
        if matches!(self.stage.capacity, Capacity::Block(_)) {
            text.push_str(" blocking");
        }
        if self.stage.extras.reliability != Reliability::Perfect {
            text.push_str(" with breakdowns");
        }
        text
    }

    fn order_words(&self) -> &'static str {
        match self.order() {
            Discipline::Fifo => "",
            Discipline::Lifo => " last in, first out",
            Discipline::Random => " random order",
            Discipline::ShortestFirst => " shortest first",
            Discipline::ShortestRemaining => " shortest remaining first",
            Discipline::ProcessorSharing => " processor sharing",
            Discipline::Priority => " priority",
            Discipline::PreemptivePriority => " preemptive priority",
            Discipline::PreemptiveRestart => " preemptive priority with restart",
            Discipline::EarliestDeadline => " earliest deadline first",
        }
    }

    /// M where Poisson or product form; the gap's law of a single producer; Mt where the rate
    /// varies; else G.
    fn arrival_symbol(&self) -> String {
        if self.markovian() {
            return "M".to_owned();
        }
        let only = self.only_producer().map(|producer| &producer.arrivals);
        match only {
            Some(Arrivals::Deterministic { .. }) => "D".to_owned(),
            Some(Arrivals::Renewal { gap }) => gap.name(),
            Some(Arrivals::Schedule(_)) => "Mt".to_owned(),
            Some(Arrivals::Mmpp { .. }) => "MMPP".to_owned(),
            Some(Arrivals::Batch { process, .. }) if process.is_poisson().is_some() => {
                "M^X".to_owned()
            }
            _ => "G".to_owned(),
        }
    }
}
