//! Charts from records, and their pictures.

use super::sample;
use super::value::{
    Axis, Bar, Category, Chart, Glyph, Marker, Measure, Panel, Point, Role, Scale, Series, Shape,
};
use super::{all, font, layout, render_png, render_svg};
use crate::report::records::RunRecords;
use proptest::prelude::*;

/// Writes every sample's pictures into the folder named by `CHART_GALLERY`, to be looked at.
#[test]
fn gallery() {
    let Ok(folder) = std::env::var("CHART_GALLERY") else {
        return;
    };
    for records in &samples() {
        for chart in all(records) {
            let stem = format!("{folder}/{}-{}", records.scenario, chart.name);
            let svg = render_svg(&chart).expect("drawn");
            std::fs::write(format!("{stem}.svg"), svg).expect("written");
            let png = render_png(&chart).expect("drawn");
            std::fs::write(format!("{stem}.png"), png).expect("written");
        }
    }
}

fn samples() -> Vec<RunRecords> {
    let mut hostile = sample::checkout();
    hostile.scenario = "hostile".to_owned();
    for row in &mut hostile.metrics {
        row.at = row.at.replace("payment", "<&\"'> Zahlung\u{0} 支払い");
    }
    for row in &mut hostile.timeseries {
        row.at = row.at.replace("payment", "<&\"'> Zahlung\u{0} 支払い");
    }
    vec![
        sample::mm1(),
        sample::checkout(),
        sample::overload(),
        sample::brokers(),
        sample::live(),
        sample::many(12),
        hostile,
    ]
}

fn chart<'a>(charts: &'a [Chart], name: &str) -> &'a Chart {
    let found = charts.iter().find(|chart| chart.name == name);
    found.unwrap_or_else(|| panic!("no chart {name}"))
}

/// Texts must stay inside the picture; a fallback font up to 4 % wider must still do.
fn assert_well_laid_out(chart: &Chart) {
    let scene = layout::scene(chart);
    for text in scene.texts() {
        let mut wider = text.clone();
        wider.size *= 1.04;
        let (left, right) = wider.extent();
        let inside = left >= 0.0 && right <= scene.width;
        assert!(
            inside,
            "{}: {text:?} reaches from {left} to {right}",
            chart.name
        );
        assert!(
            text.at.1 - text.size >= 0.0 && text.at.1 + 3.0 <= scene.height,
            "{text:?}"
        );
    }
    let svg = render_svg(chart).expect("drawn");
    assert!(
        !svg.contains("NaN") && !svg.contains("inf"),
        "{}",
        chart.name
    );
    assert_well_formed(&svg);
}

/// Every tag closed, every `&` an entity, no control character.
fn assert_well_formed(svg: &str) {
    let mut open = 0;
    for tag in svg.split('<').skip(1) {
        match tag {
            tag if tag.starts_with('/') => open -= 1,
            tag if tag.contains("/>") => {}
            _ => open += 1,
        }
    }
    assert_eq!(open, 0);
    for entity in svg.split('&').skip(1) {
        let known = ["lt;", "gt;", "amp;", "quot;", "apos;"];
        assert!(
            known.iter().any(|name| entity.starts_with(name)),
            "{entity:.20}"
        );
    }
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn no_text_is_clipped_and_every_svg_is_well_formed() {
    for records in samples()
        .iter()
        .chain([&sample::many(1), &sample::many(30)])
    {
        for chart in all(records) {
            assert_well_laid_out(&chart);
        }
    }
}

/// No two texts of a picture overlap, by the widths of the embedded font.
#[test]
fn no_texts_collide() {
    for records in &samples() {
        for chart in all(records) {
            let scene = layout::scene(&chart);
            let boxes: Vec<_> = scene
                .texts()
                .map(|t| (t.extent(), t.at.1 - 0.7 * t.size, t.at.1, &t.text))
                .collect();
            for (i, a) in boxes.iter().enumerate() {
                for b in &boxes[..i] {
                    let beside = a.0.1 <= b.0.0 || b.0.1 <= a.0.0;
                    let above = a.2 <= b.1 || b.2 <= a.1;
                    assert!(beside || above, "{}: {:?} and {:?}", chart.name, a.3, b.3);
                }
            }
        }
    }
}

#[test]
fn the_parts_of_the_latency_are_told_where_there_are_more_than_two() {
    let parts = |records: &RunRecords| {
        let charts = all(records);
        let one = chart(&charts, "where_time_goes");
        let bars = one.panels[0].series.iter();
        let bars = bars.filter(|series| matches!(series.shape, Shape::Bars(_)));
        bars.map(|series| series.label.clone()).collect::<Vec<_>>()
    };
    assert_eq!(parts(&sample::checkout()), ["waiting", "processing"]);
    let all = [
        "network",
        "enqueue",
        "waiting",
        "dequeue",
        "processing",
        "retry delay",
    ];
    assert_eq!(parts(&sample::brokers()), all);
}

#[test]
fn consumers_are_drawn_where_they_come_and_go() {
    assert!(
        all(&sample::checkout())
            .iter()
            .all(|one| one.name != "consumers")
    );
    let charts = all(&sample::brokers());
    let one = chart(&charts, "consumers");
    assert_eq!(one.title, "payment has between 2.00 and 9.00 consumers");
    assert_eq!(one.panels.len(), 2);
}

#[test]
fn the_same_chart_gives_the_same_bytes() {
    let charts = all(&sample::checkout());
    let one = chart(&charts, "latency");
    assert_eq!(render_svg(one), render_svg(&one.clone()));
    assert_eq!(render_png(one), render_png(&one.clone()));
}

#[test]
fn a_png_is_twice_as_large_as_the_svg() {
    let charts = all(&sample::mm1());
    let one = chart(&charts, "utilization");
    let file = render_png(one).expect("drawn");
    let height = layout::scene(one).height as u32;
    assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(file[16..20], 1920u32.to_be_bytes());
    assert_eq!(file[20..24], (2 * height).to_be_bytes());
    let svg = render_svg(one).expect("drawn");
    assert!(svg.starts_with("<svg xmlns="));
    assert!(svg.contains(&format!("width=\"960\" height=\"{height}\"")));
}

#[test]
fn records_without_rows_give_no_charts() {
    assert_eq!(all(&RunRecords::default()), []);
}

/// M/M/1 with λ = 8 and μ = 10: ρ = 0.8, and the latency is exponential with rate 2, so that its
/// 99th percentile is ln(100)/2 = 2.303 s.
#[test]
fn charts_say_what_the_rows_hold() {
    let charts = all(&sample::mm1());
    let latency = chart(&charts, "latency");
    assert!(
        latency.title.contains("theory says 2.30\u{a0}s"),
        "{}",
        latency.title
    );
    assert_eq!(latency.x.measure, Measure::Time);
    let roles: Vec<Role> = latency.panels[0].series.iter().map(|s| s.role).collect();
    assert_eq!(roles, [Role::Simulation, Role::Theory, Role::Simulation]);
    let limits = latency.panels[0].markers.iter().filter(
        |marker| matches!(marker, Marker::Vertical { at, role: Role::Limit, .. } if *at == 2.0),
    );
    assert_eq!(limits.count(), 1);
    let busy = chart(&charts, "utilization");
    let Shape::Points(Glyph::Tick, theory) = &busy.panels[0].series[0].shape else {
        panic!("theory is drawn as ticks");
    };
    assert!((theory[0].x - 0.8).abs() < 1e-12 && theory[0].y == 0.0);
}

#[test]
fn a_live_run_stands_beside_its_twins() {
    let charts = all(&sample::live());
    let latency = chart(&charts, "latency");
    let roles: Vec<Role> = latency.panels[0].series.iter().map(|s| s.role).collect();
    let expected = [
        Role::Simulation,
        Role::Replayed,
        Role::Live,
        Role::Theory,
        Role::Live,
    ];
    assert_eq!(roles, expected);
    assert!(latency.title.starts_with("Live, 99"), "{}", latency.title);
    // 0.4 ms · 0.45 / √0.501 and 0.4 ms · 0.94 / √0.011.
    let later = chart(&charts, "later_than_twin");
    let told = "half of the orders are later by 254\u{a0}µs or more; 1\u{a0}% are later by 3.59\u{a0}ms or more";
    assert!(later.title.contains(told), "{}", later.title);
    let depth = chart(&charts, "queue_depth");
    assert_eq!(depth.panels.len(), 3);
    // The broker does not tell of the third.
    let series: Vec<usize> = depth.panels.iter().map(|p| p.series.len()).collect();
    assert_eq!(series, [3, 3, 2]);
    assert!(charts.iter().all(|one| one.panels.iter().all(|panel| {
        panel
            .series
            .iter()
            .all(|series| series.label != "simulation")
    })));
}

#[test]
fn an_overload_is_told_and_its_growth_drawn() {
    let charts = all(&sample::overload());
    let queue = chart(&charts, "queue_length");
    assert!(
        queue
            .title
            .starts_with("The queue at payment grows by 12.0\u{a0}orders/s")
    );
    let growth = &queue.panels[1].series[1];
    assert_eq!(growth.role, Role::Theory);
    let Shape::Line(line) = &growth.shape else {
        panic!("growth is a line");
    };
    assert_eq!(line[1], (7200.0, 12.0 * 7200.0));
    let busy = chart(&charts, "utilization");
    assert!(
        busy.title.starts_with("payment gets more work"),
        "{}",
        busy.title
    );
}

#[test]
fn the_warm_up_is_marked_in_every_panel() {
    let charts = all(&sample::checkout());
    for panel in &chart(&charts, "queue_length").panels {
        let marked = panel.markers.iter().any(|marker| {
            matches!(marker, Marker::Span { from, to, .. } if (*from, *to) == (0.0, 420.0))
        });
        assert!(marked, "{}", panel.title);
    }
}

#[test]
fn of_many_stages_the_most_loaded_are_shown_and_that_is_said() {
    let charts = all(&sample::many(30));
    let busy = chart(&charts, "utilization");
    assert_eq!(busy.panels[0].y.scale.categories().len(), 12);
    assert_eq!(busy.note, "The 12 most loaded of 30 stages are shown.");
}

#[test]
fn exact_and_approximate_figures_differ_in_form() {
    let charts = all(&sample::checkout());
    let forms: Vec<Glyph> = chart(&charts, "measured_vs_theory").panels[0]
        .series
        .iter()
        .filter_map(|series| match series.shape {
            Shape::Points(form, _) => Some(form),
            _ => None,
        })
        .collect();
    assert_eq!(forms, [Glyph::Disc, Glyph::Diamond]);
}

#[test]
fn a_figure_that_differs_is_shown_and_counted_however_many_there_are() {
    let mut records = sample::many(30);
    let last = records
        .metrics
        .iter_mut()
        .rev()
        .find(|row| row.metric == "processing_time");
    last.expect("a row").verdict = "differs".to_owned();
    let charts = all(&records);
    let forest = chart(&charts, "measured_vs_theory");
    let labels = forest.panels[0].y.scale.categories();
    assert!(labels.iter().any(|row| row.label == "processing time"));
    assert!(!forest.title.starts_with("All"), "{}", forest.title);
}

#[test]
fn extreme_records_are_drawn_or_left_out_but_never_break() {
    for value in [
        0.0,
        1e-9,
        1e12,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::NAN,
        f64::INFINITY,
        -1.0,
    ] {
        let mut records = sample::checkout();
        for row in &mut records.metrics {
            row.mean = row.mean.map(|_| value);
            row.high = row.high.map(|_| value);
        }
        for row in &mut records.timeseries {
            row.queue_length = value;
        }
        for row in &mut records.distributions {
            row.time = value;
        }
        let live = sample::live().live.map(|mut live| {
            for row in &mut live.figures {
                row.live = row.live.map(|_| value);
            }
            for row in &mut live.distributions {
                row.time = value;
            }
            for row in &mut live.differences {
                row.replayed = row.replayed.map(|_| value);
            }
            live
        });
        let lively = RunRecords {
            live,
            ..records.clone()
        };
        for chart in all(&lively) {
            assert_well_laid_out(&chart);
        }
        for chart in all(&records) {
            assert_well_laid_out(&chart);
            render_png(&chart).expect("drawn");
        }
    }
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e3..1e3,
        Just(0.0),
        Just(1e-300),
        Just(1e300),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

fn scale() -> impl Strategy<Value = Scale> {
    prop_oneof![
        (number(), number()).prop_map(|(low, high)| Scale::Linear { low, high }),
        (number(), number()).prop_map(|(low, high)| Scale::Log10 { low, high }),
        prop::collection::vec(".{0,70}", 0..6).prop_map(|names| {
            let row = |label| Category {
                label,
                ..Category::default()
            };
            Scale::Categories(names.into_iter().map(row).collect())
        }),
    ]
}

fn any_chart() -> impl Strategy<Value = Chart> {
    let points = prop::collection::vec((number(), number()), 0..8);
    (".{0,90}", scale(), scale(), points, 0usize..4, number()).prop_map(
        |(text, x, y, points, copies, at)| Chart {
            name: "any".to_owned(),
            title: text.clone(),
            subtitle: text.clone(),
            note: text.clone(),
            x: axis(&text, x),
            panels: vec![any_panel(&text, y, &points, at); copies],
        },
    )
}

fn axis(quantity: &str, scale: Scale) -> Axis {
    Axis {
        quantity: quantity.to_owned(),
        measure: Measure::Time,
        scale,
    }
}

fn any_panel(text: &str, y: Scale, points: &[(f64, f64)], at: f64) -> Panel {
    let point = |(x, y): &(f64, f64)| Point {
        x_interval: Some((*y, *x)),
        y_interval: Some((*x, *y)),
        label: text.to_owned(),
        ..Point::at(*x, *y)
    };
    let bar = |(from, to): &(f64, f64)| Bar {
        row: 1,
        from: *from,
        to: *to,
    };
    let shapes = [
        Shape::Band(points.iter().map(|(x, y)| (*x, *y, *x)).collect()),
        Shape::Line(points.to_vec()),
        Shape::Step(points.to_vec()),
        Shape::Points(Glyph::Ring, points.iter().map(point).collect()),
        Shape::Bars(points.iter().map(bar).collect()),
    ];
    let (label, role) = (text.to_owned(), Role::Live);
    Panel {
        title: text.to_owned(),
        y: axis(text, y),
        series: shapes
            .map(|shape| Series::new(text, Role::Theory, shape))
            .to_vec(),
        markers: vec![
            Marker::Vertical {
                at,
                label: label.clone(),
                role,
            },
            Marker::Horizontal {
                at,
                label: label.clone(),
                role,
            },
            Marker::Span {
                from: 0.0,
                to: at,
                label,
            },
        ],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_chart_makes_the_renderer_panic(chart in any_chart()) {
        let svg = render_svg(&chart).expect("drawn");
        prop_assert!(!svg.contains("NaN"));
        assert_well_formed(&svg);
    }

    #[test]
    fn shortened_texts_fit(text in ".{0,80}", room in 20.0..300.0f64) {
        let squeezed = font::squeeze(&text, 12.0, room);
        prop_assert!(font::width(&squeezed, 12.0) <= room + 1e-9, "{squeezed}");
    }
}
