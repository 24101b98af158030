//! Records of runs that never were, from formulas, to draw and test charts with.

use crate::metric::Metric;
use crate::report::live::records::{
    DepthRow, DifferenceRow, LiveDistributionRow, LiveRecords, LiveRow,
};
use crate::report::records::{DistributionRow, LimitRow, MetricRow, RunRecords, StaffRow, TimeRow};

/// A stage of the sample: its name, arrival rate, consumers' joint service rate.
pub struct Stage<'a>(pub &'a str, pub f64, pub f64);

/// Deterministic noise in [-1, 1].
fn noise(i: usize) -> f64 {
    (i as f64 * 12.9898).sin() * (i as f64 * 0.731).cos()
}

fn row(at: &str, metric: &str, mean: f64, theory: f64, kind: &str, i: usize) -> MetricRow {
    let unit = metric.parse::<Metric>().expect("a metric").unit();
    let half = 0.008 * mean.abs() * (1.2 + noise(i + 7));
    let mean = mean * (1.0 + 0.004 * noise(i));
    MetricRow {
        at: at.to_owned(),
        metric: metric.to_owned(),
        unit: unit.symbol().to_owned(),
        mean: Some(mean),
        low: Some(mean - half),
        high: Some(mean + half),
        theory: Some(theory),
        kind: Some(kind.to_owned()),
        difference: (theory != 0.0).then(|| mean / theory - 1.0),
        verdict: "agrees".to_owned(),
        model: if at == "pipeline" {
            String::new()
        } else {
            "M/M/1".to_owned()
        },
        formula: "1/(μ − λ)".to_owned(),
        reference: "Kleinrock (1975), eq. 3.26".to_owned(),
    }
}

/// The records of M/M/1 stages in tandem; a stage with λ ≥ μ overflows.
pub fn tandem(scenario: &str, stages: &[Stage]) -> RunRecords {
    let mut records = RunRecords {
        scenario: scenario.to_owned(),
        confidence: 0.95,
        warmup: 420.0,
        limits: vec![LimitRow {
            at: "pipeline".to_owned(),
            metric: "latency_p99".to_owned(),
            limit: 2.0,
        }],
        ..RunRecords::default()
    };
    let stable: Vec<&Stage> = stages.iter().filter(|s| s.1 < s.2).collect();
    let mean: f64 = stable.iter().map(|s| 1.0 / (s.2 - s.1)).sum();
    let slowest = stable
        .iter()
        .map(|s| 1.0 / (s.2 - s.1))
        .fold(1e-3, f64::max);
    let rest = mean - slowest;
    pipeline(
        &mut records,
        mean,
        slowest,
        rest,
        stages.iter().all(|s| s.1 < s.2),
    );
    for (i, one) in stages.iter().enumerate() {
        stage(&mut records, one, i * 40);
    }
    records
}

fn pipeline(records: &mut RunRecords, mean: f64, slowest: f64, rest: f64, steady: bool) {
    if !steady {
        return;
    }
    let quantile = |p: f64| rest - slowest * (1.0f64 - p).ln();
    let rate = 120.0;
    let figures = [
        ("throughput", rate),
        ("number_in_system", rate * mean),
        ("latency", mean),
        ("latency_p50", quantile(0.5)),
        ("latency_p99", quantile(0.99)),
    ];
    for (i, (metric, value)) in figures.into_iter().enumerate() {
        let measured = if i < 3 { value } else { value * 1.03 };
        let kind = if i < 3 { "exact" } else { "approximation" };
        records
            .metrics
            .push(row("pipeline", metric, measured, value, kind, i));
    }
    let residual = row("pipeline", "little_residual", 0.0003, 0.0, "exact", 1);
    records.metrics.push(MetricRow {
        theory: None,
        kind: None,
        ..residual
    });
    for i in 0..160 {
        let time = (rest + 12.0 * slowest) * i as f64 / 160.0;
        let theory = (-(time - rest).max(0.0) / slowest).exp();
        let tail = 1.0 + 0.25 * noise(i) * (i as f64 / 160.0).powi(6);
        records.distributions.push(DistributionRow {
            at: "pipeline".to_owned(),
            quantity: "latency".to_owned(),
            time,
            ccdf: (theory * tail).min(1.0),
            theory: Some(theory),
            kind: Some("approximation".to_owned()),
        });
    }
}

fn stage(records: &mut RunRecords, Stage(name, rate, service): &Stage, seed: usize) {
    let at = format!("stage:{name}");
    let load = rate / service;
    let mut push = |metric: &str, mean: f64, theory: f64, i: usize| {
        records
            .metrics
            .push(row(&at, metric, mean, theory, "exact", seed + i));
    };
    push("utilization", load.min(1.0), load, 1);
    if load < 1.0 {
        let sojourn = 1.0 / (service - rate);
        push(
            "queue_length",
            load * load / (1.0 - load),
            load * load / (1.0 - load),
            2,
        );
        push(
            "number_in_system",
            load / (1.0 - load),
            load / (1.0 - load),
            3,
        );
        push("waiting_time", load * sojourn, load * sojourn, 4);
        push("service_time", 1.0 / service, 1.0 / service, 5);
        push("sojourn_time", sojourn, sojourn, 6);
        push("sojourn_time_p99", 4.605 * sojourn, 4.605 * sojourn, 7);
        push("processing_time", 1.0 / service, 1.0 / service, 8);
        // A slope of nearly nothing, as any stable stage has.
        push("backlog_growth", 7e-6, 0.0, 10);
        let residual = row(
            &at,
            "little_residual",
            0.0008 * noise(seed),
            0.0,
            "exact",
            9,
        );
        records.metrics.push(MetricRow {
            theory: None,
            kind: None,
            ..residual
        });
        sojourn_rows(records, &at, sojourn, seed);
    } else {
        let growth = rate - service;
        push("backlog_growth", growth, growth, 10);
        records.metrics.push(MetricRow {
            mean: None,
            theory: None,
            verdict: "no_steady_state".to_owned(),
            ..row(&at, "queue_length", 0.0, 0.0, "exact", 2)
        });
    }
    for i in 0..120 {
        let time = 60.0 * (i + 1) as f64;
        let length = match load < 1.0 {
            true => {
                load * load / (1.0 - load)
                    * (1.0 - (-time / 200.0).exp())
                    * (1.0 + 0.2 * noise(seed + i))
            }
            false => (rate - service) * time * (1.0 + 0.02 * noise(i)),
        };
        records.timeseries.push(TimeRow {
            time,
            at: at.clone(),
            phase: if time <= 420.0 { "warmup" } else { "measured" }.to_owned(),
            queue_length: length,
            number_in_system: length + load,
            arrival_rate: *rate,
            throughput: rate.min(*service),
            queue_length_theory: None,
        });
    }
}

fn sojourn_rows(records: &mut RunRecords, at: &str, sojourn: f64, seed: usize) {
    for i in 0..60 {
        let time = sojourn * 0.01 * 1.13f64.powi(i);
        let theory = (-time / sojourn).exp();
        if theory < 1e-6 {
            break;
        }
        records.distributions.push(DistributionRow {
            at: at.to_owned(),
            quantity: "sojourn_time".to_owned(),
            time,
            ccdf: (theory * (1.0 + 0.05 * noise(seed + i as usize))).min(1.0),
            theory: Some(theory),
            kind: Some("exact".to_owned()),
        });
    }
}

/// Order, payment and inventory.
pub fn checkout() -> RunRecords {
    let stages = [
        Stage("order", 120.0, 160.0),
        Stage("payment", 123.0, 128.0),
        Stage("inventory", 118.0, 150.0),
    ];
    tandem("checkout", &stages)
}

/// The same with brokers that take time, attempts that fail, and consumers that come and go.
pub fn brokers() -> RunRecords {
    let mut records = checkout();
    records.scenario = "brokers".to_owned();
    let parts = [0.004, 0.011, 0.3, 0.0005, 0.25, 0.12];
    let figures = Metric::PARTS.into_iter().zip(parts);
    let more = figures.map(|(metric, value)| MetricRow {
        theory: None,
        kind: None,
        ..row("pipeline", &metric.to_string(), value, 0.0, "exact", 3)
    });
    records.metrics.splice(0..0, more);
    for (stage, (low, high)) in [("order", (4.0, 4.0)), ("payment", (2.0, 9.0))] {
        let rows = (0..120).map(|i| {
            let consumers = if (40..80).contains(&i) { high } else { low };
            StaffRow {
                time: 60.0 * f64::from(i + 1),
                at: format!("stage:{stage}"),
                phase: if i < 7 { "warmup" } else { "measured" }.to_owned(),
                consumers,
                busy: 0.7 * consumers * (1.0 + 0.2 * noise(i as usize)),
                broken_down: 0.1 * low * (1.0 + noise(i as usize)),
                broker_down: 0.0,
            }
        });
        records.staff.extend(rows);
    }
    records
}

/// The same live: the broker adds a little to each order, and now and then a lot.
pub fn live() -> RunRecords {
    let mut records = checkout();
    records.scenario = "live".to_owned();
    let figures = records.metrics.iter().map(|row| LiveRow {
        at: row.at.clone(),
        metric: row.metric.clone(),
        unit: row.unit.clone(),
        live: row.mean.map(|mean| 1.03 * mean),
        twin: row.mean,
        replayed: row.mean.map(|mean| 1.01 * mean),
        low: row.low,
        high: row.high,
        theory: row.theory,
        kind: row.kind.clone(),
        difference_twin: Some(0.03),
        difference_replayed: Some(0.02),
        verdict: row.verdict.clone(),
    });
    let distributions = records.distributions.iter().map(|row| LiveDistributionRow {
        at: row.at.clone(),
        quantity: row.quantity.clone(),
        time: row.time,
        live: row.ccdf.powf(0.97),
        twin: Some(row.ccdf),
        replayed: Some(row.ccdf.powf(0.99)),
        theory: row.theory,
        kind: row.kind.clone(),
    });
    let quantile = |p: f64| {
        let later = 0.0004 * (p - 0.05) / (1.001 - p).sqrt();
        DifferenceRow {
            statistic: "quantile".to_owned(),
            p: Some(p),
            twin: Some(1.8 * later),
            replayed: Some(later),
        }
    };
    let depths = (0..120).flat_map(|second| {
        ["order", "payment", "inventory"].map(|stage| {
            let depth = 6.0 + 5.0 * noise(second + stage.len());
            DepthRow {
                time: 60.0 * (second + 1) as f64,
                at: format!("stage:{stage}"),
                broker: (stage != "inventory").then_some(depth as u64),
                sent: 1 + depth as u64,
                twin: Some(0.9 * depth),
            }
        })
    });
    let live = LiveRecords {
        system: "RabbitMQ 3.10.8".to_owned(),
        figures: figures.collect(),
        distributions: distributions.collect(),
        differences: (0..=100).map(|i| quantile(f64::from(i) / 100.0)).collect(),
        delays: Vec::new(),
        depths: depths.collect(),
    };
    records.live = Some(live);
    records
}

/// One stage.
pub fn mm1() -> RunRecords {
    tandem("mm1", &[Stage("server", 8.0, 10.0)])
}

/// Three stages, the second overloaded.
pub fn overload() -> RunRecords {
    let stages = [
        Stage("order", 120.0, 160.0),
        Stage("payment", 120.0, 108.0),
        Stage("inventory", 108.0, 150.0),
    ];
    tandem("overload", &stages)
}

/// As many stages as asked for, with long names.
pub fn many(count: usize) -> RunRecords {
    let names: Vec<String> = (0..count)
        .map(|i| format!("fulfilment and settlement of partner orders, step {i}"))
        .collect();
    let stages: Vec<Stage> = names
        .iter()
        .enumerate()
        .map(|(i, name)| Stage(name, 100.0, 110.0 + 12.0 * ((i * 7) % 12) as f64))
        .collect();
    tandem("long", &stages)
}
