//! GI/G/1 and GI/G/c: two-moment approximations for any arrivals and any service, and Kingman's
//! bound.
//!
//! Which rule is best where was decided by measurement:
//!
#![doc = include_str!("gigc_errors.md")]

use super::error::{ModelError, non_negative, positive, stable};
use super::gigc_rules::Rules;
use super::gigc_wait::{TwoMomentWait, conditional_scv};
use super::sheet::{Sheet, Source};
use super::{Alternative, Curve, Figures, Kind, Turn};
use crate::metric::{Metric, TimeKind};
use std::sync::Arc;

const SINGLE: Source =
    Source::approximation("Krämer and Langenbach-Belz 1976, 8th Int. Teletraffic Congress");
const SEVERAL: Source =
    Source::approximation("Whitt 1993, Production and Operations Management 2, 114-161");
const STEADY: Source = Source::approximation(
    "Whitt 1993, Production and Operations Management 2, with Kimura 1986, Management Science 32",
);
const TAIL: Source = Source::approximation("Whitt 1983, Bell Syst. Tech. J. 62, eq. 47-57");

/// The GI/G/c queue in steady state, known by two moments of the gaps and of the service.
///
/// # Domain
/// λ > 0, E\[S\] > 0, ρ = λE\[S\]/c < 1, squared coefficients of variation ca², cs² ≥ 0.
///
/// # Formula
/// c = 1 (Krämer, Langenbach-Belz): Wq ≈ ρE\[S\]/(1 − ρ) · (ca² + cs²)/2 · g with
/// g = exp(−2(1 − ρ)(1 − ca²)²/(3ρ(ca² + cs²))) for ca² ≤ 1 and
/// g = exp(−(1 − ρ)(ca² − 1)/(ca² + 4cs²)) for ca² > 1; exact for Poisson arrivals.
/// c > 1: p = P(Wq > 0) from Erlang's C by normal tails (Whitt). For ca² > 1 (Whitt)
/// Wq ≈ φ(ρ, ca², cs², c)(ca² + cs²)/2 times that of M/M/c; for ca² ≤ 1 p/C times (ca² + cs²)/(1 + cs²) times
/// Kimura's of M/G/c. Exact for M/M/c. The waits above 0 have the variability that those of M/G/1 have with a
/// law of service of these two moments.
///
/// ```
/// use orderline::theory::GiGc;
/// // E2/M/1 at ρ = 0.9; the exact mean wait is 6.588.
/// let queue = GiGc::new(0.9, 0.5, 1.0, 1.0, 1)?;
/// assert!((queue.waiting_mean() / 6.588 - 1.0).abs() < 0.02);
/// assert!(queue.kingman_bound() > 6.588);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GiGc {
    arrival_rate: f64,
    service_mean: f64,
    rules: Rules,
}

impl GiGc {
    /// A queue with arrival rate λ, ca², mean service, cs² and c consumers.
    ///
    /// # Errors
    /// A parameter outside its domain, or ρ ≥ 1.
    pub fn new(
        arrival_rate: f64,
        arrival_scv: f64,
        service_mean: f64,
        service_scv: f64,
        consumers: u32,
    ) -> Result<GiGc, ModelError> {
        positive("arrival rate", arrival_rate)?;
        let c = positive("consumers", f64::from(consumers))?;
        let load = arrival_rate * positive("mean service", service_mean)? / c;
        Ok(GiGc {
            arrival_rate,
            service_mean,
            rules: Rules {
                load: stable(load)?,
                arrivals: non_negative("variability of arrivals", arrival_scv)?,
                service: non_negative("variability of service", service_scv)?,
                consumers,
            },
        })
    }

    /// ρ = λE\[S\]/c; exact whatever the laws.
    pub fn utilization(&self) -> f64 {
        self.rules.load
    }

    fn single(&self) -> bool {
        self.rules.consumers == 1
    }

    /// Wq, seconds: Krämer and Langenbach-Belz for one consumer; else Whitt, for ca² ≤ 1 with Kimura.
    pub fn waiting_mean(&self) -> f64 {
        let waits = match self.rules {
            Rules { consumers: 1, .. } => self.rules.kramer_langenbach_belz(),
            Rules { arrivals, .. } if arrivals <= 1.0 => self.rules.conditional(),
            Rules { .. } => self.rules.whitt(),
        };
        waits * self.service_mean
    }

    /// The approximation of Allen and Cunneen, for any number of consumers.
    pub fn allen_cunneen(&self) -> f64 {
        self.rules.allen_cunneen() * self.service_mean
    }

    /// Kingman's upper bound of Wq, for independent gaps.
    pub fn kingman_bound(&self) -> f64 {
        self.rules.kingman() * self.service_mean
    }

    /// P(Wq > 0): Krämer and Langenbach-Belz for one consumer, else Whitt.
    pub fn wait_probability(&self) -> f64 {
        if self.single() {
            self.rules.single_wait_probability()
        } else {
            self.rules.several_wait_probability().clamp(0.0, 1.0)
        }
    }

    /// The wait, first in, first out.
    fn wait(&self) -> TwoMomentWait {
        TwoMomentWait {
            probability: self.wait_probability(),
            mean: self.waiting_mean(),
            scv: conditional_scv(self.rules.load, self.rules.service),
        }
    }

    /// The figures of a queue served in the given order; `utilization` is left to the stage, where it is
    /// exact.
    pub(super) fn figures(&self, turn: Turn) -> Figures {
        let mut figures = self.figures_of_visits(1.0);
        let wait = self.wait();
        if turn == Turn::FirstIn && wait.mean > 0.0 && wait.probability > 0.0 {
            let mut sheet = Sheet::new(TAIL);
            let formula = "root of p P(D > t) = 1−q, D of mean Wq/p and variability c_D²";
            if wait.is_fitted() {
                let spread = self.rules.service * self.service_mean.powi(2);
                let variance = wait.variance();
                sheet
                    .variance(TimeKind::Waiting, variance, "Wq²((1+c_D²)/p − 1)")
                    .variance(TimeKind::Sojourn, variance + spread, "Var(Wq) + Var(S)");
            }
            sheet.quantiles(TimeKind::Waiting, |p| wait.quantile(p), formula);
            figures.append(&mut sheet.finish());
        }
        figures
    }

    /// The means of each of so many visits that follow each other straight away and count as one here.
    pub(super) fn figures_of_visits(&self, visits: f64) -> Figures {
        let (source, formula) = if self.single() {
            (SINGLE, "Wq ≈ ρE[S]/(1−ρ)·(ca²+cs²)/2·g(ρ, ca², cs²)")
        } else if self.rules.arrivals <= 1.0 {
            (
                STEADY,
                "Wq ≈ p/C·(ca²+cs²)/(1+cs²)·Wq(M/G/c), p = P(Wq > 0)",
            )
        } else {
            (SEVERAL, "Wq ≈ φ(ρ, ca², cs², c)·(ca²+cs²)/2·C/(cμ−λ)")
        };
        let mut figures = self.of_mean(self.waiting_mean(), visits, source, formula);
        let (source, formula) = if self.single() {
            (TAIL, "P(Wq > 0) ≈ ρ + (ca²−1)ρ(1−ρ)h(ρ, ca², cs²)")
        } else {
            (
                SEVERAL,
                "P(Wq > 0) ≈ π(ρ, ca², cs², c), from C by normal tails",
            )
        };
        let mut sheet = Sheet::new(source);
        sheet.put(Metric::WaitProbability, self.wait_probability(), formula);
        figures.append(&mut sheet.finish());
        figures
    }

    /// The means that follow from that of the wait.
    fn of_mean(&self, waiting: f64, visits: f64, source: Source, formula: &'static str) -> Figures {
        let (rate, sojourn) = (self.arrival_rate, waiting + self.service_mean);
        let mut sheet = Sheet::new(source);
        sheet
            .mean(TimeKind::Waiting, waiting / visits, formula)
            .mean(TimeKind::Sojourn, sojourn / visits, "W = Wq + E[S]")
            .put(Metric::QueueLength, rate * waiting, "Lq = λWq")
            .put(Metric::NumberInSystem, rate * sojourn, "L = λW");
        sheet.finish()
    }

    /// What other rules give for the mean wait; bounds only where the gaps are independent.
    pub(super) fn alternatives(&self, independent: bool) -> Vec<Alternative> {
        let rules = &self.rules;
        let kramer = self.single().then(|| rules.kramer_langenbach_belz());
        let bound = independent.then(|| rules.kingman());
        let steady = (!self.single() && rules.arrivals <= 1.0).then(|| rules.conditional());
        let approximate = Kind::Approximation;
        let ways = [
            (
                "Krämer and Langenbach-Belz",
                kramer,
                SINGLE.reference,
                approximate,
            ),
            ("Whitt with Kimura", steady, STEADY.reference, approximate),
            ("Whitt", Some(rules.whitt()), SEVERAL.reference, approximate),
            (
                "Allen and Cunneen",
                Some(rules.allen_cunneen()),
                ALLEN,
                approximate,
            ),
            ("Kimura", rules.kimura(), KIMURA, approximate),
            ("Marchal", Some(rules.marchal()), MARCHAL, approximate),
            ("Kingman's bound", bound, KINGMAN, Kind::Bound),
        ];
        let given = ways
            .into_iter()
            .filter_map(|(method, value, reference, kind)| {
                let waiting = value? * self.service_mean;
                let figures = self.of_mean(waiting, 1.0, Source { kind, reference }, method);
                Some(Alternative { method, figures })
            });
        given.collect()
    }

    /// The wait's distribution, first in, first out.
    pub(super) fn waiting_curve(&self) -> Option<Curve> {
        let wait = self.wait();
        (wait.mean > 0.0 && wait.probability > 0.0).then(|| Curve {
            kind: TAIL.kind,
            formula: "P(Wq > t) ≈ p P(D > t), D of mean Wq/p and variability c_D²",
            reference: TAIL.reference,
            ccdf: Arc::new(move |t| wait.ccdf(t)),
        })
    }
}

const ALLEN: &str = "Allen 1990, Probability, Statistics and Queueing Theory, 5.3";
const KIMURA: &str = "Kimura 1986, Management Science 32";
const MARCHAL: &str = "Marchal 1976, AIIE Transactions 8";
const KINGMAN: &str = "Kingman 1962, Biometrika 49; 1970, J. Royal Stat. Soc. B 32";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Arrivals, Distribution};
    use crate::theory::{MapPhC, MarkovianArrivals, Mg1, Mmc, PhaseType, ServiceMoments, erlang_c};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn near_the_exact_figures_of_others() {
        // Exact values for GI/M/1 and H2/H2/4; the rule is known to be good to some percent.
        let table = [
            (0.8, 0.5, 1.0, 1, 2.8439797669899, 0.03),
            (0.9, 0.0, 1.0, 1, 4.1786594221498, 0.03),
            (3.6, 9.0, 9.0, 4, 18.292313418, 0.05),
            (3.6, 1.0, 2.25, 4, 3.1335608992, 0.03),
        ];
        for (lambda, ca, cs, c, exact, tolerance) in table {
            let queue = GiGc::new(lambda, ca, 1.0, cs, c).unwrap();
            assert_relative_eq!(queue.waiting_mean(), exact, max_relative = tolerance);
        }
    }

    /// Relative errors of one rule: mean and largest, in per cent.
    #[derive(Clone, Default)]
    struct Errors(Vec<f64>);

    impl Errors {
        fn cell(&self) -> String {
            if self.0.is_empty() {
                return "–".to_owned();
            }
            let largest = self.0.iter().copied().fold(0.0, f64::max);
            let mean = self.0.iter().sum::<f64>() / self.0.len() as f64;
            format!("{:.0}, {:.0}", 100.0 * mean, 100.0 * largest)
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

    /// A row of the table: all rules against the exact chain over a grid of loads and variabilities.
    fn measured(consumers: u32, gaps: &[f64], services: &[f64]) -> String {
        let mut errors = vec![Errors::default(); 10];
        for (rho, &ca) in [0.5, 0.7, 0.9]
            .into_iter()
            .flat_map(|rho| gaps.iter().map(move |ca| (rho, ca)))
        {
            for &cs in services.iter().filter(|cs| ca != 1.0 || **cs != 1.0) {
                let lambda = rho * f64::from(consumers);
                let flow = Arrivals::Renewal {
                    gap: law(ca, 1.0 / lambda),
                };
                let arrivals = MarkovianArrivals::of(&flow).unwrap();
                let service = PhaseType::of(&law(cs, 1.0)).unwrap();
                let exact = MapPhC::new(&arrivals, &service, consumers)
                    .unwrap()
                    .unwrap();
                let queue = GiGc::new(lambda, ca, 1.0, cs, consumers).unwrap();
                let (rules, wait, p) =
                    (queue.rules, exact.waiting_mean(), exact.wait_probability());
                let p99 = exact.times().waiting_quantile(0.99);
                let found = [
                    (consumers == 1).then(|| rules.kramer_langenbach_belz() / wait),
                    (consumers > 1 && ca <= 1.0).then(|| rules.conditional() / wait),
                    Some(rules.whitt() / wait),
                    Some(rules.allen_cunneen() / wait),
                    rules.kimura().map(|kimura| kimura / wait),
                    Some(rules.marchal() / wait),
                    (consumers == 1).then(|| rules.single_wait_probability() / p),
                    Some(rules.several_wait_probability() / p),
                    Some(erlang_c(consumers, lambda) / p),
                    p99.filter(|t| *t > 0.0)
                        .and_then(|t| Some(queue.wait().quantile(0.99)? / t)),
                ];
                for (errors, found) in errors.iter_mut().zip(found) {
                    errors.0.extend(found.map(|ratio| (ratio - 1.0).abs()));
                }
            }
        }
        let cells: Vec<String> = errors.iter().map(Errors::cell).collect();
        cells.join(" | ")
    }

    /// The table in the module's docs is what this measures; `ORDERLINE_BLESS=1` writes it anew.
    #[test]
    fn the_errors_that_the_docs_state_are_measured() {
        let (even, wild, any) = ([0.25, 0.5], [2.25, 4.0], [0.5, 1.0, 4.0]);
        let mut page = "Mean and largest error in per cent against the exact chain, over loads 0.5, 0.7 and 0.9, Erlang, exponential and\nhyperexponential laws: of the mean wait by six rules, of P(Wq > 0) by Krämer and Langenbach-Belz, by Whitt and by plain Erlang C,\nand of the wait's 99th percentile by the rules taken.\n\n| c | gaps | Krämer | Whitt with Kimura | Whitt | Allen | Kimura | Marchal | P Krämer | P Whitt | P Erlang | p99 |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n".to_owned();
        for consumers in [1, 2, 5] {
            for (name, gaps) in [("ca² < 1", &even), ("ca² > 1", &wild)] {
                let cells = measured(consumers, gaps, &any);
                page.push_str(&format!("| {consumers} | {name} | {cells} |\n"));
            }
            let cells = measured(consumers, &[1.0], &[0.25, 0.5, 4.0]);
            page.push_str(&format!("| {consumers} | Poisson | {cells} |\n"));
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/theory/gigc_errors.md");
        if std::env::var_os("ORDERLINE_BLESS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        assert_eq!(include_str!("gigc_errors.md").replace("\r\n", "\n"), page);
    }

    #[test]
    fn the_waiting_probability_is_near_that_of_d_m_1() {
        let queue = GiGc::new(0.5, 0.0, 1.0, 1.0, 1).unwrap();
        assert_relative_eq!(queue.wait_probability(), 0.2032, max_relative = 0.02);
    }

    proptest! {
        #[test]
        fn poisson_arrivals_give_pollaczek_and_khinchine(rho in 0.01f64..0.99, scv in 0.0f64..20.0) {
            let service = ServiceMoments { first: 1.0, second: 1.0 + scv, third: f64::INFINITY };
            let exact = Mg1::new(rho, service).unwrap().waiting_mean();
            let queue = GiGc::new(rho, 1.0, 1.0, scv, 1).unwrap();
            prop_assert!((queue.waiting_mean() / exact - 1.0).abs() < 1e-12);
            prop_assert!((queue.wait_probability() - rho).abs() < 1e-12);
        }

        #[test]
        fn markovian_laws_give_m_m_c(rho in 0.01f64..0.99, c in 2u32..100) {
            let lambda = rho * f64::from(c);
            let exact = Mmc::new(lambda, 1.0, c).unwrap().waiting_mean();
            let queue = GiGc::new(lambda, 1.0, 1.0, 1.0, c).unwrap();
            prop_assert!((queue.waiting_mean() / exact - 1.0).abs() < 1e-10);
        }

        #[test]
        fn several_consumers_wait_more_the_more_there_is_to_do(
            rho in 0.05f64..0.97, ca in 0.0f64..8.0, cs in 0.01f64..8.0, c in 2u32..300,
        ) {
            let at = |rho: f64| GiGc::new(rho * f64::from(c), ca, 1.0, cs, c).unwrap();
            let (queue, busier) = (at(rho), at(rho + 0.02));
            prop_assert!(busier.waiting_mean() >= queue.waiting_mean());
            prop_assert!(queue.waiting_mean() <= queue.kingman_bound() * (1.0 + 1e-9));
            let p = queue.wait_probability();
            prop_assert!((0.0..=1.0).contains(&p));
        }

        #[test]
        fn any_size_gives_numbers(rho in 0.001f64..0.999_999_999, ca in 0.0f64..50.0, cs in 0.0f64..50.0) {
            let queue = GiGc::new(rho * 1e5, ca, 1.0, cs, 100_000).unwrap();
            prop_assert!(queue.waiting_mean() >= 0.0 && queue.waiting_mean().is_finite());
            prop_assert!((0.0..=1.0).contains(&queue.wait_probability()));
        }

        #[test]
        fn waits_grow_with_the_load_and_stay_below_the_bound(
            rho in 0.05f64..0.95, ca in 0.0f64..10.0, cs in 0.01f64..10.0,
        ) {
            let queue = GiGc::new(rho, ca, 1.0, cs, 1).unwrap();
            let busier = GiGc::new(rho + 0.01, ca, 1.0, cs, 1).unwrap();
            prop_assert!(busier.waiting_mean() > queue.waiting_mean());
            prop_assert!(queue.waiting_mean() <= queue.kingman_bound() * (1.0 + 1e-12));
        }
    }
}
