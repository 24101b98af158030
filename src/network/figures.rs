//! Which figures a place has: those that its settings, or an incident's, can move at all.

use super::{
    Acknowledgement, AfterExpiry, AfterFailure, AfterRepair, Balking, Breaker, Broker, Capacity,
    Commitment, Consumers, Costs, Discipline, Failures, Hold, Network, Outages, Outside, Place,
    Reliability, Replenishment, Shortage, Staffing, Stage, StageId, Stock, Stocking, Target,
    TimeToLive, Transactions,
};
use crate::metric::Metric;
use crate::network::Patience;

impl Network {
    /// Where else a metric is measured, if not at this place: `"where orders lose `patience`"`.
    pub fn lacks(&self, place: Place, metric: Metric) -> Option<&'static str> {
        let (at, class) = match place {
            Place::Pipeline => {
                let has =
                    metric.at_pipeline() && (self.beyond_plain().is_some() || is_always(metric));
                let only = if metric.at_pipeline() {
                    "in pipelines that are more than plain queues"
                } else {
                    "at a stage"
                };
                return (!has).then_some(only);
            }
            Place::Stage(at) => (at, false),
            Place::Class(at, _) => (at, true),
        };
        if !metric.at_stage() {
            return Some("end to end");
        }
        if class && of_the_whole_stage(metric) {
            return Some("of all classes together");
        }
        let (applies, condition) = self.condition(at, metric)?;
        (!applies).then_some(condition)
    }

    /// What a metric takes at a stage, and whether that is so; none of a metric that every stage has.
    fn condition(&self, at: StageId, metric: Metric) -> Option<(bool, &'static str)> {
        let any = |has: fn(&Stage) -> bool| self.settings(at).any(has);
        let broker = |has: fn(&Broker) -> bool| self.settings(at).any(|s| has(&s.extras.broker));
        let stock = |has: fn(&Stock) -> bool| {
            let mut stocks = self.settings(at).filter_map(stock_of);
            stocks.any(has)
        };
        Some(match metric {
            Metric::Utilization => (
                any(|s| s.consumers != Consumers::Unlimited),
                "where consumers have a number",
            ),
            Metric::Consumers => (
                self.staffing_changes(at),
                "where consumers come and go (`schedule`, `autoscale`, an incident)",
            ),
            Metric::BlockedShare => (
                self.can_be_blocked(at),
                "before queues that block when they are full (`overflow = \"block\"`)",
            ),
            Metric::CircuitOpenShare => (any(has_breaker), "where there is a `circuit_breaker`"),
            Metric::QueueFill => (any(has_places), "where a queue has a `capacity` above 0"),
            Metric::LossProbability => (
                any(can_reject),
                "where orders can be rejected (`capacity`, `balk`, a broker that refuses)",
            ),
            Metric::AbandonProbability => (
                any(|s| s.extras.patience != Patience::Endless),
                "where orders lose `patience`",
            ),
            Metric::ExpiryProbability => (
                any(|s| s.extras.time_to_live != TimeToLive::Endless),
                "where messages have a `ttl`",
            ),
            Metric::DeadLetterRate => (
                any(can_put_aside),
                "where orders are put aside (`dead_letter`)",
            ),
            Metric::MessageLossRate => (
                any(can_lose),
                "where messages can be lost (by a broker that forgets, or `then = \"lost\"`)",
            ),
            Metric::FailureProbability => {
                (any(can_fail), "where attempts fail (`failure`, `timeout`)")
            }
            Metric::AttemptsPerMessage => {
                (any(can_fail), "where attempts fail (`failure`, `timeout`)")
            }
            Metric::RedeliveryRate => (
                any(can_redeliver),
                "where messages are delivered again (a broker, `redeliver`, `failure`)",
            ),
            Metric::DuplicateRate => (
                any(can_duplicate),
                "where messages can be duplicated (by a broker)",
            ),
            Metric::Availability => (
                any(can_break) || self.broker_incident(at),
                "of consumers that fail, or whose broker does (`breakdown`, `outage`, an incident)",
            ),
            Metric::NetworkTime | Metric::EnqueueTime | Metric::DequeueTime => (
                broker(hand_over_takes_time) || self.broker_incident(at),
                "where handing over takes time (a broker)",
            ),
            Metric::FillRate
            | Metric::StockOutProbability
            | Metric::StockOuts
            | Metric::StockOnHand => (stock(|_| true), "where there is `stock`"),
            Metric::LostSaleProbability => (
                stock(|s| s.shortage == Shortage::LostSale),
                "where orders are lost for want of stock (`shortage = \"lost_sale\"`)",
            ),
            Metric::BackorderProbability => (
                stock(|s| s.shortage == Shortage::Backorder),
                "where orders wait for stock (`shortage = \"backorder\"`)",
            ),
            Metric::ReservationExpiryRate => (
                stock(can_run_out),
                "where reservations run out (`release_after`)",
            ),
            Metric::OversoldUnits => (
                stock(|s| matches!(s.hold, Hold::Look { .. })),
                "where stock is only looked at (`hold = { look = … }`)",
            ),
            _ => return None,
        })
    }

    /// The settings of a stage: those of the file, and those of every incident.
    fn settings(&self, at: StageId) -> impl Iterator<Item = &Stage> {
        let phases = self.phases.iter().map(|phase| &phase.network);
        std::iter::once(self)
            .chain(phases)
            .filter_map(move |network| network.stages.get(at.0))
    }

    /// Whether the number of a stage's consumers changes, by plan or by an incident.
    pub fn staffing_changes(&self, at: StageId) -> bool {
        let first = &self.stages[at.0];
        self.settings(at).any(|stage| {
            stage.extras.staffing != Staffing::Constant || stage.consumers != first.consumers
        })
    }

    fn broker_incident(&self, at: StageId) -> bool {
        let mut phases = self.phases.iter();
        phases.any(|phase| phase.broker_down.get(at.0).is_some_and(|down| *down))
    }

    /// Whether consumers, or the broker, of a stage can be down.
    pub fn can_be_down(&self, at: StageId) -> bool {
        self.lacks(Place::Stage(at), Metric::Availability).is_none()
    }

    /// Whether more than an order's own work can lie between its beginning and the order's leaving: others
    /// that are served meanwhile, a breakdown, a full queue ahead.
    pub fn interrupts_work(&self, at: StageId) -> bool {
        let shares = |stage: &Stage| {
            matches!(
                stage.discipline,
                Discipline::ProcessorSharing
                    | Discipline::ShortestRemaining
                    | Discipline::PreemptivePriority
                    | Discipline::PreemptiveRestart
            )
        };
        let fails = |stage: &Stage| stage.extras.reliability != Reliability::Perfect;
        self.settings(at).any(|stage| shares(stage) || fails(stage)) || self.can_be_blocked(at)
    }

    fn can_be_blocked(&self, at: StageId) -> bool {
        let blocks = |to: &StageId| self.settings(*to).any(blocks);
        self.settings(at).any(|stage| {
            let routes = stage.by_class.iter().flat_map(|class| &class.next);
            let mut targets = routes.filter_map(|route| match route.to {
                Target::Stage(to) => Some(to),
                Target::Completed | Target::Cancelled => None,
            });
            targets.any(|to| blocks(&to)) || stage.extras.fork.branches().iter().any(blocks)
        })
    }

    /// Whether the law of what comes and of what is done with it never changes.
    pub fn is_stationary(&self) -> bool {
        self.has_stationary_arrivals() && self.phases.is_empty() && self.has_stationary_stages()
    }

    /// Whether the law of the arrivals never changes.
    pub fn has_stationary_arrivals(&self) -> bool {
        let mut producers = self.producers.iter();
        producers.all(|producer| producer.arrivals.is_stationary())
    }

    /// Whether no stage changes by the clock, or for good.
    fn has_stationary_stages(&self) -> bool {
        let mut stages = self.stages.iter();
        stages.all(|stage| {
            let stock = stock_of(stage).map(|stock| &stock.replenishment);
            !matches!(stage.extras.staffing, Staffing::Shifts(_))
                && stock != Some(&Replenishment::None)
        })
    }
}

/// Whether plain pipelines have the figure, too.
fn is_always(metric: Metric) -> bool {
    let part = metric != Metric::ProcessingTime && Metric::PARTS.contains(&metric);
    !part && metric != Metric::CompletionProbability
}

/// Figures of consumers, brokers and stock, which serve all classes.
fn of_the_whole_stage(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::Utilization
            | Metric::Consumers
            | Metric::BlockedShare
            | Metric::CircuitOpenShare
            | Metric::QueueFill
            | Metric::Availability
            | Metric::FillRate
            | Metric::LostSaleProbability
            | Metric::BackorderProbability
            | Metric::ReservationExpiryRate
            | Metric::StockOutProbability
            | Metric::StockOuts
            | Metric::OversoldUnits
            | Metric::StockOnHand
    )
}

fn stock_of(stage: &Stage) -> Option<&Stock> {
    match &stage.extras.stocking {
        Stocking::Stock(stock) => Some(stock),
        Stocking::None => None,
    }
}

fn has_breaker(stage: &Stage) -> bool {
    failure(stage, |failure| failure.breaker != Breaker::None)
}

fn failure(stage: &Stage, has: fn(&super::Failure) -> bool) -> bool {
    match &stage.extras.failures {
        Failures::Some(failure) => has(failure),
        Failures::Never => false,
    }
}

/// Whether the queue has a number of places to fill. Orders that retry wait outside of them, but count
/// as waiting.
fn has_places(stage: &Stage) -> bool {
    stage.capacity.places().is_some_and(|places| places > 0)
}

impl Capacity {
    /// Places in the queue that those who wait are counted in; none where there is no bound, or where
    /// those who wait to try again count as well.
    pub fn places(&self) -> Option<u64> {
        match self {
            Capacity::Unbounded | Capacity::Retry(..) => None,
            Capacity::Reject(places)
            | Capacity::Block(places)
            | Capacity::DropOldest(places)
            | Capacity::DeadLetter(places) => Some(*places),
        }
    }
}

fn can_reject(stage: &Stage) -> bool {
    let broker = &stage.extras.broker;
    stage.capacity != Capacity::Unbounded
        || stage.extras.balking != Balking::Never
        || broker.costs.refuse_after.is_finite()
        || matches!(broker.outside, Outside::Waits(longest) if longest.is_finite())
        || matches!(broker.commitment, Commitment::AtSend { .. })
}

fn can_put_aside(stage: &Stage) -> bool {
    let expired = AfterExpiry::DeadLetter;
    matches!(stage.capacity, Capacity::DeadLetter(_))
        || matches!(stage.extras.time_to_live, TimeToLive::Limited { then, .. } if then == expired)
        || failure(stage, |failure| failure.then == AfterFailure::DeadLetter)
}

fn can_lose(stage: &Stage) -> bool {
    let broker = &stage.extras.broker;
    broker.acknowledgement == Acknowledgement::OnDelivery
        || !broker.durable
        || failure(stage, |failure| failure.then == AfterFailure::Lost)
}

fn can_fail(stage: &Stage) -> bool {
    failure(stage, |failure| {
        failure.timeout.is_finite() || failure.probability.iter().any(|p| *p > 0.0)
    })
}

/// What a dead consumer held, or what one does not acknowledge, comes again.
fn can_redeliver(stage: &Stage) -> bool {
    let breaks = match &stage.extras.reliability {
        Reliability::Breakdowns(breakdowns) => breakdowns.then == AfterRepair::Redeliver,
        Reliability::Perfect => false,
    };
    breaks || can_fail(stage) || stage.extras.broker != Broker::default()
}

fn can_duplicate(stage: &Stage) -> bool {
    let forgets = |timeout: f64| timeout.is_finite();
    match stage.extras.broker.acknowledgement {
        Acknowledgement::Commits { .. } => true,
        Acknowledgement::PerMessage { timeout } => {
            forgets(timeout) || stage.extras.broker != Broker::default()
        }
        Acknowledgement::OnDelivery => false,
    }
}

fn can_break(stage: &Stage) -> bool {
    stage.extras.reliability != Reliability::Perfect
        || stage.extras.broker.outages != Outages::Never
}

fn hand_over_takes_time(broker: &Broker) -> bool {
    broker.costs != Costs::default()
        || broker.outages != Outages::Never
        || broker.transaction != Transactions::None
        || matches!(broker.outside, Outside::Waits(_))
}

fn can_run_out(stock: &Stock) -> bool {
    matches!(stock.hold, Hold::Reserve { release_after, .. } if release_after.is_finite())
}

/// Whether orders for which there is no room stay with the consumer that they come from.
fn blocks(stage: &Stage) -> bool {
    matches!(stage.capacity, Capacity::Block(_))
        || matches!(stage.extras.broker.commitment, Commitment::AtSend { .. })
}
