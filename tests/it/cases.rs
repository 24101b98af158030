//! The cases of `tests/truth/`: scenarios with the figures that others published or computed.

use orderline::metric::Metric;
use orderline::network::{ClassId, Network, Place, StageId};
use orderline::scenario::{self, Loaded};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
pub struct Family {
    pub family: String,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    pub id: String,
    pub scenario: String,
    pub expect: Vec<Expected>,
    pub exactness: String,
}

#[derive(Deserialize)]
pub struct Expected {
    pub at: String,
    pub metric: String,
    pub value: f64,
    pub rel_tol: f64,
    pub abs_tol: f64,
}

impl Expected {
    /// What is expected.
    pub fn metric(&self) -> Metric {
        self.metric.parse().expect("a metric of the contract")
    }

    /// By how much a figure may be off.
    pub fn tolerance(&self) -> f64 {
        self.abs_tol + self.rel_tol * self.value.abs()
    }
}

/// All families, in the order of their names.
pub fn families() -> Vec<Family> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a file of cases");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.iter().map(read).collect()
}

pub fn loaded(case: &Case) -> Loaded {
    scenario::parse(&case.scenario, &case.id, Path::new("."), &[])
        .unwrap_or_else(|error| panic!("{}: {error}", case.id))
}

pub fn network(case: &Case) -> Network {
    loaded(case).network
}

pub fn place(network: &Network, at: &str) -> Place {
    let mut all = vec![Place::Pipeline];
    for stage in (0..network.stages.len()).map(StageId) {
        all.push(Place::Stage(stage));
        let classes = (0..network.classes.len()).map(ClassId);
        all.extend(classes.map(|class| Place::Class(stage, class)));
    }
    let found = all
        .into_iter()
        .find(|place| network.place_name(*place) == at);
    found.unwrap_or_else(|| panic!("no place {at}"))
}
