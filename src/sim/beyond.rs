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
    sum.only_handed_over += lane.only_handed_over;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::happened::Part;

    fn of(figures: &[(Metric, f64)], metric: Metric) -> f64 {
        let found = figures.iter().find(|(one, _)| *one == metric);
        found.expect("there is such a figure").1
    }

    #[test]
    fn rates_are_per_offered_order_per_delivery_and_per_attempt() {
        let lane = Happenings {
            joined: 80,
            abandoned: 10,
            expired: 5,
            dead_lettered: 4,
            lost: 1,
            attempts: 120,
            failed: 30,
            deliveries: 100,
            redeliveries: 20,
            duplicates: 2,
            ..Happenings::default()
        };
        let two = sum([&lane, &lane]);
        let (figures, happens) = of_messages(&two, 200);
        let expected = [
            (Metric::AbandonProbability, 0.1),
            (Metric::ExpiryProbability, 0.05),
            (Metric::DeadLetterRate, 0.04),
            (Metric::MessageLossRate, 0.01),
            (Metric::FailureProbability, 0.25),
            (Metric::AttemptsPerMessage, 1.5),
            (Metric::RedeliveryRate, 0.2),
            (Metric::DuplicateRate, 0.02),
        ];
        for (metric, value) in expected {
            assert_eq!(of(&figures, metric), value, "{metric}");
        }
        assert!(happens.contains(&(Metric::RedeliveryRate, 40)));
    }

    #[test]
    fn nothing_that_happened_gives_no_rate() {
        let (figures, _) = of_messages(&Happenings::default(), 0);
        assert!(of(&figures, Metric::RedeliveryRate).is_nan());
        assert!(of(&figures, Metric::NetworkTime).is_nan());
        assert!(of(&of_staff(&Staff::default(), 1.0), Metric::Utilization).is_nan());
    }

    #[test]
    fn availability_is_that_of_the_consumers_times_that_of_the_broker() {
        let mut staff = Staff::default();
        staff.employed.set(0.0, 4.0);
        staff.busy.set(0.0, 2.0);
        staff.down.set(5.0, 2.0);
        staff.broker_down.set(8.0, 1.0);
        for level in [
            &mut staff.employed,
            &mut staff.busy,
            &mut staff.down,
            &mut staff.broker_down,
        ] {
            level.advance(10.0);
        }
        let figures = of_staff(&staff, 10.0);
        assert_eq!(of(&figures, Metric::Utilization), 0.5);
        assert_eq!(of(&figures, Metric::Consumers), 4.0);
        assert_eq!(of(&figures, Metric::Availability), 0.75 * 0.8);
    }

    #[test]
    fn a_fill_rate_near_one_rests_on_what_was_missing() {
        let shelf = Shelf {
            asked: 1000,
            filled: 997,
            units_asked: 2000,
            units_filled: 1990,
            lost_sales: 3,
            ..Shelf::default()
        };
        let (figures, happens) = of_shelf(&shelf, 1.0);
        assert_eq!(of(&figures, Metric::FillRate), 0.995);
        assert_eq!(of(&figures, Metric::LostSaleProbability), 0.003);
        assert!(happens.contains(&(Metric::FillRate, 3)));
    }

    #[test]
    fn parts_have_the_places_of_their_metrics() {
        let mut parts = Parts::default();
        parts.means[Part::Waiting as usize].record(3.0);
        parts.means[Part::Retry as usize].record(5.0);
        let figures = of_parts(&parts);
        assert_eq!(of(&figures, Metric::QueueingTime), 3.0);
        assert_eq!(of(&figures, Metric::RetryTime), 5.0);
    }
}
