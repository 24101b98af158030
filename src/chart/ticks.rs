//! Where the ticks of an axis stand and what they say.

use crate::chart::human;
use crate::chart::value::{Axis, Measure, Scale};

/// A tick: its value on the axis, in base units, and its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Place on the axis.
    pub at: f64,
    /// What it says.
    pub label: String,
}

/// The title of an axis: quantity and unit.
pub fn axis_title(axis: &Axis) -> String {
    let unit = match (axis.measure, &axis.scale) {
        (Measure::Time, Scale::Linear { low, high }) => {
            human::time_unit(low.abs().max(high.abs())).0
        }
        (Measure::Orders, _) if !axis.quantity.contains("orders") => "orders",
        (Measure::Rate, _) => "orders/s",
        (Measure::Share, _) if !axis.quantity.contains('%') => "%",
        _ => "",
    };
    match (axis.quantity.as_str(), unit) {
        (quantity, "") => quantity.to_owned(),
        (quantity, unit) => format!("{quantity} ({unit})"),
    }
}

/// At most about `count` ticks within the axis' range.
pub fn ticks(axis: &Axis, count: usize) -> Vec<Tick> {
    match axis.scale {
        Scale::Linear { low, high } => linear(axis.measure, low, high, count.max(2)),
        Scale::Log10 { low, high } => log(axis.measure, low, high, count.max(2)),
        Scale::Categories(_) => Vec::new(),
    }
}

fn linear(measure: Measure, low: f64, high: f64, count: usize) -> Vec<Tick> {
    let largest = low.abs().max(high.abs());
    let (unit, suffix) = match measure {
        Measure::Time => (human::time_unit(largest).1, ""),
        Measure::Share => (0.01, ""),
        Measure::Orders | Measure::Count | Measure::Rate | Measure::Name => human::prefix(largest),
    };
    let step = step((high - low) / unit / count as f64);
    let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    let first = (low / unit / step - 1e-9).ceil();
    let last = (high / unit / step + 1e-9).floor();
    let steps = (last - first).clamp(0.0, 200.0) as usize;
    let tick = |i: usize| {
        let value = (first + i as f64) * step;
        Tick {
            at: value * unit,
            label: label(value, decimals, suffix),
        }
    };
    if step.is_finite() && first.is_finite() {
        (0..=steps).map(tick).collect()
    } else {
        Vec::new()
    }
}

fn label(value: f64, decimals: usize, suffix: &str) -> String {
    let size = value.abs();
    let text = if size != 0.0 && !(1e-5..1e7).contains(&size) {
        human::scientific(value, 2)
    } else {
        format!("{value:.decimals$}")
    };
    let text = text.replace('-', "−");
    match (suffix, size) {
        ("", _) | (_, 0.0) => text,
        _ => format!("{text}\u{a0}{suffix}"),
    }
}

/// The smallest of 1, 2 or 5 times a power of ten that is at least `rough`.
fn step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|f| f * power >= rough * 0.999)
        .unwrap_or(10.0);
    factor * power
}

/// Powers of ten, every second, third… where they are many, and 1-2-5 where they are few.
fn log(measure: Measure, low: f64, high: f64, count: usize) -> Vec<Tick> {
    if !(low > 0.0 && low < high && high.is_finite()) {
        return Vec::new();
    }
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = high.log10() - low.log10();
    let every = (decades / count as f64).ceil().max(1.0) as i32;
    let factors: &[f64] = match () {
        () if decades * 3.0 <= count as f64 => &[1.0, 2.0, 5.0],
        () if decades * 2.0 <= count as f64 => &[1.0, 3.0],
        () => &[1.0],
    };
    let exponents = (first..=last).filter(|e| e.rem_euclid(every) == 0);
    exponents
        .flat_map(|e| factors.iter().map(move |f| f * 10f64.powi(e)))
        .filter(|v| *v >= low * (1.0 - 1e-9) && *v <= high * (1.0 + 1e-9))
        .map(|at| Tick {
            at,
            label: log_label(measure, at),
        })
        .collect()
}

fn log_label(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Time => {
            // A value just below a limit of units by rounding belongs above it.
            let (symbol, length) = human::time_unit(value * (1.0 + 1e-9));
            format!("{}\u{a0}{symbol}", short(value / length))
        }
        Measure::Share => short(value * 100.0),
        Measure::Orders | Measure::Count | Measure::Rate | Measure::Name => short(value),
    }
}

/// A number of one or two digits in its shortest form.
fn short(value: f64) -> String {
    match value {
        v if (9_999.5..1e15).contains(&v) => {
            let (factor, prefix) = human::prefix(v * (1.0 + 1e-9));
            format!("{}\u{a0}{prefix}", rounded(v / factor))
        }
        v if !(9.995e-4..1e15).contains(&v) => human::scientific(v, 0),
        v => rounded(v),
    }
}

fn rounded(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(measure: Measure, scale: Scale, count: usize) -> Vec<String> {
        let axis = Axis {
            quantity: "time".to_owned(),
            measure,
            scale,
        };
        ticks(&axis, count).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn linear_time_is_in_the_unit_of_the_title() {
        let scale = Scale::Linear {
            low: 0.0,
            high: 0.25,
        };
        let expected = ["0", "50", "100", "150", "200", "250"];
        assert_eq!(labels(Measure::Time, scale.clone(), 5), expected);
        let axis = Axis {
            quantity: "time".to_owned(),
            measure: Measure::Time,
            scale,
        };
        assert_eq!(axis_title(&axis), "time (ms)");
    }

    #[test]
    fn log_ticks_are_powers_of_ten_or_one_two_five() {
        let wide = Scale::Log10 {
            low: 1e-4,
            high: 1.0,
        };
        let expected = ["0.01", "0.1", "1", "10", "100"];
        assert_eq!(labels(Measure::Share, wide, 6), expected);
        let narrow = Scale::Log10 {
            low: 1.0,
            high: 20.0,
        };
        let expected = ["1", "2", "5", "10", "20"];
        assert_eq!(labels(Measure::Orders, narrow, 6), expected);
    }

    #[test]
    fn log_times_carry_their_own_units() {
        let scale = Scale::Log10 {
            low: 1e-3,
            high: 10.0,
        };
        let expected = [
            "1\u{a0}ms",
            "10\u{a0}ms",
            "100\u{a0}ms",
            "1\u{a0}s",
            "10\u{a0}s",
        ];
        assert_eq!(labels(Measure::Time, scale, 6), expected);
    }

    #[test]
    fn extreme_ranges_give_few_ticks_and_no_nonsense() {
        for (low, high) in [
            (0.0, 1e-9),
            (0.0, 1e12),
            (1e12, 1e12 + 1.0),
            (-1e-300, 1e300),
        ] {
            let found = labels(Measure::Orders, Scale::Linear { low, high }, 5);
            assert!(found.len() <= 12, "{found:?}");
            assert!(
                found
                    .iter()
                    .all(|l| !l.contains("NaN") && !l.contains("inf"))
            );
        }
    }
}
