//! The embedded font: how wide a text is, and how to make it fit.
//!
//! A subset of DejaVu Sans (licence beside it) is part of the program, so that a picture looks the
//! same on every machine and no system library is asked for fonts.

use ab_glyph::{Font, FontRef};
use std::sync::LazyLock;

/// What an SVG asks a browser for: the embedded font, its relatives of nearly the same widths,
/// then anything.
pub const FAMILY: &str = "DejaVu Sans, Bitstream Vera Sans, Verdana, Geneva, sans-serif";

static BYTES: &[u8] = include_bytes!("font/orderline-sans.ttf");

/// The embedded font, read once.
pub(super) static SANS: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(BYTES).expect("the embedded font is a valid TrueType file")
});

/// Units of the embedded font to the em.
pub(super) const UNITS_PER_EM: f64 = 2048.0;

/// Width of a text at a size of the em.
///
/// Wide scripts that the embedded font lacks count a full em a character, as browsers draw them.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// Advance of a character, in em.
pub(super) fn advance(c: char) -> f64 {
    let glyph = SANS.glyph_id(c);
    if glyph.0 == 0 && c >= '\u{1100}' {
        return 1.0;
    }
    f64::from(SANS.h_advance_unscaled(glyph)) / UNITS_PER_EM
}

/// The text with control characters, which no XML may hold, made into spaces.
pub fn clean(text: &str) -> String {
    let keep = |c: char| {
        if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        }
    };
    text.chars().map(keep).collect()
}

/// The text cut to a width, its end replaced by an ellipsis where it does not fit.
pub fn shorten(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let room = room - advance('…') * size;
    let mut used = 0.0;
    let kept = text.chars().take_while(|c| {
        used += advance(*c) * size;
        used <= room
    });
    let kept: String = kept.collect();
    format!("{}…", kept.trim_end())
}

/// The text cut to a width, its middle replaced by an ellipsis where it does not fit: the ends of
/// names in a series tell them apart.
pub fn squeeze(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let half = (room / size - advance('…')) / 2.0;
    let fitting = |chars: &mut dyn Iterator<Item = char>| {
        let mut used = 0.0;
        let fits = |c: &char| {
            used += advance(*c);
            used <= half
        };
        chars.take_while(fits).collect::<String>()
    };
    let start = fitting(&mut text.chars());
    let end = fitting(&mut text.chars().rev());
    let end: String = end.chars().rev().collect();
    format!("{}…{}", start.trim_end(), end.trim_start())
}

/// The text broken at spaces into at most `lines` lines of a width; the last is shortened.
pub fn wrap(text: &str, size: f64, room: f64, lines: usize) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = done.last().map(|line| format!("{line} {word}"));
        match longer {
            Some(line) if width(&line, size) <= room || done.len() == lines => {
                done.pop();
                done.push(line);
            }
            _ => done.push(word.to_owned()),
        }
    }
    done.iter().map(|line| shorten(line, size, room)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Advance widths of DejaVu Sans 2.37 in units of 1/2048 em: n 1298, space 651, i 569.
    #[test]
    fn widths_are_those_of_dejavu_sans() {
        let expected = f64::from(1298 + 651 + 569) / 2048.0 * 10.0;
        assert!((width("n i", 10.0) - expected).abs() < 1e-9);
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis_and_fits() {
        let short = shorten("a stage with quite a long name", 12.0, 80.0);
        assert!(
            short.ends_with('…') && width(&short, 12.0) <= 80.0,
            "{short}"
        );
        assert_eq!(shorten("short", 12.0, 80.0), "short");
    }

    #[test]
    fn a_squeezed_name_keeps_both_ends_and_fits() {
        let name = squeeze("settlement of partner orders, step 7", 12.0, 120.0);
        assert!(
            name.starts_with("sett") && name.ends_with("step 7"),
            "{name}"
        );
        assert!(width(&name, 12.0) <= 120.0);
        assert_eq!(squeeze("order", 12.0, 120.0), "order");
    }

    #[test]
    fn lines_break_at_spaces_and_no_word_is_lost() {
        let lines = wrap("one two three four", 10.0, 60.0, 9);
        assert!(lines.len() > 1);
        assert_eq!(lines.join(" "), "one two three four");
        assert_eq!(wrap("one two three four", 10.0, 60.0, 1).len(), 1);
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(clean("a\u{0}b\nc"), "a b c");
    }
}
