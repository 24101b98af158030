//! Text without its closing quote: found line by line, so that what follows from it is not told too.
//!
//! A parser that runs into the end of a line inside of a text loses count of the brackets around it,
//! and may then misread the rest of the file.

use std::ops::Range;

/// A text that its line does not close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// The byte of its opening quote.
    pub(super) open: usize,
    /// Its line, without the end of the line.
    pub(super) line: Range<usize>,
    /// Whether it stands within brackets.
    pub(super) nested: bool,
}

/// Finds every text that is not closed on its line. Texts of several lines (in `"""`) are passed over.
pub(super) fn find(text: &str) -> Vec<Unclosed> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut long: Option<&str> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let before = depth;
        if let Some((at, nested)) = scan(content, &mut depth, &mut long) {
            found.push(Unclosed {
                open: start + at,
                line: start..start + content.len(),
                nested,
            });
            // The brackets behind the quote are lost, so those of the whole line do not count.
            depth = before;
        }
        start += line.len();
    }
    found
}

/// Reads a line; where a text is not closed, its place and whether it is within brackets.
fn scan(line: &str, depth: &mut usize, long: &mut Option<&str>) -> Option<(usize, bool)> {
    const LONG: [&str; 2] = ["\"\"\"", "'''"];
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        if let Some(quote) = *long {
            let end = rest.find(quote)?;
            *long = None;
            at += end + quote.len();
            continue;
        }
        if let Some(quote) = LONG.into_iter().find(|quote| rest.starts_with(quote)) {
            *long = Some(quote);
            at += quote.len();
            continue;
        }
        let first = rest.chars().next()?;
        match first {
            '#' => return None,
            '"' | '\'' => match closing(&rest[1..], first) {
                Some(end) => at += 1 + end,
                None => return Some((at, *depth > 0)),
            },
            '[' | '{' => *depth += 1,
            ']' | '}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        at += first.len_utf8();
    }
    None
}

/// The place of the closing quote; in `"` text a backslash protects the next character.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut protected = false;
    text.find(|c: char| {
        let closes = c == quote && !protected;
        protected = c == '\\' && quote == '"' && !protected;
        closes
    })
}

/// The text with the lines of all nested ones blank, every other byte at its place.
pub(super) fn blanked(text: &str, unclosed: &[Unclosed]) -> String {
    let mut blanked = String::with_capacity(text.len());
    let mut done = 0;
    for line in unclosed
        .iter()
        .filter(|one| one.nested)
        .map(|one| &one.line)
    {
        blanked.push_str(&text[done..line.start]);
        blanked.extend(std::iter::repeat_n(' ', line.len()));
        done = line.end;
    }
    blanked + &text[done..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_is_no_error() {
        let text = "a = \"é\\\"y\" # it's\nb = '\\'\nc = \"\"\"\nit's \"so\"\n\"\"\"\nd = \"\"\n";
        assert_eq!(find(text), []);
    }

    #[test]
    fn every_unclosed_text_is_found_and_nested_ones_are_blanked() {
        let text = "a = \"x\nb = { c = \"y }\n[[d]]\ne = 'z\n";
        let found = find(text);
        let opened: Vec<(usize, bool)> = found.iter().map(|one| (one.open, one.nested)).collect();
        assert_eq!(opened, [(4, false), (17, true), (32, false)]);
        let blanked = blanked(text, &found);
        assert_eq!(blanked, "a = \"x\n              \n[[d]]\ne = 'z\n");
    }
}
