//! Orders that enter as a script says, instead of by chance.

use super::arriving::Sent;
use crate::network::Network;
use crate::sim::script::Script;

/// The orders of a script in the order of time, with the numbers that they have in the script.
#[derive(Debug)]
pub(super) struct Entrances<'s> {
    script: &'s Script,
    /// Numbers of the orders, the first to enter first.
    sequence: Vec<usize>,
    entered: usize,
}

impl<'s> Entrances<'s> {
    pub(super) fn of(script: &'s Script) -> Entrances<'s> {
        let mut sequence: Vec<usize> = (0..script.orders.len()).collect();
        // Stable: of those that enter at the same instant the lower number goes first.
        sequence.sort_by(|a, b| {
            let time = |number: &usize| script.orders[*number].entered;
            time(a).total_cmp(&time(b))
        });
        Entrances {
            script,
            sequence,
            entered: 0,
        }
    }

    /// When they enter, ascending.
    pub(super) fn times(&self) -> Vec<f64> {
        let numbers = self.sequence.iter();
        numbers
            .map(|number| self.script.orders[*number].entered)
            .collect()
    }

    /// The next to enter, and the stage that its producer sends to.
    pub(super) fn next(&mut self, network: &Network) -> Option<(Sent, usize)> {
        let number = *self.sequence.get(self.entered)?;
        self.entered += 1;
        let order = &self.script.orders[number];
        let producer = order.producer as usize;
        let to = match producer.checked_sub(network.producers.len()) {
            None => network.producers[producer].to,
            Some(population) => network.populations[population].to,
        };
        let sent = Sent {
            number: number as u64,
            producer: order.producer,
            class: order.class,
            size: order.size,
            held: order.held,
        };
        Some((sent, to.0))
    }
}
