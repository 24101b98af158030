//! Small pieces of wording that many messages share.

/// `` `a`, `b` and `c` ``; the last two are joined by `word`.
pub(super) fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>, word: &str) -> String {
    let mut items: Vec<String> = items
        .into_iter()
        .map(|item| format!("`{}`", item.as_ref()))
        .collect();
    match items.pop() {
        None => String::new(),
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} {word} {last}", items.join(", ")),
    }
}

/// The item most like `word`, if it is like enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, items: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LIKE_ENOUGH: f64 = 0.6;
    let likeness = |item: &str| strsim::normalized_damerau_levenshtein(word, item);
    items
        .into_iter()
        .map(|item| (likeness(item), item))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .map(|(_, item)| item)
}

/// The cure for a wrong name: the nearest right one, else all there are.
pub(super) fn instead(word: &str, items: &[&str]) -> String {
    match nearest(word, items.iter().copied()) {
        Some(item) => format!("did you mean `{item}`?"),
        None => format!("there is {}", list(items, "and")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_english() {
        assert_eq!(list(["a"], "or"), "`a`");
        assert_eq!(list(["a", "b", "c"], "or"), "`a`, `b` or `c`");
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_nonsense_is_not() {
        assert_eq!(
            nearest("consumer", ["consumers", "next"]),
            Some("consumers")
        );
        assert_eq!(nearest("zzz", ["consumers", "next"]), None);
        assert_eq!(instead("zzz", &["a", "b"]), "there is `a` and `b`");
    }
}
