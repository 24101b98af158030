//! The scenario to start from, which `orderline new` writes.

use super::names;

const TEMPLATE: &str = include_str!("template.toml");

/// The line of the template that holds the name.
const NAME_LINE: &str = "name = \"my-pipeline\"";

/// A scenario cannot have this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be the name of a scenario: a name {problem}")]
pub struct UnusableName {
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A commented scenario of this name to start from.
///
/// # Errors
///
/// A name that cannot be that of a folder.
///
/// ```
/// let text = orderline::scenario::template("bakery").unwrap();
/// assert!(text.contains("name = \"bakery\""));
/// assert!(orderline::scenario::template("../x").is_err());
/// ```
pub fn template(name: &str) -> Result<String, UnusableName> {
    match names::unsound(name) {
        Some(problem) => Err(UnusableName {
            name: name.to_owned(),
            problem,
        }),
        None => {
            // No control characters and no backslashes, so only quotes are to be escaped.
            let quoted = name.replace('"', "\\\"");
            Ok(TEMPLATE.replace(NAME_LINE, &format!("name = \"{quoted}\"")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;
    use std::path::Path;

    #[test]
    fn the_template_loads_without_warning_under_any_name() {
        for name in ["bakery", "two words", "a\"b", "Größe"] {
            let text = template(name).unwrap();
            let loaded = parse(&text, "x.toml", Path::new(""), &[]).unwrap();
            assert_eq!(loaded.network.name, name);
            assert_eq!(loaded.warnings, []);
        }
    }
}
