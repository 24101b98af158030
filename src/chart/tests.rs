//! Charts from records, and their pictures.

use super::sample;

/// Writes every sample's pictures into the folder named by `CHART_GALLERY`, to be looked at.
#[test]
fn gallery() {
    let Ok(folder) = std::env::var("CHART_GALLERY") else {
        return;
    };
    let samples = [
        sample::mm1(),
        sample::checkout(),
        sample::overload(),
        sample::many(12),
    ];
    for records in &samples {
        for chart in super::all(records) {
            let stem = format!("{folder}/{}-{}", records.scenario, chart.name);
            let svg = super::render_svg(&chart).expect("drawn");
            std::fs::write(format!("{stem}.svg"), svg).expect("written");
            let png = super::render_png(&chart).expect("drawn");
            std::fs::write(format!("{stem}.png"), png).expect("written");
        }
    }
}
