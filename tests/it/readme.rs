//! The README tells the truth where a test can check it.

use orderline::metric::Metric;
use orderline::scenario;
use std::path::Path;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::read_to_string(path).expect("the README")
}

#[test]
fn the_example_of_the_format_loads_as_it_stands() {
    let text = readme();
    let example = text
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let example = example.expect("an example");
    let loaded = scenario::parse(example, "README.md", Path::new("."), &[]);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.network.stages.len(), 2);
}

#[test]
fn every_metric_is_defined() {
    let text = readme();
    for metric in Metric::all().map(|metric| metric.to_string()) {
        let endings = ["_variance", "_p50", "_p90", "_p95", "_p99", "_p999", "_max"];
        let base = endings
            .iter()
            .find_map(|ending| metric.strip_suffix(ending));
        let name = base.unwrap_or(&metric);
        assert!(
            text.contains(&format!("`{name}`")),
            "{name} is not in the README"
        );
    }
}

#[test]
fn every_file_it_links_to_is_there() {
    let text = readme();
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.contains("://")) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(link);
        assert!(path.exists(), "{link}");
    }
}
