//! Rates as functions of time.

use super::assert_relative;
use crate::random::{RatePoint, RateSchedule, RateShape};
use proptest::prelude::*;

fn schedule(points: &[(f64, f64)], shape: RateShape, period: f64) -> RateSchedule {
    let points = points
        .iter()
        .map(|&(at, rate)| RatePoint { at, rate })
        .collect();
    RateSchedule::new(points, shape, period).unwrap()
}

const INFINITE: f64 = f64::INFINITY;

#[test]
fn steps_hold_and_lines_run() {
    let points = [(0.0, 2.0), (10.0, 0.0), (20.0, 4.0)];
    let stepped = schedule(&points, RateShape::Stepped, INFINITE);
    assert_eq!(
        [0.0, 9.9, 10.0, 25.0].map(|t| stepped.rate_at(t)),
        [2.0, 2.0, 0.0, 4.0]
    );
    assert_eq!(
        [5.0, 15.0, 22.0].map(|t| stepped.integral(t)),
        [10.0, 20.0, 28.0]
    );
    // 20 orders are reached at 10 and not during the pause that follows.
    assert_eq!(
        [20.0, 24.0].map(|n| stepped.inverse(n)),
        [Some(10.0), Some(21.0)]
    );
    let linear = schedule(&points, RateShape::Linear, INFINITE);
    assert_eq!(
        [5.0, 10.0, 15.0, 99.0].map(|t| linear.rate_at(t)),
        [1.0, 0.0, 2.0, 4.0]
    );
    assert_eq!(
        [10.0, 20.0, 21.0].map(|t| linear.integral(t)),
        [10.0, 30.0, 34.0]
    );
    assert_eq!(linear.long_run_rate(), 4.0);
}

#[test]
fn periods_repeat_and_close_the_line() {
    // 0 → 2 over half a day and back: a mean of 1.
    let day = schedule(&[(0.0, 0.0), (12.0, 2.0)], RateShape::Linear, 24.0);
    assert_eq!([6.0, 18.0, 30.0].map(|t| day.rate_at(t)), [1.0, 1.0, 1.0]);
    assert_eq!(
        [24.0, 36.0, 240.0].map(|t| day.integral(t)),
        [24.0, 36.0, 240.0]
    );
    assert_eq!(day.inverse(24.0), Some(24.0));
    assert_relative(day.inverse(36.0).unwrap(), 36.0, 1e-15);
    assert_eq!(day.long_run_rate(), 1.0);
}

#[test]
fn a_schedule_that_stops_is_over() {
    let pulse = schedule(&[(0.0, 3.0), (10.0, 0.0)], RateShape::Stepped, INFINITE);
    assert_eq!(
        (pulse.integral(1e9), pulse.inverse(30.0)),
        (30.0, Some(10.0))
    );
    assert_eq!(pulse.inverse(30.1), None);
    assert_eq!(pulse.constant_rate(), None);
}

#[test]
fn a_start_without_orders_is_skipped() {
    let late = schedule(&[(0.0, 0.0), (5.0, 1.0)], RateShape::Stepped, 10.0);
    assert_eq!(
        [1.0, 5.0, 6.0].map(|n| late.inverse(n)),
        [Some(6.0), Some(10.0), Some(16.0)]
    );
}

fn any_schedule() -> impl Strategy<Value = RateSchedule> {
    let rate = prop_oneof![Just(0.0), 1e-6..1e3f64, Just(1.0)];
    let point = (0.01..100.0f64, rate);
    let shape = prop_oneof![Just(RateShape::Stepped), Just(RateShape::Linear)];
    (prop::collection::vec(point, 1..8), shape, any::<bool>()).prop_filter_map(
        "some rate must be above 0",
        |(gaps, shape, periodic)| {
            let mut at = 0.0;
            let mut points = Vec::new();
            for (gap, rate) in gaps {
                points.push(RatePoint { at, rate });
                at += gap;
            }
            let period = if periodic { at } else { INFINITE };
            RateSchedule::new(points, shape, period).ok()
        },
    )
}

proptest! {
    /// Λ(Λ⁻¹(n)) = n to 1e-9 relative, and the inverse is in time order.
    #[test]
    fn the_inverse_inverts(schedule in any_schedule(), share in 0.0..3.0f64) {
        let cumulative = schedule.cumulative();
        let orders = share * cumulative.integral(500.0);
        if let Some(time) = cumulative.inverse(orders) {
            let back = cumulative.integral(time);
            prop_assert!((back - orders).abs() <= 1e-9 * orders, "{orders} → {time} → {back}");
            prop_assert!(cumulative.inverse(orders * 0.99).unwrap() <= time);
        }
    }

    /// The integral is the area under the rate (midpoint rule, 20,000 steps over 100 s).
    #[test]
    fn the_integral_is_the_area(schedule in any_schedule()) {
        let step = 100.0 / 20_000.0;
        let area: f64 = (0..20_000).map(|i| step * schedule.rate_at((f64::from(i) + 0.5) * step)).sum();
        // Each jump, at most one a 0.01 s period, costs at most half a step of its height.
        let jumps = 2.0 + 8.0 * (100.0 / schedule.period.min(100.0)).ceil();
        let highest = schedule.points.iter().map(|p| p.rate).fold(0.0, f64::max);
        let error = (schedule.integral(100.0) - area).abs();
        prop_assert!(error <= jumps * highest * step, "{error}");
    }
}
