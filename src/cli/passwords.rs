//! No password of an address is repeated, wherever on the command line it was given.

/// The command line as it was typed, but for passwords.
pub(super) fn command_line() -> Vec<String> {
    let mut words: Vec<String> = typed().map(|word| without_password(&word)).collect();
    if let Some(program) = words.first_mut() {
        *program = "orderline".to_owned();
    }
    words
}

/// A text with `***` for the passwords of all addresses in it: one in the wrong place is shown as any other
/// word would be.
pub(super) fn without_passwords(text: &str) -> String {
    hidden(text, typed())
}

fn typed() -> impl Iterator<Item = String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned())
}

/// Words that were typed are looked for as they are, for there may be blanks and quotes in a password.
fn hidden(text: &str, typed: impl Iterator<Item = String>) -> String {
    if !text.contains("://") {
        return text.to_owned();
    }
    let mut text = text.to_owned();
    for word in typed {
        let value = word
            .split_once('=')
            .map_or(word.as_str(), |(_, value)| value);
        let kept = without_password(value);
        if kept != value {
            text = text.replace(value, &kept);
        }
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '\u{1b}');
    text.split_inclusive(ends).map(without_password).collect()
}

/// A word with `***` for the passwords of the addresses in it. Up to the last `@`, for many forget that one in a
/// password must be written `%40`.
fn without_password(word: &str) -> String {
    let mut parts = word.split("://");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str("://");
        let login = part.rsplit_once('@').map_or("", |(login, _)| login);
        match login.split_once(':') {
            Some((user, _)) => kept.extend([user, ":***", &part[login.len()..]]),
            None => kept.push_str(part),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_repeated() {
        let cases = [
            ("amqp://me:secret@host:5672/v", "amqp://me:***@host:5672/v"),
            ("--url=amqp://me:a:b@c@host", "--url=amqp://me:***@host"),
            ("amqp://me:12/34@host", "amqp://me:***@host"),
            (
                "kafka://a:b@c,kafka://d:e,f@g",
                "kafka://a:***@c,kafka://d:***@g",
            ),
            ("amqp://host:5672/a", "amqp://host:5672/a"),
            ("amqp://me@host", "amqp://me@host"),
            ("stage.a.consumers=4", "stage.a.consumers=4"),
        ];
        for (typed, kept) in cases {
            assert_eq!(without_password(typed), kept);
        }
    }

    #[test]
    fn nor_in_what_is_told_of_them() {
        let nothing = || std::iter::empty();
        let told = "invalid value '\u{1b}[33mamqp://me:secret@h\u{1b}[0m' for '--broker'\n  in kafka://a:b@c";
        let kept = "invalid value '\u{1b}[33mamqp://me:***@h\u{1b}[0m' for '--broker'\n  in kafka://a:***@c";
        assert_eq!(hidden(told, nothing()), kept);
        let typed = || {
            ["--set", "x=amqp://me:it's my@h"]
                .map(str::to_owned)
                .into_iter()
        };
        assert_eq!(
            hidden("no amqp://me:it's my@h here", typed()),
            "no amqp://me:***@h here"
        );
    }
}
