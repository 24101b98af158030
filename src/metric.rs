//! The words of measurement: what is measured, in which unit, under which name.
//!
//! Every output (table, CSV, JSON, charts, objectives) takes names and units from here.

use std::fmt;
use std::str::FromStr;

/// The unit of a figure. Times are always seconds, sizes always bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Seconds squared, of variances of times.
    SecondsSquared,
    /// Orders per second.
    OrdersPerSecond,
    /// Bytes per second.
    BytesPerSecond,
    /// A number of orders.
    Orders,
    /// A number of consumers.
    Consumers,
    /// A number of units of stock.
    Units,
    /// A share or another pure number.
    Ratio,
}

impl Unit {
    const ALL: [Unit; 8] = [
        Unit::Seconds,
        Unit::SecondsSquared,
        Unit::OrdersPerSecond,
        Unit::BytesPerSecond,
        Unit::Orders,
        Unit::Consumers,
        Unit::Units,
        Unit::Ratio,
    ];

    /// The unit with this symbol.
    pub fn of_symbol(symbol: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.symbol() == symbol)
    }

    /// The symbol used in CSV and JSON.
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::SecondsSquared => "s^2",
            Unit::OrdersPerSecond => "orders/s",
            Unit::BytesPerSecond => "B/s",
            Unit::Orders => "orders",
            Unit::Consumers => "consumers",
            Unit::Units => "units",
            Unit::Ratio => "1",
        }
    }
}

/// Which time of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeKind {
    /// Wq: from arrival at a stage until service starts.
    Waiting,
    /// S: from the start of service to its end.
    Service,
    /// W = Wq + S: from arrival at a stage until leaving it.
    Sojourn,
    /// From entering the pipeline until completion; completed orders only.
    Latency,
}

/// Which statistic of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statistic {
    /// The mean.
    Mean,
    /// The variance (plain, not squared coefficient of variation).
    Variance,
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
    /// The largest value seen.
    Max,
}

impl Statistic {
    /// All statistics, in the order in which they are shown.
    pub const ALL: [Statistic; 8] = [
        Statistic::Mean,
        Statistic::Variance,
        Statistic::P50,
        Statistic::P90,
        Statistic::P95,
        Statistic::P99,
        Statistic::P999,
        Statistic::Max,
    ];

    /// The probability of a quantile, or `None` for what is no quantile.
    pub fn probability(self) -> Option<f64> {
        match self {
            Statistic::P50 => Some(0.5),
            Statistic::P90 => Some(0.9),
            Statistic::P95 => Some(0.95),
            Statistic::P99 => Some(0.99),
            Statistic::P999 => Some(0.999),
            Statistic::Mean | Statistic::Variance | Statistic::Max => None,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Statistic::Mean => "",
            Statistic::Variance => "_variance",
            Statistic::P50 => "_p50",
            Statistic::P90 => "_p90",
            Statistic::P95 => "_p95",
            Statistic::P99 => "_p99",
            Statistic::P999 => "_p999",
            Statistic::Max => "_max",
        }
    }
}

/// Everything that is measured or predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// λ: orders offered per second, those rejected on arrival included.
    ArrivalRate,
    /// X: at a stage, orders served per second; of the pipeline, orders completed per second.
    Throughput,
    /// X times the mean message size.
    ByteThroughput,
    /// Completed per order that left the pipeline, however it left.
    CompletionProbability,
    /// ρ: the share of consumer time that is busy. Where consumers come and go, of the time of those
    /// that are employed; time broken down or blocked is not busy.
    Utilization,
    /// Mean number of consumers employed, where it changes.
    Consumers,
    /// Share of consumer time that goes by with a finished order for which there is no room downstream.
    BlockedShare,
    /// Share of time for which the circuit breaker is open.
    CircuitOpenShare,
    /// Mean number waiting over the queue's capacity; bounded queues only.
    QueueFill,
    /// P(wait > 0) of accepted orders: the share that had to wait for a consumer. Being handed over to one that is free is
    /// no such wait.
    WaitProbability,
    /// Rejected per offered order.
    LossProbability,
    /// Orders that lost patience, per offered order.
    AbandonProbability,
    /// Orders whose time to live was over, per offered order.
    ExpiryProbability,
    /// Orders put aside, for whatever reason, per offered order.
    DeadLetterRate,
    /// Orders dropped by a crash, or by a broker that does not try again, per offered order.
    MessageLossRate,
    /// Failed attempts per attempt.
    FailureProbability,
    /// Attempts at the work per message that came into the queue.
    AttemptsPerMessage,
    /// Deliveries of a message that had been delivered before, per delivery.
    RedeliveryRate,
    /// Deliveries of a message whose work had been done before, per delivery.
    DuplicateRate,
    /// U/(U + D): the share of employed consumer time that is not spent broken down, times the share of
    /// time for which the broker is up.
    Availability,
    /// Lq: time average of the number waiting.
    QueueLength,
    /// L: time average of the number in system.
    NumberInSystem,
    /// Growth of the number in system per second, where there is no steady state.
    BacklogGrowth,
    /// A time of an order, and which statistic of it.
    Time(TimeKind, Statistic),
    /// Time on the way to a broker: per message at a stage; per completed order of the pipeline, of whose
    /// latency it is the first of six parts that add up to it.
    NetworkTime,
    /// Time from there until it can be had (batches, disk, confirmation, full queues, an outage), as
    /// above.
    EnqueueTime,
    /// Time of waiting for its turn, or for stock: a part of the latency of completed orders. At a stage
    /// it is the waiting time.
    QueueingTime,
    /// Time of being handed to a consumer: per delivery at a stage, per completed order of the
    /// pipeline.
    DequeueTime,
    /// Time of an order under a consumer's hands: per visit at a stage, over all visits in the
    /// pipeline (completed orders).
    ProcessingTime,
    /// Time between two attempts: a part of the latency of completed orders.
    RetryTime,
    /// Units of stock that were there at once, per unit asked for.
    FillRate,
    /// Orders lost for want of stock, per order that asked.
    LostSaleProbability,
    /// Orders that had to wait for stock, per order that asked.
    BackorderProbability,
    /// Reservations that ran out, per order that asked.
    ReservationExpiryRate,
    /// Share of time for which the item that an order asks for is not in stock.
    StockOutProbability,
    /// Times at which the last unit of an item went, while it was measured.
    StockOuts,
    /// Units sold that were not there, while it was measured.
    OversoldUnits,
    /// Mean number of units at hand, those reserved included.
    StockOnHand,
    /// L/(λW) − 1, with the rate of all that came into the queue.
    LittleResidual,
    /// Lq/(λWq) − 1, with the same rate.
    LittleResidualQueue,
}

impl Metric {
    /// All metrics, in the order in which they are shown.
    pub fn all() -> impl Iterator<Item = Metric> {
        const HEAD: [Metric; 23] = [
            Metric::ArrivalRate,
            Metric::Throughput,
            Metric::ByteThroughput,
            Metric::CompletionProbability,
            Metric::Utilization,
            Metric::Consumers,
            Metric::BlockedShare,
            Metric::CircuitOpenShare,
            Metric::QueueFill,
            Metric::WaitProbability,
            Metric::LossProbability,
            Metric::AbandonProbability,
            Metric::ExpiryProbability,
            Metric::DeadLetterRate,
            Metric::MessageLossRate,
            Metric::FailureProbability,
            Metric::AttemptsPerMessage,
            Metric::RedeliveryRate,
            Metric::DuplicateRate,
            Metric::Availability,
            Metric::QueueLength,
            Metric::NumberInSystem,
            Metric::BacklogGrowth,
        ];
        const TIMES: [TimeKind; 4] = [
            TimeKind::Waiting,
            TimeKind::Service,
            TimeKind::Sojourn,
            TimeKind::Latency,
        ];
        const STOCK: [Metric; 8] = [
            Metric::FillRate,
            Metric::LostSaleProbability,
            Metric::BackorderProbability,
            Metric::ReservationExpiryRate,
            Metric::StockOutProbability,
            Metric::StockOuts,
            Metric::OversoldUnits,
            Metric::StockOnHand,
        ];
        const TAIL: [Metric; 2] = [Metric::LittleResidual, Metric::LittleResidualQueue];
        let times = TIMES.into_iter().flat_map(|time| {
            Statistic::ALL
                .into_iter()
                .map(move |s| Metric::Time(time, s))
        });
        let parts = Metric::PARTS.into_iter();
        HEAD.into_iter()
            .chain(times)
            .chain(parts)
            .chain(STOCK)
            .chain(TAIL)
    }

    /// The parts of a completed order's latency, in the order in which it meets them. They add up to it.
    pub const PARTS: [Metric; 6] = [
        Metric::NetworkTime,
        Metric::EnqueueTime,
        Metric::QueueingTime,
        Metric::DequeueTime,
        Metric::ProcessingTime,
        Metric::RetryTime,
    ];

    /// The unit of the figure.
    pub fn unit(self) -> Unit {
        match self {
            Metric::ArrivalRate | Metric::Throughput | Metric::BacklogGrowth => {
                Unit::OrdersPerSecond
            }
            Metric::ByteThroughput => Unit::BytesPerSecond,
            Metric::QueueLength | Metric::NumberInSystem => Unit::Orders,
            Metric::Consumers => Unit::Consumers,
            Metric::StockOuts | Metric::OversoldUnits | Metric::StockOnHand => Unit::Units,
            Metric::Time(_, Statistic::Variance) => Unit::SecondsSquared,
            Metric::Time(..)
            | Metric::NetworkTime
            | Metric::EnqueueTime
            | Metric::QueueingTime
            | Metric::DequeueTime
            | Metric::ProcessingTime
            | Metric::RetryTime => Unit::Seconds,
            Metric::CompletionProbability
            | Metric::Utilization
            | Metric::BlockedShare
            | Metric::CircuitOpenShare
            | Metric::QueueFill
            | Metric::WaitProbability
            | Metric::LossProbability
            | Metric::AbandonProbability
            | Metric::ExpiryProbability
            | Metric::DeadLetterRate
            | Metric::MessageLossRate
            | Metric::FailureProbability
            | Metric::AttemptsPerMessage
            | Metric::RedeliveryRate
            | Metric::DuplicateRate
            | Metric::Availability
            | Metric::FillRate
            | Metric::LostSaleProbability
            | Metric::BackorderProbability
            | Metric::ReservationExpiryRate
            | Metric::StockOutProbability
            | Metric::LittleResidual
            | Metric::LittleResidualQueue => Unit::Ratio,
        }
    }

    /// Whether the metric is taken at a stage.
    pub fn at_stage(self) -> bool {
        !matches!(
            self,
            Metric::Time(TimeKind::Latency, _)
                | Metric::CompletionProbability
                | Metric::QueueingTime
                | Metric::RetryTime
        )
    }

    /// Whether the metric is taken of the whole pipeline.
    pub fn at_pipeline(self) -> bool {
        matches!(
            self,
            Metric::ArrivalRate
                | Metric::Throughput
                | Metric::ByteThroughput
                | Metric::CompletionProbability
                | Metric::QueueLength
                | Metric::NumberInSystem
                | Metric::BacklogGrowth
                | Metric::Time(TimeKind::Latency, _)
                | Metric::LittleResidual
                | Metric::LittleResidualQueue
        ) || Metric::PARTS.contains(&self)
    }

    /// Whether the figure can be below 0.
    pub fn is_signed(self) -> bool {
        matches!(
            self,
            Metric::LittleResidual | Metric::LittleResidualQueue | Metric::BacklogGrowth
        )
    }

    /// The mean of a time.
    pub const fn mean(kind: TimeKind) -> Metric {
        Metric::Time(kind, Statistic::Mean)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Metric::ArrivalRate => "arrival_rate",
            Metric::Throughput => "throughput",
            Metric::ByteThroughput => "byte_throughput",
            Metric::CompletionProbability => "completion_probability",
            Metric::Utilization => "utilization",
            Metric::Consumers => "consumers",
            Metric::BlockedShare => "blocked_share",
            Metric::CircuitOpenShare => "circuit_open_share",
            Metric::QueueFill => "queue_fill",
            Metric::WaitProbability => "wait_probability",
            Metric::LossProbability => "loss_probability",
            Metric::AbandonProbability => "abandon_probability",
            Metric::ExpiryProbability => "expiry_probability",
            Metric::DeadLetterRate => "dead_letter_rate",
            Metric::MessageLossRate => "message_loss_rate",
            Metric::FailureProbability => "failure_probability",
            Metric::AttemptsPerMessage => "attempts_per_message",
            Metric::RedeliveryRate => "redelivery_rate",
            Metric::DuplicateRate => "duplicate_rate",
            Metric::Availability => "availability",
            Metric::QueueLength => "queue_length",
            Metric::NumberInSystem => "number_in_system",
            Metric::BacklogGrowth => "backlog_growth",
            Metric::NetworkTime => "network_time",
            Metric::EnqueueTime => "enqueue_time",
            Metric::QueueingTime => "queueing_time",
            Metric::DequeueTime => "dequeue_time",
            Metric::ProcessingTime => "processing_time",
            Metric::RetryTime => "retry_time",
            Metric::FillRate => "fill_rate",
            Metric::LostSaleProbability => "lost_sale_probability",
            Metric::BackorderProbability => "backorder_probability",
            Metric::ReservationExpiryRate => "reservation_expiry_rate",
            Metric::StockOutProbability => "stock_out_probability",
            Metric::StockOuts => "stock_outs",
            Metric::OversoldUnits => "oversold_units",
            Metric::StockOnHand => "stock_on_hand",
            Metric::LittleResidual => "little_residual",
            Metric::LittleResidualQueue => "little_residual_queue",
            Metric::Time(kind, statistic) => {
                let time = match kind {
                    TimeKind::Waiting => "waiting_time",
                    TimeKind::Service => "service_time",
                    TimeKind::Sojourn => "sojourn_time",
                    TimeKind::Latency => "latency",
                };
                return f.pad(&format!("{time}{}", statistic.suffix()));
            }
        };
        f.pad(name)
    }
}

/// The name is not that of a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no metric `{0}`")]
pub struct UnknownMetric(pub String);

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Metric::all()
            .find(|metric| metric.to_string() == name)
            .ok_or_else(|| UnknownMetric(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_metric() {
        for metric in Metric::all() {
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
    }

    #[test]
    fn metrics_are_listed_in_their_order() {
        let all: Vec<Metric> = Metric::all().collect();
        assert!(all.is_sorted());
        assert!(
            all.iter()
                .all(|metric| metric.at_stage() || metric.at_pipeline())
        );
    }

    #[test]
    fn names_are_those_of_the_contract() {
        let p999 = Metric::Time(TimeKind::Waiting, Statistic::P999);
        assert_eq!(p999.to_string(), "waiting_time_p999");
        assert_eq!(Metric::mean(TimeKind::Latency).to_string(), "latency");
        assert_eq!(
            "latency_p98".parse::<Metric>(),
            Err(UnknownMetric("latency_p98".to_owned()))
        );
    }
}
