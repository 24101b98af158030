//! Figures of what only the engine for everything counts.

use super::happened::{Happened, Happenings, Parts, Shelf, Staff};
use super::outcome::MessageAccounts;
use crate::metric::Metric;
use crate::stats::Mean;

/// Figures.
pub(super) type Figures = Vec<(Metric, f64)>;
/// How often the things happened that figures rest on.
pub(super) type Happens = Vec<(Metric, u64)>;

/// The sum over some lanes of a stage.
pub(super) fn sum<'a>(lanes: impl IntoIterator<Item = &'a Happenings>) -> Happenings {
    lanes
        .into_iter()
        .fold(Happenings::default(), |mut sum, lane| {
            add(&mut sum, lane);
            sum
        })
}

fn add(sum: &mut Happenings, lane: &Happenings) {
    sum.joined += lane.joined;
    sum.unserved += lane.unserved;
    sum.abandoned += lane.abandoned;
    sum.expired += lane.expired;
    sum.displaced += lane.displaced;
    sum.dead_lettered += lane.dead_lettered;
    sum.lost += lane.lost;
    sum.attempts += lane.attempts;
    sum.failed += lane.failed;
    sum.deliveries += lane.deliveries;
    sum.redeliveries += lane.redeliveries;
    sum.duplicates += lane.duplicates;
    sum.deduplicated += lane.deduplicated;
    sum.network.merge(&lane.network);
    sum.enqueue.merge(&lane.enqueue);
    sum.dequeue.merge(&lane.dequeue);
}

/// What became of messages and attempts, of so many that were offered.
pub(super) fn of_messages(lane: &Happenings, offered: u64) -> (Figures, Happens) {
    let rates = [
        (Metric::AbandonProbability, lane.abandoned, offered),
        (Metric::ExpiryProbability, lane.expired, offered),
        (Metric::DeadLetterRate, lane.dead_lettered, offered),
        (Metric::MessageLossRate, lane.lost, offered),
        (Metric::FailureProbability, lane.failed, lane.attempts),
        (Metric::AttemptsPerMessage, lane.attempts, lane.joined),
        (Metric::RedeliveryRate, lane.redeliveries, lane.deliveries),
        (Metric::DuplicateRate, lane.duplicates, lane.deliveries),
    ];
    let times = [
        (Metric::NetworkTime, lane.network.mean()),
        (Metric::EnqueueTime, lane.enqueue.mean()),
        (Metric::DequeueTime, or_nothing(&lane.dequeue)),
    ];
    let (mut figures, happens) = parted(&rates);
    figures.extend(times);
    (figures, happens)
}

/// Where nothing was handed over with a delay, none was taken down.
fn or_nothing(mean: &Mean) -> f64 {
    if mean.count() > 0 { mean.mean() } else { 0.0 }
}

fn parted(rates: &[(Metric, u64, u64)]) -> (Figures, Happens) {
    let rates = rates.iter();
    rates
        .map(|(metric, number, of)| ((*metric, ratio(*number, *of)), (*metric, *number)))
        .unzip()
}

/// NaN where there is nothing to take a share of.
fn ratio(number: u64, of: u64) -> f64 {
    number as f64 / of as f64
}

/// How consumers and broker of a stage spent the measured time.
pub(super) fn of_staff(staff: &Staff, window: f64) -> Figures {
    let employed = staff.employed.area();
    let up = 1.0 - staff.down.area() / employed;
    let broker_up = 1.0 - staff.broker_down.area() / window;
    vec![
        (Metric::Utilization, staff.busy.area() / employed),
        (Metric::Consumers, employed / window),
        (Metric::BlockedShare, staff.blocked.area() / employed),
        (Metric::CircuitOpenShare, staff.breaker_open.area() / window),
        (Metric::Availability, up * broker_up),
    ]
}

/// What the stock of a stage did.
pub(super) fn of_shelf(shelf: &Shelf, window: f64) -> (Figures, Happens) {
    let rates = [
        (Metric::LostSaleProbability, shelf.lost_sales, shelf.asked),
        (Metric::BackorderProbability, shelf.backorders, shelf.asked),
        (Metric::ReservationExpiryRate, shelf.released, shelf.asked),
    ];
    let (mut figures, mut happens) = parted(&rates);
    figures.extend([
        (
            Metric::FillRate,
            ratio(shelf.units_filled, shelf.units_asked),
        ),
        (Metric::StockOutProbability, shelf.empty.area() / window),
        (Metric::StockOuts, shelf.stock_outs as f64),
        (Metric::OversoldUnits, shelf.oversold as f64),
        (Metric::StockOnHand, shelf.at_hand.area() / window),
    ]);
    happens.extend([
        // A share near 1 rests on what is missing.
        (
            Metric::FillRate,
            shelf.asked.saturating_sub(shelf.filled).min(shelf.filled),
        ),
        (Metric::StockOutProbability, shelf.stock_outs),
    ]);
    (figures, happens)
}

/// Where the time of the completed orders went.
pub(super) fn of_parts(parts: &Parts) -> Figures {
    let means = parts.means.iter().map(Mean::mean);
    Metric::PARTS.into_iter().zip(means).collect()
}

/// What became of the messages of a replication.
pub(super) fn accounts(happened: &Happened) -> MessageAccounts {
    let all = sum(&happened.lanes);
    MessageAccounts {
        joined: all.joined,
        deliveries: all.deliveries,
        redeliveries: all.redeliveries,
        attempts: all.attempts,
        failed: all.failed,
        duplicates: all.duplicates,
        deduplicated: all.deduplicated,
        copies_made: happened.copies_made,
        copies_ended: happened.copies_ended,
        copies_present: happened.copies_present,
    }
}
