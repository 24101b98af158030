//! A chart as a value: what is shown, in base units, before anything is drawn.
//!
//! Times are seconds and shares are fractions here; the renderer picks the unit a reader wants.

/// One picture: a finding, and the panels that show it over a common x axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// File stem, such as `latency`.
    pub name: String,
    /// The finding, as a sentence.
    pub title: String,
    /// What is drawn and how to read it.
    pub subtitle: String,
    /// What was left out, or a caveat; empty for none.
    pub note: String,
    /// The x axis of every panel.
    pub x: Axis,
    /// One panel, or small multiples.
    pub panels: Vec<Panel>,
}

/// One plot with its own y axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Heading of a small multiple; empty in a chart of one panel.
    pub title: String,
    /// The y axis.
    pub y: Axis,
    /// What is drawn, the first at the bottom.
    pub series: Vec<Series>,
    /// Lines and spans that the data is read against.
    pub markers: Vec<Marker>,
}

/// Quantity, unit and range of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What is measured, without the unit.
    pub quantity: String,
    /// What kind of number it is; decides the unit and the tick labels.
    pub measure: Measure,
    /// Range and spacing.
    pub scale: Scale,
}

/// The kind of number on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Seconds; shown in ns, µs, ms, s, min, h or d.
    Time,
    /// A fraction; shown in percent.
    Share,
    /// A number of orders.
    Orders,
    /// A number of something else, which the axis names.
    Count,
    /// Orders per second.
    Rate,
    /// A name; of categorical axes.
    Name,
}

/// Range and spacing of an axis.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Even spacing from `low` to `high`.
    Linear {
        /// Left or bottom end.
        low: f64,
        /// Right or top end.
        high: f64,
    },
    /// Even spacing of powers of ten; both ends positive.
    Log10 {
        /// Left or bottom end.
        low: f64,
        /// Right or top end.
        high: f64,
    },
    /// Rows of names, the first on top; row `i` is at the value `i`.
    Categories(Vec<Category>),
}

/// A row of a categorical axis.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Category {
    /// The name on the left.
    pub label: String,
    /// The figure on the right; may be empty.
    pub note: String,
    /// A heading groups the rows below it and holds no data.
    pub heading: bool,
}

/// Something drawn with one meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend or at the line's end; empty to leave it out there.
    pub label: String,
    /// Whose figures these are; decides the colour.
    pub role: Role,
    /// Form and data.
    pub shape: Shape,
}

/// Whose figures are drawn. Every role has one colour and one line pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Measured by the simulation.
    Simulation,
    /// The second part of a measured whole.
    SimulationPart,
    /// Time on the way to a broker.
    Network,
    /// Time at a producer or a broker, not yet to be had.
    Enqueue,
    /// Time of being handed over.
    Dequeue,
    /// Time between attempts, and what is broken down.
    Failure,
    /// Predicted by a formula.
    Theory,
    /// A limit not to be crossed.
    Limit,
    /// Measured on a live broker.
    Live,
    /// Measured by the simulation of what was live, with the times that it really had.
    Replayed,
    /// A guide for the eye.
    Context,
}

/// Form and data of a series.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A line through (x, y).
    Line(Vec<(f64, f64)>),
    /// A line that keeps each y from the point before it until x.
    Step(Vec<(f64, f64)>),
    /// Single points, with intervals where known.
    Points(Glyph, Vec<Point>),
    /// Horizontal bars at categorical rows; stacked by giving where each starts.
    Bars(Vec<Bar>),
    /// The area between two curves: (x, low, high).
    Band(Vec<(f64, f64, f64)>),
}

/// The form of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Glyph {
    /// A filled disc.
    Disc,
    /// A ring.
    Ring,
    /// A filled diamond.
    Diamond,
    /// An upright stroke across a row.
    Tick,
}

/// A point with its intervals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point {
    /// Position along x.
    pub x: f64,
    /// Position along y.
    pub y: f64,
    /// Interval of x.
    pub x_interval: Option<(f64, f64)>,
    /// Interval of y.
    pub y_interval: Option<(f64, f64)>,
    /// Text beside the plot at the point's height; empty for none.
    pub label: String,
}

/// A horizontal bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The row.
    pub row: usize,
    /// Where it starts.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

/// A line or span that the data is read against.
#[derive(Debug, Clone, PartialEq)]
pub enum Marker {
    /// An upright line.
    Vertical {
        /// Position along x.
        at: f64,
        /// Text above the plot.
        label: String,
        /// Its meaning.
        role: Role,
    },
    /// A level line.
    Horizontal {
        /// Position along y.
        at: f64,
        /// Text beside the plot.
        label: String,
        /// Its meaning.
        role: Role,
    },
    /// A shaded span along x.
    Span {
        /// Where it starts.
        from: f64,
        /// Where it ends.
        to: f64,
        /// Its meaning.
        label: String,
    },
}

impl Scale {
    /// From zero to a little above the largest of `values`; to 1 when there is none above zero.
    pub fn from_zero(values: impl IntoIterator<Item = f64>) -> Scale {
        let top = finite(values).fold(0.0, f64::max);
        let high = if top > 0.0 { top * 1.06 } else { 1.0 };
        Scale::Linear { low: 0.0, high }
    }

    /// Powers of ten around the positive `values`; none when there are none.
    pub fn log_around(values: impl IntoIterator<Item = f64>) -> Option<Scale> {
        let (low, high) = finite(values)
            .filter(|v| *v > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(a, b), v| (a.min(v), b.max(v)));
        (high > 0.0).then(|| Scale::Log10 {
            low: low / 1.6,
            high: high * 1.6,
        })
    }

    /// The rows of a categorical axis; none on the others.
    pub fn categories(&self) -> &[Category] {
        match self {
            Scale::Categories(rows) => rows,
            Scale::Linear { .. } | Scale::Log10 { .. } => &[],
        }
    }
}

fn finite(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
    values.into_iter().filter(|v| v.is_finite())
}

impl Point {
    /// A bare point.
    pub fn at(x: f64, y: f64) -> Point {
        Point {
            x,
            y,
            ..Point::default()
        }
    }

    /// The same point with an interval along x.
    pub fn between(self, interval: Option<(f64, f64)>) -> Point {
        Point {
            x_interval: interval,
            ..self
        }
    }
}

impl Series {
    /// A series of the given form.
    pub fn new(label: impl Into<String>, role: Role, shape: Shape) -> Series {
        Series {
            label: label.into(),
            role,
            shape,
        }
    }
}
