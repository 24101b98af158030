//! The speed of the formulas: a Jackson network of 200 stages with ways back, one stage with 10 000
//! consumers, and the scenario `checkout.toml` from its text to its figures.
//!
//! `cargo bench --bench theory`; the aim is less than 100 ms, 100 ms and 10 ms.

use divan::Bencher;
use orderline::network::Network;
use orderline::scenario::parse;
use orderline::theory::analyze;
use std::fmt::Write;
use std::path::Path;

fn main() {
    divan::main();
}

fn network(text: &str) -> Network {
    let loaded = parse(text, "bench", Path::new("."), &[]).expect("a correct scenario");
    loaded.network
}

/// Stages in a row; every tenth order goes back to the stage before.
fn jackson(stages: usize) -> Network {
    let mut text = "name = \"jackson\"\n[run]\nduration = 1000\n".to_owned();
    text.push_str(
        "[[producer]]\nname = \"p\"\nto = \"s0\"\narrivals = { poisson = { rate = 1 } }\n",
    );
    for stage in 0..stages {
        let on = match stage + 1 {
            next if next < stages => format!("s{next}"),
            _ => "completed".to_owned(),
        };
        let rate = 1.5 + stage as f64 / stages as f64;
        let ways = match stage {
            0 => format!("\"{on}\""),
            _ => format!(
                "[{{ to = \"s{}\", probability = 0.1 }}, {{ to = \"{on}\", probability = 0.9 }}]",
                stage - 1
            ),
        };
        write!(
            text,
            "[[stage]]\nname = \"s{stage}\"\nconsumers = 1\nservice = {{ exponential = {{ rate = {rate} }} }}\nnext = {ways}\n"
        )
        .expect("text takes all");
    }
    network(&text)
}

#[divan::bench]
fn jackson_network_of_200_stages(bencher: Bencher) {
    let network = jackson(200);
    bencher.bench(|| analyze(&network));
}

#[divan::bench]
fn ten_thousand_consumers(bencher: Bencher) {
    let network = network(
        "name = \"many\"\n[run]\nduration = 1000\n[[producer]]\nname = \"p\"\nto = \"s\"\narrivals = { poisson = { rate = 9900 } }\n[[stage]]\nname = \"s\"\nconsumers = 10000\nservice = { exponential = { rate = 1 } }\n",
    );
    bencher.bench(|| analyze(&network));
}

#[divan::bench]
fn checkout(bencher: Bencher) {
    let text = include_str!("../scenarios/checkout.toml");
    bencher.bench(|| analyze(&network(text)));
}
