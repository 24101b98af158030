//! Numbers as readers want them: sensible units, three digits, prefixes for the large.

use crate::chart::value::Measure;

/// Units of time: symbol, seconds in one, and up to which value it is used.
const TIMES: [(&str, f64, f64); 6] = [
    ("ns", 1e-9, 1e-6),
    ("µs", 1e-6, 1e-3),
    ("ms", 1e-3, 1.0),
    ("s", 1.0, 300.0),
    ("min", 60.0, 7200.0),
    ("h", 3600.0, 259_200.0),
];

/// The unit of time for figures up to `seconds`: its symbol and its length in seconds.
pub fn time_unit(seconds: f64) -> (&'static str, f64) {
    TIMES
        .iter()
        .find(|(_, _, limit)| seconds.abs() < *limit)
        .map_or(("d", 86_400.0), |(symbol, length, _)| (symbol, *length))
}

/// A figure with its unit, to three digits.
pub fn figure(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Time if value == 0.0 => "0\u{a0}s".to_owned(),
        Measure::Time if value.is_finite() => {
            let (symbol, length) = time_unit(value);
            format!("{}\u{a0}{symbol}", number(value / length))
        }
        Measure::Share => percent(value),
        Measure::Rate => format!("{}\u{a0}orders/s", number(value)),
        Measure::Orders | Measure::Count | Measure::Name | Measure::Time => number(value),
    }
}

/// A share in percent, to three digits.
pub fn percent(share: f64) -> String {
    format!("{}\u{a0}%", number(share * 100.0))
}

/// A deviation in percent with its sign, to two decimals at most.
pub fn signed_percent(share: f64) -> String {
    let value = share * 100.0;
    if !value.is_finite() {
        return "–".to_owned();
    }
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.trim_matches(['0', '.']).is_empty();
    let sign = match value {
        _ if zero => "",
        v if v < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{text}\u{a0}%")
}

/// A number to three digits: with a prefix from ten thousand on, as a power below a thousandth;
/// a dash for what is no number.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let text = match size {
        0.0 => "0".to_owned(),
        v if !(9.995e-4..1e15).contains(&v) => scientific(value, 1),
        v if v >= 9_999.5 => {
            let (factor, prefix) = prefix(v);
            format!("{}\u{a0}{prefix}", digits(value / factor))
        }
        _ => digits(value),
    };
    text.replace('-', "−")
}

/// The prefix for numbers as large as `size`: its factor and symbol.
pub(super) fn prefix(size: f64) -> (f64, &'static str) {
    match size {
        v if v >= 1e12 => (1e12, "T"),
        v if v >= 1e9 => (1e9, "G"),
        v if v >= 1e6 => (1e6, "M"),
        v if v >= 9_999.5 => (1e3, "k"),
        _ => (1.0, ""),
    }
}

fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.09995 => 3,
        v if v >= 0.009995 => 4,
        _ => 5,
    };
    format!("{value:.decimals$}")
}

/// A number as mantissa and power of ten; a mantissa of 1 is left out.
pub(super) fn scientific(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let power: String = exponent.chars().map(superscript).collect();
    let plain = mantissa.trim_end_matches('0').trim_end_matches('.');
    match plain {
        "1" => format!("10{power}"),
        _ => format!("{plain}·10{power}"),
    }
}

fn superscript(c: char) -> char {
    match c {
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4'..='9' => char::from_u32('⁴' as u32 + (c as u32 - '4' as u32)).unwrap_or(c),
        '-' => '⁻',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_the_unit_that_reads_best() {
        let cases = [
            (1.19, "1.19\u{a0}s"),
            (0.0625, "62.5\u{a0}ms"),
            (3.2e-6, "3.20\u{a0}µs"),
            (900.0, "15.0\u{a0}min"),
            (43_200.0, "12.0\u{a0}h"),
            (0.0, "0\u{a0}s"),
        ];
        for (seconds, text) in cases {
            assert_eq!(figure(Measure::Time, seconds), text);
        }
    }

    #[test]
    fn numbers_keep_three_digits() {
        let cases = [
            (3.0162, "3.02"),
            (12_345.0, "12.3\u{a0}k"),
            (1e12, "1.00\u{a0}T"),
            (1e-9, "10⁻⁹"),
            (-2.5e-5, "−2.5·10⁻⁵"),
            (1e300, "10³⁰⁰"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn deviations_show_their_sign_unless_they_are_nothing() {
        assert_eq!(signed_percent(0.0123), "+1.23\u{a0}%");
        assert_eq!(signed_percent(-0.5), "−50.0\u{a0}%");
        assert_eq!(signed_percent(-1e-9), "0.00\u{a0}%");
    }
}
