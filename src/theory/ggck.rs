//! G/G/c/K: a queue with a bound, known by two moments of the gaps and of the service.
//!
#![doc = include_str!("ggck_errors.md")]
//!
//! # References
//! J. A. Buzacott, J. G. Shanthikumar (1993), *Stochastic Models of Manufacturing Systems*, section 3.3
//! (GI/G/1/K: a geometric law of variable ratio, made to conserve the flow); W. Whitt (2004), *A diffusion
//! approximation for the G/GI/n/m queue*, Operations Research 52, 922–941 (the ratio); A. A. Fredericks
//! (1980), *Congestion in blocking systems — a simple approximation technique*, Bell System Technical
//! Journal 59, 805–827 (Hayward: loss by peakedness).

use super::Figures;
use super::error::{ModelError, non_negative, positive};
use super::numeric::PowerSums;
use super::sheet::{Sheet, Source};
use crate::metric::{Metric, TimeKind};

const SOURCE: Source = Source::approximation(
    "after Buzacott and Shanthikumar 1993, 3.3; Whitt 2004, Oper. Res. 52; Fredericks 1980",
);
/// The least peakedness, that of nearly even traffic.
const SMOOTHEST: f64 = 0.05;

/// The G/G/c/K queue in steady state, approximately. Times are those of the accepted orders.
///
/// # Domain
/// λ > 0, E\[S\] > 0, ca², cs² ≥ 0, c ≥ 1, any number of places to wait, any load.
///
/// # Formula
/// As M/M/c/K, with r = λE\[S\]/c, but the states above c fall by σ = r^(2/(ca² + cs²)) instead of r, and
/// those up to c together lose B = B(c/z, a/z), Erlang's loss at peakedness z = 1 + (ca² − 1)/(1 + cs²). The
/// flow is conserved when c + j has the weight Bασ^(j−1), α = r(1 − σ)/(1 − r): with m places to wait and
/// S = r(1 − σ^m)/(1 − r) the loss is Bσ^m/(1 + BS). Where few can wait these weights leave too few waiting, and
/// those with r for α too many where many can; Lq is taken halfway, with (α + r)/2. M/M/c/K where
/// ca² = cs² = 1; for c = 1 and Poisson arrivals the loss is that of Buzacott and Shanthikumar.
///
/// ```
/// use orderline::theory::{GGcK, Mmck};
/// let (general, markov) = (GGcK::new(4.2, 1.0, 2.0, 1.0, 12, 5)?, Mmck::new(4.2, 0.5, 12, 5)?);
/// assert!((general.loss_probability() - markov.loss_probability()).abs() < 1e-12);
/// assert!((general.queue_length() - markov.queue_length()).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GGcK {
    arrival_rate: f64,
    service_mean: f64,
    consumers: u32,
    places: u64,
    loss: f64,
    queue_length: f64,
    wait_probability: f64,
}

impl GGcK {
    /// A queue with arrival rate λ, ca², mean service, cs², c consumers and so many places to wait.
    ///
    /// # Errors
    /// A parameter outside its domain.
    pub fn new(
        arrival_rate: f64,
        arrival_scv: f64,
        service_mean: f64,
        service_scv: f64,
        consumers: u32,
        places: u64,
    ) -> Result<GGcK, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        let offered =
            positive("arrival rate", arrival_rate)? * positive("mean service", service_mean)?;
        non_negative("variability of arrivals", arrival_scv)?;
        non_negative("variability of service", service_scv)?;
        let peakedness = (1.0 + (arrival_scv - 1.0) / (1.0 + service_scv)).max(SMOOTHEST);
        let blocked = if peakedness == 1.0 {
            super::erlang_b(consumers, offered)
        } else {
            smooth_erlang_b(c / peakedness, offered / peakedness)
        };
        let spread = 0.5 * (arrival_scv + service_scv).max(2.0 * SMOOTHEST);
        let above = Above::new(blocked, offered / c, spread, places);
        Ok(GGcK {
            arrival_rate,
            service_mean,
            consumers,
            places,
            loss: above.loss,
            queue_length: above.queue_length,
            wait_probability: above.wait_probability,
        })
    }

    /// Rejected per offered order.
    pub fn loss_probability(&self) -> f64 {
        self.loss
    }

    /// λ(1 − loss), per second.
    pub fn throughput(&self) -> f64 {
        self.arrival_rate * (1.0 - self.loss)
    }

    /// Carried load over consumers.
    pub fn utilization(&self) -> f64 {
        self.throughput() * self.service_mean / f64::from(self.consumers)
    }

    /// P(Wq > 0) of an accepted order.
    pub fn wait_probability(&self) -> f64 {
        self.wait_probability
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + carried load.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.throughput() * self.service_mean
    }

    /// Wq of accepted orders, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.queue_length / self.throughput()
    }

    /// W of accepted orders, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + self.service_mean
    }

    /// The means.
    pub(super) fn figures(&self) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, self.utilization(), "λ(1−loss)E[S]/c")
            .put(
                Metric::LossProbability,
                self.loss,
                "Bσ^m/(1+BS), σ = r^(2/(ca²+cs²)), S = r(1−σ^m)/(1−r)",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "Σ p_(c+j)/(1−p_K), j < K−c",
            )
            .put(Metric::QueueLength, self.queue_length, "Lq = Σ j p_(c+j)")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λ(1−loss)E[S]",
            )
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = Lq/(λ(1−loss))",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + E[S]");
        if self.places > 0 {
            let fill = self.queue_length / self.places as f64;
            sheet.put(Metric::QueueFill, fill, "Lq/(K−c)");
        }
        sheet.finish()
    }
}

/// What follows from the states above c.
struct Above {
    loss: f64,
    queue_length: f64,
    wait_probability: f64,
}

impl Above {
    /// c + j has the weight Bασ^(j−1) for 1 ≤ j ≤ m beside B for c and 1 for all up to c.
    fn new(blocked: f64, r: f64, spread: f64, places: u64) -> Above {
        let log = r.ln() / spread;
        // (1 − σ)/(1 − r), which tends to 1/spread at critical load.
        let slope = if (r - 1.0).abs() < 1e-9 {
            1.0 / spread
        } else {
            log.exp_m1() / (r - 1.0)
        };
        let conserving = Line::new(blocked, r * slope, log, places);
        let between = Line::new(blocked, 0.5 * r * (slope + 1.0), log, places);
        Above {
            loss: (blocked * conserving.beyond / conserving.total).min(1.0),
            queue_length: between.moment / between.total,
            wait_probability: (between.open / between.accepting).clamp(0.0, 1.0),
        }
    }
}

/// Sums over the states above c, scaled so that none overflows.
struct Line {
    /// σ^m.
    beyond: f64,
    /// All weights.
    total: f64,
    /// Σ j weight(c + j).
    moment: f64,
    /// All consumers busy and room left.
    open: f64,
    /// Room left.
    accepting: f64,
}

impl Line {
    /// With α = `step` and ln σ = `log`.
    fn new(blocked: f64, step: f64, log: f64, places: u64) -> Line {
        let (m, sigma) = (places as f64, log.exp());
        if places == 0 {
            return Line {
                beyond: 1.0,
                total: 1.0,
                moment: 0.0,
                open: 0.0,
                accepting: 1.0 - blocked,
            };
        }
        // Powers of σ from c + 1 up, or of 1/σ from the full state down, so that they fall.
        let falling = PowerSums::new(sigma.min(1.0 / sigma), places);
        let first = blocked * step;
        let (scale, beyond, full, moment) = if sigma > 1.0 {
            let scale = (-log * (m - 1.0)).exp();
            (scale, sigma, first, m * falling.zeroth - falling.first)
        } else {
            let last = (log * (m - 1.0)).exp();
            (
                1.0,
                last * sigma,
                first * last,
                falling.first + falling.zeroth,
            )
        };
        let total = scale + first * falling.zeroth;
        Line {
            beyond,
            total,
            moment: first * moment,
            open: (blocked * scale + first * falling.zeroth - full).max(0.0),
            accepting: total - full,
        }
    }
}

/// Erlang's loss for any number of consumers x ≥ 0: 1/B = a∫₀^∞ (1 + t)^x e^(−at) dt for the fraction of x, and
/// from there the usual recursion, late enough to be short and early enough to forget its start.
fn smooth_erlang_b(x: f64, a: f64) -> f64 {
    let fraction = x.fract();
    let turn = x.min(a);
    let first = (turn - 9.0 * turn.sqrt() - 40.0).max(0.0).floor();
    let mut b = if first > 0.0 {
        1.0 - (first + fraction) / a
    } else {
        1.0 / inverse_loss(fraction, a)
    };
    let mut n = first + fraction;
    while n + 0.5 < x {
        n += 1.0;
        b = a * b / (n + a * b);
        if b == 0.0 {
            break;
        }
    }
    b
}

/// a∫₀^∞ (1 + t)^x e^(−at) dt for 0 ≤ x < 1.
fn inverse_loss(x: f64, a: f64) -> f64 {
    let f = |u: f64| (1.0 + u / a).powf(x) * (-u).exp();
    super::panels::integrate(&f, 0.0, 40.0, 1e-13)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Arrivals, Distribution};
    use crate::theory::{MapPhCK, MarkovianArrivals, Mmck, PhaseType, erlang_b};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn erlang_b_between_whole_numbers() {
        for (c, a) in [(1, 0.5), (7, 5.0), (400, 420.0)] {
            let whole = smooth_erlang_b(f64::from(c), a);
            assert_relative_eq!(whole, erlang_b(c, a), max_relative = 1e-11);
            let between = smooth_erlang_b(f64::from(c) + 0.5, a);
            assert!(between < whole && between > erlang_b(c + 1, a));
        }
    }

    fn law(scv: f64, mean: f64) -> Distribution {
        if scv < 1.0 {
            Distribution::erlang((1.0 / scv).round() as u32, mean).unwrap()
        } else if scv == 1.0 {
            Distribution::exponential(1.0 / mean).unwrap()
        } else {
            Distribution::hyperexponential_mean_scv(mean, scv).unwrap()
        }
    }

    /// Mean and largest error in per cent of loss and Lq, of this rule and of plain M/M/c/K.
    fn measured(consumers: u32, places: u64, gaps: &[f64]) -> String {
        let mut errors = vec![Vec::new(); 4];
        for rho in [0.7, 1.0, 1.3] {
            for &ca in gaps {
                for cs in [0.25, 0.5, 1.0, 4.0] {
                    if (ca, cs) == (1.0, 1.0) {
                        continue;
                    }
                    let lambda = rho * f64::from(consumers);
                    let flow = Arrivals::Renewal {
                        gap: law(ca, 1.0 / lambda),
                    };
                    let arrivals = MarkovianArrivals::of(&flow).unwrap();
                    let service = PhaseType::of(&law(cs, 1.0)).unwrap();
                    let exact = MapPhCK::new(&arrivals, &service, consumers, places)
                        .unwrap()
                        .unwrap();
                    let rule = GGcK::new(lambda, ca, 1.0, cs, consumers, places).unwrap();
                    let plain = Mmck::new(lambda, 1.0, consumers, places).unwrap();
                    let (loss, queue) = (exact.loss_probability(), exact.queue_length());
                    errors[0].push((rule.loss_probability() / loss - 1.0).abs());
                    errors[1].push((plain.loss_probability() / loss - 1.0).abs());
                    errors[2].push((rule.queue_length() / queue - 1.0).abs());
                    errors[3].push((plain.queue_length() / queue - 1.0).abs());
                }
            }
        }
        let cell = |errors: &Vec<f64>| {
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let largest = errors.iter().copied().fold(0.0, f64::max);
            let percent = |error: f64| match error {
                error if error > 10.0 => "> 1000".to_owned(),
                error => format!("{:.0}", 100.0 * error),
            };
            format!("{}, {}", percent(mean), percent(largest))
        };
        errors.iter().map(cell).collect::<Vec<_>>().join(" | ")
    }

    /// The table in the module's docs is what this measures; `ORDERLINE_BLESS=1` writes it anew.
    #[test]
    fn the_errors_that_the_docs_state_are_measured() {
        let mut page = "Mean and largest error in per cent against the exact chain, over loads 0.7, 1 and 1.3 and service of ca² 0.25 to 4:\n\n| c | places | gaps | loss | loss of M/M/c/K | Lq | Lq of M/M/c/K |\n| --- | --- | --- | --- | --- | --- | --- |\n".replace("of ca²", "of cs²");
        for (consumers, places) in [(1, 3), (1, 15), (3, 4)] {
            for (name, gaps) in [
                ("ca² < 1", [0.25, 0.5]),
                ("Poisson", [1.0, 1.0]),
                ("ca² > 1", [2.25, 4.0]),
            ] {
                let cells = measured(consumers, places, &gaps);
                page.push_str(&format!("| {consumers} | {places} | {name} | {cells} |\n"));
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/theory/ggck_errors.md");
        if std::env::var_os("ORDERLINE_BLESS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        assert_eq!(include_str!("ggck_errors.md").replace("\r\n", "\n"), page);
    }

    proptest! {
        #[test]
        fn markovian_laws_give_m_m_c_k(rho in 0.05f64..3.0, c in 1u32..50, places in 0u64..60) {
            let lambda = rho * f64::from(c);
            let (general, markov) = (
                GGcK::new(lambda, 1.0, 1.0, 1.0, c, places).unwrap(),
                Mmck::new(lambda, 1.0, c, places).unwrap(),
            );
            let pairs = [
                (general.loss_probability(), markov.loss_probability()),
                (general.queue_length(), markov.queue_length()),
                (general.wait_probability(), markov.wait_probability()),
            ];
            for (a, b) in pairs {
                prop_assert!((a - b).abs() <= 1e-9 * b.max(1e-12), "{a} {b}");
            }
        }

        #[test]
        fn any_parameters_give_numbers(
            rho in 0.01f64..20.0, ca in 0.0f64..20.0, cs in 0.0f64..20.0, c in 1u32..300, places in 0u64..10_000,
        ) {
            let at = |rho: f64| GGcK::new(rho * f64::from(c), ca, 1.0, cs, c, places).unwrap();
            let queue = at(rho);
            prop_assert!((0.0..=1.0).contains(&queue.loss_probability()));
            prop_assert!((0.0..=1.0).contains(&queue.wait_probability()));
            prop_assert!(queue.queue_length() >= 0.0 && queue.queue_length() <= places as f64 * (1.0 + 1e-9));
            prop_assert!(queue.waiting_mean().is_finite());
        }
    }
}
