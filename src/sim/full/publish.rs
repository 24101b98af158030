//! A message's way from its sender to where consumers can get it: the network, the broker's writer, the
//! confirmation, and the producer's transaction. What the producer waits for before it sends (a batch,
//! a full queue) is not here.

use crate::network::{Broker, HalfMessages, Transactions};
use crate::random::{Distribution, Stream, Uniforms, Variates};

/// The way of the messages of one stage.
#[derive(Debug)]
pub(super) struct Publisher {
    network: Delay,
    /// Seconds for each byte.
    per_byte: f64,
    writer: Writer,
    confirm: Delay,
    kept_back: Delay,
    transaction: Option<Transaction>,
}

/// What becomes of a message that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Consumers can get it.
    Available,
    /// The producer's transaction was undone, or nothing was heard of it: it is never seen.
    RolledBack,
    /// It waited too long for the writer.
    Refused,
}

impl Publisher {
    /// The way that `broker` describes; `stream` gives the stream of a source of chance by its name.
    pub(super) fn new(broker: &Broker, stream: impl Fn(&str) -> Stream) -> Publisher {
        let costs = &broker.costs;
        Publisher {
            network: Delay::new(&costs.network, stream("network")),
            per_byte: 1.0 / costs.bandwidth,
            writer: Writer {
                work: Delay::new(&costs.persistence, stream("persistence")),
                refuse_after: costs.refuse_after,
                free_at: 0.0,
            },
            confirm: Delay::new(&costs.confirm, stream("confirm")),
            kept_back: Delay::new(&costs.delay, stream("delay")),
            transaction: match &broker.transaction {
                Transactions::None => None,
                Transactions::Half(half) => Some(Transaction::new(
                    half,
                    stream("transaction"),
                    stream("transaction_answer"),
                )),
            },
        }
    }

    /// Whether nothing takes time and every message is available as soon as it is sent.
    pub(super) fn is_free(&self) -> bool {
        self.network.is_none()
            && self.per_byte == 0.0
            && self.writer.work.is_none()
            && self.confirm.is_none()
            && self.kept_back.is_none()
            && self.transaction.is_none()
    }

    /// Whether messages may overtake one another on their way to the writer: then what becomes of each
    /// must not be asked before it has arrived.
    pub(super) fn overtakes(&self) -> bool {
        let differ = self.network.varies() || self.per_byte > 0.0;
        differ && !self.writer.work.is_none()
    }

    /// Seconds that a message is on its way to the broker.
    #[inline]
    pub(super) fn travel(&mut self, bytes: f64) -> f64 {
        self.network.next() + bytes * self.per_byte
    }

    /// A message comes to the broker: seconds until its fate, and which it is. To be asked in order of
    /// arrival.
    #[inline]
    pub(super) fn arrive(&mut self, at: f64) -> (f64, Fate) {
        let written = match self.writer.write(at) {
            Ok(after) => after,
            Err(after) => return (after, Fate::Refused),
        };
        let stored = written + self.confirm.next() + self.kept_back.next();
        match &mut self.transaction {
            None => (stored, Fate::Available),
            Some(transaction) => {
                let (after, fate) = transaction.resolve();
                (stored + after, fate)
            }
        }
    }

    /// From now on the way is as `broker` describes; what waits for the writer goes on to do so.
    pub(super) fn change(&mut self, broker: &Broker, stream: impl Fn(&str) -> Stream) {
        let free_at = self.writer.free_at;
        *self = Publisher::new(broker, stream);
        self.writer.free_at = free_at;
    }
}

/// A time by chance, and often none at all.
#[derive(Debug)]
enum Delay {
    None,
    Some {
        variates: Box<Variates>,
        varies: bool,
    },
}

impl Delay {
    fn new(law: &Distribution, stream: Stream) -> Delay {
        if law.mean() == 0.0 {
            return Delay::None;
        }
        Delay::Some {
            variates: Box::new(Variates::new(stream, law)),
            varies: law.variance() > 0.0,
        }
    }

    fn is_none(&self) -> bool {
        matches!(self, Delay::None)
    }

    fn varies(&self) -> bool {
        matches!(self, Delay::Some { varies: true, .. })
    }

    #[inline]
    fn next(&mut self) -> f64 {
        match self {
            Delay::None => 0.0,
            Delay::Some { variates, .. } => variates.next(),
        }
    }
}

/// The broker's writer: one message after the other.
#[derive(Debug)]
struct Writer {
    work: Delay,
    refuse_after: f64,
    free_at: f64,
}

impl Writer {
    /// Seconds until the message that comes now is written (`Err`: is refused).
    #[inline]
    fn write(&mut self, now: f64) -> Result<f64, f64> {
        if self.work.is_none() {
            return Ok(0.0);
        }
        let waits = (self.free_at - now).max(0.0);
        if waits > self.refuse_after {
            return Err(self.refuse_after);
        }
        let written = waits + self.work.next();
        self.free_at = now + written;
        Ok(written)
    }
}

/// The producers' transactions around their half messages.
///
/// The producer is heard of when its transaction has ended. If it then says nothing, or does not know,
/// the broker asks, first `timeout` after it stored the half message and then every `check_every`. A
/// question that comes before the transaction has ended is answered "not known yet". When the last
/// question is not answered the broker drops the half message.
#[derive(Debug)]
struct Transaction {
    local: Variates,
    answers: Uniforms,
    half: HalfMessages,
}

impl Transaction {
    fn new(half: &HalfMessages, local: Stream, answers: Stream) -> Transaction {
        Transaction {
            local: Variates::new(local, &half.local),
            answers: Uniforms::new(answers),
            half: half.clone(),
        }
    }

    /// When the broker asks for the n-th time (n from 0), seconds after it stored the half message.
    fn question(&self, n: u32) -> f64 {
        self.half.timeout + f64::from(n) * self.half.check_every
    }

    /// Seconds from the storing of a half message until its fate, and which it is.
    fn resolve(&mut self) -> (f64, Fate) {
        let ended = self.local.next();
        let gives_up = self.question(self.half.checks.saturating_sub(1));
        if ended > gives_up {
            return (gives_up, Fate::RolledBack);
        }
        if let Some(fate) = self.answer() {
            return (ended, fate);
        }
        if self.half.commit + self.half.rollback > 0.0 {
            for n in self.asked_before(ended)..self.half.checks {
                if let Some(fate) = self.answer() {
                    return (self.question(n), fate);
                }
            }
        }
        (gives_up, Fate::RolledBack)
    }

    /// How many questions came before the transaction ended.
    fn asked_before(&self, ended: f64) -> u32 {
        if ended <= self.half.timeout {
            return 0;
        }
        // No more than there are, as it ended before the last: the cast is exact.
        let rounds = (ended - self.half.timeout) / self.half.check_every;
        rounds.ceil() as u32
    }

    fn answer(&mut self) -> Option<Fate> {
        let u = self.answers.next();
        if u < self.half.commit {
            Some(Fate::Available)
        } else if u < self.half.commit + self.half.rollback {
            Some(Fate::RolledBack)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Costs;
    use crate::random::Distribution;

    fn constant(seconds: f64) -> Distribution {
        Distribution::deterministic(seconds).expect("a time")
    }

    fn publisher(costs: Costs, transaction: Transactions) -> Publisher {
        let broker = Broker {
            costs,
            transaction,
            ..Broker::default()
        };
        Publisher::new(&broker, |what| {
            Stream::new(5, 0, &format!("stage.s.{what}"))
        })
    }

    fn half(local: Distribution, commit: f64, rollback: f64, checks: u32) -> Transactions {
        Transactions::Half(Box::new(HalfMessages {
            local,
            commit,
            rollback,
            timeout: 6.0,
            check_every: 30.0,
            checks,
        }))
    }

    fn fates(transaction: Transactions, count: usize) -> Vec<(f64, Fate)> {
        let mut publisher = publisher(Costs::default(), transaction);
        (0..count).map(|_| publisher.arrive(0.0)).collect()
    }

    #[test]
    fn the_ideal_queue_costs_nothing() {
        let mut free = publisher(Costs::default(), Transactions::None);
        assert!(free.is_free());
        assert_eq!(free.travel(1e9), 0.0);
        assert_eq!(free.arrive(3.0), (0.0, Fate::Available));
    }

    #[test]
    fn only_to_a_writer_does_it_matter_who_overtakes() {
        let overtakes = |network, bandwidth, persistence| {
            let costs = Costs {
                network,
                bandwidth,
                persistence,
                ..Costs::default()
            };
            publisher(costs, Transactions::None).overtakes()
        };
        let by_chance = || Distribution::exponential(2.0).expect("a law");
        let endless = f64::INFINITY;
        assert!(!overtakes(by_chance(), endless, constant(0.0)));
        assert!(!overtakes(constant(1.0), endless, by_chance()));
        assert!(overtakes(by_chance(), endless, constant(1.0)));
        assert!(overtakes(constant(0.0), 1024.0, constant(1.0)));
    }

    #[test]
    fn bytes_take_time_on_the_way() {
        let costs = Costs {
            network: constant(0.25),
            bandwidth: 1024.0,
            ..Costs::default()
        };
        let mut publisher = publisher(costs, Transactions::None);
        assert!(!publisher.is_free());
        assert_eq!(publisher.travel(512.0), 0.75);
    }

    /// Written one after the other, 1 s each: the third waits 1.5 s, the fourth comes when all is quiet.
    #[test]
    fn the_writer_takes_one_after_the_other() {
        let costs = Costs {
            persistence: constant(1.0),
            confirm: constant(0.125),
            ..Costs::default()
        };
        let mut publisher = publisher(costs, Transactions::None);
        let sent = [0.0, 0.5, 0.5, 9.0].map(|at| publisher.arrive(at).0);
        assert_eq!(sent, [1.125, 1.625, 2.625, 1.125]);
    }

    #[test]
    fn who_waits_too_long_for_the_writer_is_refused_and_not_written() {
        let costs = Costs {
            persistence: constant(1.0),
            confirm: constant(0.125),
            refuse_after: 1.5,
            ..Costs::default()
        };
        let mut publisher = publisher(costs, Transactions::None);
        let sent = [0.0, 0.0, 0.0, 0.5].map(|at| publisher.arrive(at));
        let expected = [
            (1.125, Fate::Available),
            (2.125, Fate::Available),
            (1.5, Fate::Refused),
            (2.625, Fate::Available),
        ];
        assert_eq!(sent, expected);
    }

    /// M/M/1 at the writer: the mean stay is 1/(μ − λ).
    #[test]
    fn a_writer_under_random_load_is_a_queue() {
        let costs = Costs {
            persistence: Distribution::exponential(2.0).expect("a law"),
            ..Costs::default()
        };
        let mut publisher = publisher(costs, Transactions::None);
        let gaps = Distribution::exponential(1.0).expect("a law");
        let mut gaps = Variates::new(Stream::new(5, 0, "gaps"), &gaps);
        const MESSAGES: u32 = 200_000;
        let (mut now, mut sum) = (0.0, 0.0);
        for _ in 0..MESSAGES {
            now += gaps.next();
            sum += publisher.arrive(now).0;
        }
        let mean = sum / f64::from(MESSAGES);
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
    }

    #[test]
    fn a_transaction_that_always_commits_takes_its_own_time() {
        for sent in fates(half(constant(2.0), 1.0, 0.0, 15), 3) {
            assert_eq!(sent, (2.0, Fate::Available));
        }
    }

    #[test]
    fn what_is_never_heard_of_is_dropped_after_the_last_question() {
        for (checks, at) in [(1, 6.0), (15, 426.0), (0, 6.0)] {
            for sent in fates(half(constant(2.0), 0.0, 0.0, checks), 3) {
                assert_eq!(sent, (at, Fate::RolledBack));
            }
        }
    }

    #[test]
    fn who_is_asked_too_early_does_not_know_yet() {
        // Over after 40 s, asked at 6, 36 and 66 s: heard of at 40 s, or at the third question.
        let settings = half(constant(40.0), 0.5, 0.0, 3);
        for sent in fates(settings, 200) {
            let possible = [
                (40.0, Fate::Available),
                (66.0, Fate::Available),
                (66.0, Fate::RolledBack),
            ];
            assert!(possible.contains(&sent), "{sent:?}");
        }
        // It takes longer than the broker is willing to ask.
        for sent in fates(half(constant(40.0), 1.0, 0.0, 2), 3) {
            assert_eq!(sent, (36.0, Fate::RolledBack));
        }
        // Asked at the very end of it: that question counts.
        for sent in fates(half(constant(36.0), 0.0, 0.0, 2), 3) {
            assert_eq!(sent.0, 36.0);
        }
    }

    /// P(available at the k-th opportunity) = u^k c with u = 1 − c − r; the first is at the end of the
    /// transaction, the others at 6, 36, 66 … s.
    #[test]
    fn answers_come_as_often_as_their_chances_say() {
        const MESSAGES: usize = 100_000;
        let (commit, rollback, checks) = (0.6, 0.1, 3);
        let sent = fates(half(constant(1.0), commit, rollback, checks), MESSAGES);
        let unknown: f64 = 1.0 - commit - rollback;
        for (k, at) in [1.0, 6.0, 36.0, 66.0].into_iter().enumerate() {
            let reached = unknown.powi(k as i32);
            let dropped = if at == 66.0 { unknown } else { 0.0 };
            let expected = [
                (Fate::Available, reached * commit),
                (Fate::RolledBack, reached * (rollback + dropped)),
            ];
            for (fate, expected) in expected {
                let these = sent.iter().filter(|sent| **sent == (at, fate));
                let share = these.count() as f64 / MESSAGES as f64;
                let deviation = (expected * (1.0 - expected) / MESSAGES as f64).sqrt();
                assert!(
                    (share - expected).abs() < 5.0 * deviation,
                    "{fate:?} {at}: {share} {expected}"
                );
            }
        }
    }
}
