//! How a broker hands the messages of a stage over: one model of delivery for all systems.
//!
//! A message passes, in this order: the way to the broker ([`Costs::network`]), the producer's batch
//! ([`Costs::linger`]), the broker's writer ([`Costs::persistence`]), the confirmation
//! ([`Costs::confirm`]), the delay asked for ([`Costs::delay`]); then it is available in its lane ([`Store`]). From there it is committed to
//! a member of the group of consumers ([`Commitment`]), handed over ([`Costs::handover`]), worked on,
//! and acknowledged ([`Acknowledgement`]).

use crate::random::Distribution;

/// How the messages of a stage are stored, handed over and acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct Broker {
    /// The system whose defaults were taken.
    pub system: System,
    /// Where messages wait.
    pub store: Store,
    /// When a message becomes some consumer's.
    pub commitment: Commitment,
    /// Consumers that share what is committed to them, as the threads of one process do; at least 1.
    pub threads: u32,
    /// When the broker forgets a message.
    pub acknowledgement: Acknowledgement,
    /// Seconds until what a dead consumer held is delivered again; at least 0.
    pub detection: f64,
    /// Seconds for which nobody gets a message when consumers come or go; at least 0.
    pub rebalance: f64,
    /// What becomes of orders from outside that find a queue that blocks full.
    pub outside: Outside,
    /// Which messages past their time to live are found.
    pub expiry: Expiry,
    /// Whether messages survive a crash of the broker.
    pub durable: bool,
    /// Whether the consumers notice that they have done a message's work before, and then drop it.
    pub idempotent: bool,
    /// Whether messages are only seen after a transaction of the producer.
    pub transaction: Transactions,
    /// What handing over takes.
    pub costs: Costs,
    /// Whether the broker fails by chance.
    pub outages: Outages,
}

/// A broker system, or the ideal queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// The queue of the textbooks: no costs, nothing committed ahead, nothing lost.
    Memory,
    /// RabbitMQ.
    RabbitMq,
    /// Apache Kafka.
    Kafka,
    /// Apache ActiveMQ Classic.
    ActiveMq,
    /// Apache RocketMQ.
    RocketMq,
    /// ZeroMQ PUSH and PULL sockets.
    ZeroMq,
}

/// Where messages wait until they are committed.
#[derive(Debug, Clone, PartialEq)]
pub enum Store {
    /// In one queue for all consumers.
    Shared,
    /// In lanes, each served by one member of the group alone.
    Partitions {
        /// How many; at least 1.
        count: u32,
        /// Which one a message goes to.
        by: PartitionBy,
    },
}

/// Which lane a message goes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PartitionBy {
    /// One after the other.
    RoundRobin,
    /// Any, with equal probability: many keys, each rare.
    Hash,
    /// By the hash of its key; the k-th of `keys` keys has a probability proportional to k^-`exponent`
    /// (Zipf; 0 is uniform).
    Key {
        /// How many keys there are; at least 1.
        keys: u32,
        /// The exponent; at least 0.
        exponent: f64,
    },
}

/// Keys that are looked at one by one. Those beyond are so rare that, spread by a hash, each lane gets
/// its share of them.
const KEYS_APART: u32 = 1 << 20;

impl PartitionBy {
    /// The share of the messages that goes to each of `count` lanes; adds up to 1. Which key is in which
    /// lane is the same for every run: that of a fixed hash of its rank.
    ///
    /// ```
    /// use orderline::network::PartitionBy;
    /// assert_eq!(PartitionBy::RoundRobin.weights(4), [0.25; 4]);
    /// // One key: one lane gets it all.
    /// let one = PartitionBy::Key { keys: 1, exponent: 1.0 }.weights(4);
    /// assert_eq!(one.iter().filter(|&&weight| weight == 1.0).count(), 1);
    /// ```
    pub fn weights(&self, count: u32) -> Vec<f64> {
        let lanes = f64::from(count);
        let PartitionBy::Key { keys, exponent } = *self else {
            return vec![1.0 / lanes; count as usize];
        };
        let apart = keys.min(KEYS_APART);
        let mut weights = vec![tail_of_powers(apart, keys, exponent) / lanes; count as usize];
        // The rare ones first: small numbers are added to small ones.
        for key in (1..=apart).rev() {
            weights[lane_of(key, count)] += f64::from(key).powf(-exponent);
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        weights
    }
}

/// The lane of the key of a rank (from 1), of so many lanes: by the finalizer of SplitMix64 (Steele,
/// Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
fn lane_of(key: u32, lanes: u32) -> usize {
    let mut hash = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    ((u128::from(hash) * u128::from(lanes)) >> 64) as usize
}

/// The sum of k^-`exponent` for `after` < k ≤ `upto`, by the integral from midpoint to midpoint, which
/// so far out differs from it by a share of less than 10⁻¹⁰.
fn tail_of_powers(after: u32, upto: u32, exponent: f64) -> f64 {
    if after == upto {
        return 0.0;
    }
    let (low, high) = (f64::from(after) + 0.5, f64::from(upto) + 0.5);
    if exponent == 1.0 {
        return (high / low).ln();
    }
    let power = 1.0 - exponent;
    (high.powf(power) - low.powf(power)) / power
}

/// When a message becomes some consumer's, who then gets it and nobody else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Commitment {
    /// When a consumer is free.
    OnDemand,
    /// At once, in turn, to each member that holds fewer than `prefetch` unacknowledged messages;
    /// `u32::MAX` is no limit.
    Push {
        /// At least 1.
        prefetch: u32,
    },
    /// A member that has begun all it was given and has a free consumer asks for more, and gets at most
    /// `batch`; when there are fewer than `at_least` the broker answers after `wait` seconds with what
    /// there is, if anything.
    Pull {
        /// At least 1.
        batch: u32,
        /// At least 1, at most `batch`.
        at_least: u32,
        /// At least 0.
        wait: f64,
    },
    /// When it is sent, in turn, to each consumer whose buffer holds fewer than `high_water_mark`.
    AtSend {
        /// At least 1.
        high_water_mark: u32,
    },
}

/// When the broker forgets a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Acknowledgement {
    /// As soon as it is committed: what a dead consumer held is lost.
    OnDelivery,
    /// When its work is done. If that takes longer than `timeout` seconds (infinite: no limit), it is
    /// delivered once more, and then there are two.
    PerMessage {
        /// Above 0.
        timeout: f64,
    },
    /// Every so many seconds all that was done until then: what was done since comes again when a
    /// consumer dies.
    Commits {
        /// Above 0.
        every: f64,
    },
}

/// What becomes of orders from outside that find a queue that blocks full.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outside {
    /// They are rejected.
    Rejected,
    /// They wait at their producer, in order, at most so many seconds (infinite: for ever), and are then
    /// rejected.
    Waits(f64),
}

/// Which messages past their time to live are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expiry {
    /// All, at once.
    AtOnce,
    /// Those that are next in turn: behind one with time left they wait on.
    AtHead,
    /// All, every so many seconds (above 0), and those that are next in turn.
    Scan(f64),
}

/// Whether messages are only seen after a transaction of the producer: it sends a half message, does
/// something of its own, then commits or rolls back, or is asked about it by the broker.
#[derive(Debug, Clone, PartialEq)]
pub enum Transactions {
    /// Messages are seen at once.
    None,
    /// Half messages.
    Half(Box<HalfMessages>),
}

/// Half messages: invisible until the producer's own transaction has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct HalfMessages {
    /// How long the producer's own transaction takes.
    pub local: Distribution,
    /// Probability that it then commits, and the order goes on.
    pub commit: f64,
    /// Probability that it rolls back, and the order is cancelled. With what is left nothing is heard, or
    /// the answer to the broker's question is that it is still unknown; each answer has the same chances.
    pub rollback: f64,
    /// Seconds after which the broker first asks; at least 0.
    pub timeout: f64,
    /// Seconds between its rounds of asking; above 0.
    pub check_every: f64,
    /// Questions until it gives up, and the order is cancelled.
    pub checks: u32,
}

/// What handing over takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// Seconds from the sender to the broker, without what the size adds.
    pub network: Distribution,
    /// Bytes per second of the way; infinite: the size does not matter.
    pub bandwidth: f64,
    /// Seconds for which the first message of a batch waits for others; 0 sends each alone.
    pub linger: f64,
    /// Bytes at which a batch is sent before that; infinite: never.
    pub batch_bytes: f64,
    /// Seconds for which the broker's writer is busy with each message, one after the other.
    pub persistence: Distribution,
    /// Seconds of waiting for the writer after which a message is refused; infinite: never.
    pub refuse_after: f64,
    /// Seconds until a written message can be delivered.
    pub confirm: Distribution,
    /// Seconds for which the broker keeps a written message back on purpose.
    pub delay: Distribution,
    /// Seconds from the commitment to a consumer until it has the message.
    pub handover: Distribution,
    /// Seconds from the end of the work until the broker knows of it.
    pub acknowledge: Distribution,
}

/// Whether the broker of a stage fails by chance.
#[derive(Debug, Clone, PartialEq)]
pub enum Outages {
    /// It never does.
    Never,
    /// Again and again.
    Repeated(Box<Outage>),
}

/// How a broker fails: nothing is accepted, handed over or acknowledged meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// Time from a recovery to the next failure.
    pub uptime: Distribution,
    /// Time from a failure until it, or another in its place, serves again.
    pub downtime: Distribution,
}

/// No time at all.
fn nothing() -> Distribution {
    Distribution::deterministic(0.0).expect("0 is a time")
}

impl Default for Costs {
    fn default() -> Costs {
        Costs {
            network: nothing(),
            bandwidth: f64::INFINITY,
            linger: 0.0,
            batch_bytes: f64::INFINITY,
            persistence: nothing(),
            refuse_after: f64::INFINITY,
            confirm: nothing(),
            delay: nothing(),
            handover: nothing(),
            acknowledge: nothing(),
        }
    }
}

/// The ideal queue.
impl Default for Broker {
    fn default() -> Broker {
        Broker {
            system: System::Memory,
            store: Store::Shared,
            commitment: Commitment::OnDemand,
            threads: 1,
            acknowledgement: Acknowledgement::PerMessage {
                timeout: f64::INFINITY,
            },
            detection: 0.0,
            rebalance: 0.0,
            outside: Outside::Rejected,
            expiry: Expiry::AtOnce,
            durable: true,
            idempotent: false,
            transaction: Transactions::None,
            costs: Costs::default(),
            outages: Outages::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_key(keys: u32, exponent: f64, lanes: u32) -> Vec<f64> {
        PartitionBy::Key { keys, exponent }.weights(lanes)
    }

    #[test]
    fn the_first_key_keeps_its_share_together() {
        // 100 keys of exponent 1: the first has 1/H(100) of all.
        let harmonic: f64 = (1..=100).map(|k| 1.0 / f64::from(k)).sum();
        let weights = by_key(100, 1.0, 8);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(weights[lane_of(1, 8)] >= 1.0 / harmonic);
    }

    #[test]
    fn equal_keys_weigh_what_their_number_says() {
        let (keys, lanes) = (1000, 5);
        let mut counts = vec![0u32; lanes as usize];
        (1..=keys).for_each(|key| counts[lane_of(key, lanes)] += 1);
        for (weight, count) in by_key(keys, 0.0, lanes).into_iter().zip(counts) {
            assert!((weight - f64::from(count) / f64::from(keys)).abs() < 1e-12);
            assert!((150..250).contains(&count), "{count}");
        }
    }

    #[test]
    fn very_many_keys_are_nearly_even() {
        for weight in by_key(u32::MAX, 0.0, 4) {
            assert!((weight - 0.25).abs() < 1e-6, "{weight}");
        }
    }

    #[test]
    fn the_integral_is_the_sum_of_the_tail() {
        let (after, upto) = (KEYS_APART, KEYS_APART + 300_000);
        for exponent in [0.0, 0.5, 1.0, 1.5] {
            let terms = (after + 1..=upto).rev();
            let sum: f64 = terms.map(|k| f64::from(k).powf(-exponent)).sum();
            let share = tail_of_powers(after, upto, exponent) / sum - 1.0;
            assert!(share.abs() < 1e-9, "{exponent}: {share}");
        }
    }
}
