//! Figures as readers of a terminal want them: a unit that fits, and as many digits as are known.

use crate::metric::Unit;

/// A value, its half-width and a predicted value in one common unit, all to the same decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    /// The value.
    pub value: String,
    /// Half-width of its interval; empty without one.
    pub half_width: String,
    /// The prediction; empty without one.
    pub theory: String,
    /// The unit of all three.
    pub unit: &'static str,
}

/// Formats a measurement and its prediction: the unit is chosen by the largest number, the
/// decimals so that the half-width shows two digits (four significant digits without one).
///
/// ```
/// use orderline::{metric::Unit, report::format};
/// let f = format::figure(Unit::Seconds, Some(0.06252), Some(0.00031), Some(0.0625));
/// assert_eq!((f.value.as_str(), f.half_width.as_str(), f.theory.as_str(), f.unit),
///            ("62.52", "0.31", "62.50", "ms"));
/// ```
pub fn figure(unit: Unit, value: Option<f64>, half: Option<f64>, theory: Option<f64>) -> Formatted {
    let ([value, theory], half_width, unit) = row(unit, [value, theory], half, half);
    Formatted {
        value,
        half_width,
        theory,
        unit,
    }
}

/// Figures and a half-width in one common unit, which the largest figure chooses, all to the same decimals:
/// those that show two digits of `known` (four significant digits without it).
pub fn row<const N: usize>(
    unit: Unit,
    figures: [Option<f64>; N],
    half: Option<f64>,
    known: Option<f64>,
) -> ([String; N], String, &'static str) {
    let size = figures.iter().flatten();
    let size = size.fold(0.0, |size: f64, x| size.max(x.abs()));
    let (unit, factor) = scale(unit, size);
    let decimals = decimals(size / factor, known.map(|known| known / factor));
    let show = |x: Option<f64>| x.map_or(String::new(), |x| fixed(x / factor, decimals));
    (figures.map(show), show(half), unit)
}

/// A single value with its unit, to four significant digits.
pub fn value(unit: Unit, value: f64) -> String {
    let formatted = figure(unit, Some(value), None, None);
    format!("{} {}", formatted.value, formatted.unit)
        .trim_end()
        .to_owned()
}

/// A relative difference in percent, with its sign unless it rounds to nothing.
pub fn percent(share: f64) -> String {
    let decimals = match share.abs() {
        s if s < 0.1 => 2,
        s if s < 1.0 => 1,
        _ => 0,
    };
    let text = format!("{:.decimals$}", 100.0 * share.abs());
    let nothing = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    let sign = match share {
        _ if nothing => "",
        s if s < 0.0 => "-",
        _ => "+",
    };
    format!("{sign}{text} %")
}

/// A whole number with its thousands apart.
///
/// ```
/// assert_eq!(orderline::report::format::count(8_640_012), "8,640,012");
/// ```
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// So many of something, by its name.
///
/// ```
/// use orderline::report::format::counted;
/// assert_eq!(counted(1, "order"), "1 order");
/// assert_eq!(counted(1200, "order"), "1,200 orders");
/// ```
pub fn counted(n: u64, name: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{} {name}{ending}", count(n))
}

/// A span of time as people say it.
///
/// ```
/// use orderline::report::format::duration;
/// assert_eq!(duration(7200.0), "2 h");
/// assert_eq!(duration(90.5), "90.5 s");
/// assert_eq!(duration(7195.5), "119.9 min");
/// ```
pub fn duration(seconds: f64) -> String {
    let (text, symbol) = match seconds {
        s if s < 120.0 => return trimmed(&value(Unit::Seconds, s)),
        s if s < 7200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3600.0, "h"),
        s => (s / 86_400.0, "d"),
    };
    trimmed(&format!("{:.*} {symbol}", decimals(text, None), text))
}

/// Without the zeros behind the last decimal that says something.
fn trimmed(text: &str) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    format!("{number} {unit}").trim_end().to_owned()
}

fn scale(unit: Unit, size: f64) -> (&'static str, f64) {
    match unit {
        Unit::Seconds => time_scale(size),
        Unit::BytesPerSecond => bytes_scale(size),
        Unit::OrdersPerSecond => ("/s", 1.0),
        Unit::SecondsSquared => ("s²", 1.0),
        Unit::Orders | Unit::Consumers | Unit::Units | Unit::Ratio => ("", 1.0),
    }
}

fn time_scale(size: f64) -> (&'static str, f64) {
    match size {
        0.0 => ("s", 1.0),
        s if s < 1e-6 => ("ns", 1e-9),
        s if s < 1e-3 => ("µs", 1e-6),
        s if s < 1.0 => ("ms", 1e-3),
        s if s < 1e5 => ("s", 1.0),
        _ => ("h", 3600.0),
    }
}

fn bytes_scale(size: f64) -> (&'static str, f64) {
    match size {
        s if s < 1e3 => ("B/s", 1.0),
        s if s < 1e6 => ("kB/s", 1e3),
        s if s < 1e9 => ("MB/s", 1e6),
        _ => ("GB/s", 1e9),
    }
}

/// Decimals that show two digits of the half-width, or four significant digits of the value; never
/// more than seven digits of the value.
fn decimals(size: f64, half: Option<f64>) -> usize {
    let lead = |x: f64| x.log10().floor() as i32;
    let most = if size > 0.0 { 6 - lead(size) } else { 9 };
    let wanted = match half {
        Some(half) if half > 0.0 => (1 - lead(half)).min(most),
        _ if size > 0.0 => 3 - lead(size),
        _ => 0,
    };
    wanted.clamp(0, 9) as usize
}

/// Like `{:.n}`, without a sign on zero, and with a power of ten for what would fill the line.
fn fixed(x: f64, decimals: usize) -> String {
    if x.abs() >= 1e9 {
        return format!("{x:.3e}");
    }
    let text = format!("{x:.decimals$}");
    let zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    if zero {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_widths_decide_the_decimals() {
        let f = figure(Unit::Orders, Some(4.01234), Some(0.0213), Some(4.0));
        assert_eq!(
            (f.value.as_str(), f.half_width.as_str(), f.theory.as_str()),
            ("4.012", "0.021", "4.000")
        );
        let certain = figure(Unit::Ratio, Some(1.0), Some(6e-12), Some(1.0));
        assert_eq!(certain.value, "1.000000");
        assert_eq!(
            figure(Unit::Ratio, Some(-1e-12), Some(0.001), None).value,
            "0.0000"
        );
    }

    #[test]
    fn values_alone_have_four_digits() {
        assert_eq!(value(Unit::Seconds, 0.2302585), "230.3 ms");
        assert_eq!(value(Unit::OrdersPerSecond, 120.0), "120.0 /s");
        assert_eq!(value(Unit::Ratio, 0.0), "0");
        assert_eq!(percent(-0.0123), "-1.23 %");
    }
}
