//! Quantities: numbers with units, as text.
//!
//! Bare numbers are seconds, per second, bytes and shares of 1. Text carries units:
//!
//! | quantity | units | examples |
//! | --- | --- | --- |
//! | time | `ns`, `us` or `µs`, `ms`, `s`, `m` or `min`, `h`, `d` (24 hours) | `"250ms"`, `"1.5s"`, `"2h30m"`, `"1d"` |
//! | rate | `/` and a unit of time | `"120/s"`, `"5/min"`, `"3/h"` |
//! | size | `B`; `kB`, `MB`, `GB`, `TB` (powers of 1000); `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024) | `"2KiB"`, `"1.5MB"` |
//! | bytes per second | a size, `/` and a unit of time | `"10MB/s"` |
//! | share | `%` | `"3%"` |
//! | number | none | `"1e6"`, `"1_000_000"` |
//!
//! A time may be put together from several parts, as in `"1h30m"`. Spaces between number and unit
//! do not matter, nor do underscores between digits.

use super::text::list;

/// What a number measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Seconds.
    Time,
    /// Per second.
    Rate,
    /// Bytes.
    Size,
    /// Bytes per second.
    ByteRate,
    /// A part of 1.
    Share,
    /// A pure number.
    Number,
}

/// A unit's symbol and its size in the base unit as a fraction, so that `"3%"` is exactly 3/100.
type Unit = (&'static str, f64, f64);

const TIMES: [Unit; 9] = [
    ("ns", 1.0, 1e9),
    ("us", 1.0, 1e6),
    ("µs", 1.0, 1e6),
    ("ms", 1.0, 1e3),
    ("s", 1.0, 1.0),
    ("m", 60.0, 1.0),
    ("min", 60.0, 1.0),
    ("h", 3600.0, 1.0),
    ("d", 86_400.0, 1.0),
];

const SIZES: [Unit; 10] = [
    ("B", 1.0, 1.0),
    ("kB", 1e3, 1.0),
    ("KB", 1e3, 1.0),
    ("MB", 1e6, 1.0),
    ("GB", 1e9, 1.0),
    ("TB", 1e12, 1.0),
    ("KiB", 1024.0, 1.0),
    ("MiB", 1_048_576.0, 1.0),
    ("GiB", 1_073_741_824.0, 1.0),
    ("TiB", 1_099_511_627_776.0, 1.0),
];

impl Dimension {
    /// What is measured, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Time => "a time",
            Dimension::Rate => "a rate",
            Dimension::Size => "a size",
            Dimension::ByteRate => "a rate of bytes",
            Dimension::Share => "a share",
            Dimension::Number => "a number",
        }
    }

    /// What may be written.
    pub fn accepts(self) -> &'static str {
        match self {
            Dimension::Time => {
                "a bare number of seconds, or text with a unit: \"250ms\", \"1.5s\", \"2h30m\" \
                 (ns, us, ms, s, m or min, h, d)"
            }
            Dimension::Rate => {
                "a bare number per second, or text with a unit: \"120/s\", \"5/min\", \"3/h\""
            }
            Dimension::Size => {
                "a bare number of bytes, or text with a unit: \"2KiB\", \"1.5MB\" (B, kB, MB, GB, \
                 TB, KiB, MiB, GiB, TiB)"
            }
            Dimension::ByteRate => {
                "a bare number of bytes per second, or text with a unit: \"10MB/s\", \"2KiB/s\""
            }
            Dimension::Share => "a bare number such as 0.03, or text in percent: \"3%\"",
            Dimension::Number => "a number without unit, such as 2 or 0.5",
        }
    }
}

/// Reads a quantity. The result may be of any sign and is finite.
///
/// # Errors
///
/// Says what is wrong with the text; [`Dimension::accepts`] says what would be right.
///
/// ```
/// use orderline::scenario::units::{parse, Dimension};
/// assert_eq!(parse("2h30m", Dimension::Time), Ok(9000.0));
/// assert_eq!(parse("5/min", Dimension::Rate), Ok(5.0 / 60.0));
/// assert_eq!(parse("2KiB", Dimension::Size), Ok(2048.0));
/// assert_eq!(parse("3%", Dimension::Share), Ok(0.03));
/// assert!(parse("5 parsecs", Dimension::Time).is_err());
/// ```
pub fn parse(text: &str, dimension: Dimension) -> Result<f64, String> {
    let value = match dimension {
        Dimension::Time => time(text),
        Dimension::Rate => rate(text, plain),
        Dimension::Size => size(text),
        Dimension::ByteRate => rate(text, |number, unit| scaled(number, unit, &SIZES)),
        Dimension::Share => share(text),
        Dimension::Number => {
            let (number, unit) = split(text)?;
            plain(number, unit)
        }
    }?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err("it is too large to be represented".to_owned())
    }
}

/// One or more parts, each with a unit; or a bare number.
fn time(text: &str) -> Result<f64, String> {
    let (number, rest) = split(text)?;
    if rest.is_empty() {
        return Ok(number);
    }
    let unit_end = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let first = scaled(number, unit, &TIMES)?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(first);
    }
    if rest.starts_with(['-', '+']) || split(rest)?.1.is_empty() {
        return Err(format!("`{rest}` has no unit"));
    }
    Ok(first + time(rest)?)
}

fn rate(text: &str, amount: impl Fn(f64, &str) -> Result<f64, String>) -> Result<f64, String> {
    let (number, unit) = split(text)?;
    let Some((unit, per)) = unit.split_once('/') else {
        return if unit.is_empty() {
            Ok(number)
        } else {
            Err(format!("`{unit}` is not per a unit of time"))
        };
    };
    let per = per.trim();
    let (_, seconds, parts) = find(per, &TIMES)?;
    Ok(amount(number, unit.trim())? * parts / seconds)
}

fn size(text: &str) -> Result<f64, String> {
    let (number, unit) = split(text)?;
    if unit.is_empty() {
        Ok(number)
    } else {
        scaled(number, unit, &SIZES)
    }
}

fn share(text: &str) -> Result<f64, String> {
    match split(text)? {
        (number, "%") => Ok(number / 100.0),
        (number, unit) => plain(number, unit),
    }
}

fn plain(number: f64, unit: &str) -> Result<f64, String> {
    if unit.is_empty() {
        Ok(number)
    } else {
        Err(format!("`{unit}` is no unit that fits here"))
    }
}

fn scaled(number: f64, unit: &str, units: &[Unit]) -> Result<f64, String> {
    let (_, times, over) = find(unit, units)?;
    Ok(number * times / over)
}

fn find(symbol: &str, units: &[Unit]) -> Result<Unit, String> {
    let known = || units.iter().map(|unit| unit.0);
    units
        .iter()
        .find(|unit| unit.0 == symbol)
        .copied()
        .ok_or_else(|| match symbol {
            "" => "its unit is missing".to_owned(),
            _ => format!("`{symbol}` is none of the units {}", list(known(), "and")),
        })
}

/// Splits a text into its leading number and what follows, trimmed.
fn split(text: &str) -> Result<(f64, &str), String> {
    let text = text.trim();
    let end = number_end(text);
    let digits: String = text[..end].chars().filter(|&c| c != '_').collect();
    match digits.parse() {
        Ok(number) => Ok((number, text[end..].trim())),
        Err(_) if text.is_empty() => Err("it is empty".to_owned()),
        Err(_) => Err("it does not begin with a number".to_owned()),
    }
}

/// Where the number at the start of a text ends. An `e` belongs to it only if an exponent follows.
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        from + bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
            .count()
    };
    let signed = |from: usize| from + usize::from(matches!(bytes.get(from), Some(b'+' | b'-')));
    let mantissa = digits(signed(0));
    if !matches!(bytes.get(mantissa), Some(b'e' | b'E')) {
        return mantissa;
    }
    let exponent = signed(mantissa + 1);
    if bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
        digits(exponent)
    } else {
        mantissa
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_units_alone_and_together() {
        let cases = [
            ("250ms", 0.25),
            ("1.5s", 1.5),
            ("2h30m", 9000.0),
            ("2h 30min", 9000.0),
            ("1d", 86_400.0),
            ("15us", 15e-6),
            ("7 ns", 7e-9),
            ("1e-3s", 0.001),
            ("3", 3.0),
            ("1_000", 1000.0),
            ("-2s", -2.0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text, Dimension::Time), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn rates_sizes_and_shares_take_theirs() {
        assert_eq!(parse("120/s", Dimension::Rate), Ok(120.0));
        assert_eq!(parse("3 / h", Dimension::Rate), Ok(3.0 / 3600.0));
        assert_eq!(parse("2/ms", Dimension::Rate), Ok(2000.0));
        assert_eq!(parse("1.5MB", Dimension::Size), Ok(1.5e6));
        assert_eq!(parse("1MiB", Dimension::Size), Ok(1_048_576.0));
        assert_eq!(parse("10MB/s", Dimension::ByteRate), Ok(1e7));
        assert_eq!(parse("2.5%", Dimension::Share), Ok(0.025));
        assert_eq!(parse("1e6", Dimension::Number), Ok(1e6));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cases = [
            ("5 parsecs", Dimension::Time),
            ("120/s", Dimension::Time),
            ("2h30", Dimension::Time),
            ("2h-30m", Dimension::Time),
            ("120ms", Dimension::Rate),
            ("120/", Dimension::Rate),
            ("2KiB", Dimension::Time),
            ("2 kilo", Dimension::Size),
            ("1e400", Dimension::Number),
            ("", Dimension::Number),
            ("ms", Dimension::Time),
            ("nan", Dimension::Number),
            ("inf", Dimension::Rate),
            ("3e%", Dimension::Share),
            ("1.2.3", Dimension::Number),
        ];
        for (text, dimension) in cases {
            assert!(parse(text, dimension).is_err(), "{text}");
        }
    }
}
