//! The page of all models, `src/theory/models.md`: made from the catalogue and from what the truth
//! cases show, never typed. `ORDERLINE_BLESS=1 cargo test --test it catalogue` writes it anew.

use crate::cases::{Expected, families, network, place};
use orderline::network::Place;
use orderline::theory::{Kind, Model, NetworkTheory, analyze, models};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What theory says of the truth cases of one family, or by one model.
#[derive(Default)]
struct Score {
    cases: usize,
    figures: usize,
    /// Matched to tolerance by a figure labelled exact.
    exact: usize,
    /// Without any formula.
    missing: usize,
    /// Relative errors of approximations.
    errors: Vec<f64>,
    /// The largest relative deviation of a matched figure from a value known to all digits.
    deviation: f64,
}

impl Score {
    fn add(&mut self, theory: &NetworkTheory, at: Place, expected: &Expected) {
        self.figures += 1;
        let Some(figure) = theory.figure(at, expected.metric()) else {
            self.missing += 1;
            return;
        };
        let off = (figure.value - expected.value).abs();
        let relative = if off == 0.0 {
            0.0
        } else {
            off / expected.value.abs()
        };
        match figure.kind {
            Kind::Exact if off <= expected.tolerance() => {
                self.exact += 1;
                if expected.abs_tol == 0.0 {
                    self.deviation = self.deviation.max(relative);
                }
            }
            // The published value itself is rounded or simulated, else another test fails.
            Kind::Exact => {}
            Kind::Approximation | Kind::Bound => self.errors.push(relative),
        }
    }

    /// The median and the largest error of approximations, in per cent.
    fn error(&self) -> String {
        let mut errors = self.errors.clone();
        errors.sort_by(f64::total_cmp);
        match errors.last() {
            None => "–".to_owned(),
            Some(last) => format!(
                "{:.1} %, {:.0} %",
                100.0 * errors[errors.len() / 2],
                100.0 * last
            ),
        }
    }
}

/// A deviation, rounded up to a power of ten, so that the last bits of a machine do not show.
fn decade(deviation: f64) -> String {
    if deviation == 0.0 {
        return "0".to_owned();
    }
    format!("1e{}", deviation.max(1e-15).log10().ceil() as i32)
}

/// The catalogue's entry for a place; the pipeline's own, else that of its only stage.
fn entry_of(theory: &NetworkTheory, at: Place) -> Option<&'static Model> {
    match at {
        Place::Stage(stage) | Place::Class(stage, _) => theory.stages[stage.0].entry,
        Place::Pipeline => {
            let only = theory.stages.first().filter(|_| theory.stages.len() == 1);
            theory.pipeline.entry.or_else(|| only?.entry)
        }
    }
}

fn row(page: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(page, "| {} |", cells.join(" | ")).expect("text");
}

fn table(page: &mut String, head: &[&str]) {
    row(
        page,
        &head
            .iter()
            .map(|cell| (*cell).to_owned())
            .collect::<Vec<_>>(),
    );
    row(page, &vec!["---".to_owned(); head.len()]);
}

fn list_of_models(page: &mut String) {
    table(
        page,
        &["model", "conditions", "gives", "kind", "source", "tests"],
    );
    for model in models() {
        let tests: Vec<String> = model.tests.iter().map(|name| format!("`{name}`")).collect();
        let cells = [
            model.name.to_owned(),
            model.conditions.to_owned(),
            model.gives.to_owned(),
            model.kind.to_string(),
            model.source.to_owned(),
            tests.join(", "),
        ];
        row(page, &cells);
    }
}

fn validation(page: &mut String) {
    let mut by_family: BTreeMap<String, Score> = BTreeMap::new();
    let mut by_model: BTreeMap<&str, Score> = BTreeMap::new();
    let families = families();
    let cases = families
        .iter()
        .flat_map(|family| family.cases.iter().map(|case| (&family.family, case)));
    for (family, case) in cases {
        let network = network(case);
        let theory = analyze(&network);
        by_family.entry(family.clone()).or_default().cases += 1;
        let mut seen: Vec<&str> = Vec::new();
        for expected in &case.expect {
            let at = place(&network, &expected.at);
            let score = by_family.entry(family.clone()).or_default();
            score.add(&theory, at, expected);
            if let Some(entry) = entry_of(&theory, at) {
                let score = by_model.entry(entry.name).or_default();
                score.add(&theory, at, expected);
                score.cases += usize::from(!seen.contains(&entry.name));
                seen.push(entry.name);
            }
        }
    }
    let head = [
        "family",
        "cases",
        "figures",
        "matched, labelled exact",
        "approximated",
        "median and largest error",
        "no formula",
    ];
    table(page, &head);
    for (family, score) in &by_family {
        let cells = [
            format!("`{family}.json`"),
            score.cases.to_string(),
            score.figures.to_string(),
            score.exact.to_string(),
            score.errors.len().to_string(),
            score.error(),
            score.missing.to_string(),
        ];
        row(page, &cells);
    }
    page.push_str("\nThe same by model. The deviation is the largest relative one from values that are known to all digits, rounded up to a power of ten.\n\n");
    let head = [
        "model",
        "cases",
        "figures",
        "matched, labelled exact",
        "deviation below",
        "approximated",
        "median and largest error",
    ];
    table(page, &head);
    for model in models() {
        let Some(score) = by_model.get(model.name) else {
            continue;
        };
        let cells = [
            model.name.to_owned(),
            score.cases.to_string(),
            score.figures.to_string(),
            score.exact.to_string(),
            decade(score.deviation),
            score.errors.len().to_string(),
            score.error(),
        ];
        row(page, &cells);
    }
}

const HEAD: &str = "\
Every model of the theory engine, the most specific first: of a stage the first that fits is taken. This page is made by
`tests/it/catalogue.rs` from the catalogue in the code and from the cases in `tests/truth/`.

";

const TRUTH: &str = "
# Against published and independently computed figures

The cases of `tests/truth/`: figures printed in books, papers and manuals, computed by other programs, or computed to many digits
by a second method. A figure labelled exact that is off anywhere fails the tests.

";

#[test]
fn the_page_of_models_is_up_to_date() {
    let mut page = HEAD.to_owned();
    list_of_models(&mut page);
    page.push_str(TRUTH);
    validation(&mut page);
    let file = root().join("src/theory/models.md");
    if std::env::var_os("ORDERLINE_BLESS").is_some() {
        std::fs::write(&file, &page).expect("the page can be written");
    }
    let old = std::fs::read_to_string(&file).unwrap_or_default();
    let change = old
        .lines()
        .zip(page.lines())
        .find(|(old, new)| !alike(old, new));
    assert!(
        change.is_none() && old.lines().count() == page.lines().count(),
        "src/theory/models.md is out of date: run ORDERLINE_BLESS=1 cargo test --test it catalogue\n{change:#?}"
    );
}

/// Whether two lines are the same but for powers of ten that are neighbours: the last bits of
/// exponentials and logarithms differ between machines.
fn alike(old: &str, new: &str) -> bool {
    let words = old.split(' ').zip(new.split(' '));
    let power = |word: &str| word.strip_prefix("1e").and_then(|p| p.parse::<i32>().ok());
    let same = |(old, new): (&str, &str)| match (power(old), power(new)) {
        (Some(old), Some(new)) => (old - new).abs() <= 1,
        _ => old == new,
    };
    old.split(' ').count() == new.split(' ').count() && words.into_iter().all(same)
}

/// All Rust sources below a folder.
fn sources(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_model_names_tests_that_exist() {
    let mut text = String::new();
    sources(&root().join("src"), &mut text);
    sources(&root().join("tests/it"), &mut text);
    for model in models() {
        assert!(!model.tests.is_empty(), "{} names no test", model.name);
        for test in model.tests {
            assert!(
                text.contains(&format!("fn {test}(")),
                "{}: no test `{test}`",
                model.name
            );
        }
    }
}
