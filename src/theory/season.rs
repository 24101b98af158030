//! The load of a stage over time: over which time its figures are averages, and at which rate orders
//! come in that time.
//!
//! # Formula
//! Over a period, where all schedules have one in common and a run takes many of them; else over the
//! run's own time, from its warm-up to its end, from an empty system. Orders that producers send to the
//! stage come as a Poisson process at just the sum of their rates. What other stages pass on is
//! approximated: with a consumer for every order it leaves at δ(t) = λ(t) − m′(t), else as a fluid.
//!
//! # References
//! S. G. Eick, W. A. Massey and W. Whitt (1993), *The physics of the M_t/G/∞ queue*, Operations Research
//! 41, 731–742; G. F. Newell (1982), *Applications of Queueing Theory*, chapter 2.

use super::flow::Flows;
use super::law::StageLaw;
use super::traffic::Traffic;
use super::transient::common_period;
use super::{Course, Fluid, MtGInf};
use crate::network::{Capacity, Consumers, Horizon, Network, Producer, Target, Warmup};
use crate::random::{Arrivals, RateSchedule};

/// A run of fewer periods is looked at as a whole.
const FEW: f64 = 20.0;

/// Over which time figures are averages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Season {
    /// The length of the course.
    pub end: f64,
    /// Where the averages start; 0 over a period.
    pub from: f64,
    /// Whether it comes again and again.
    pub periodic: bool,
    /// Whether it is just what a run measures.
    pub measured: bool,
    /// Whether a run takes just this time.
    pub certain: bool,
}

/// A load that varies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Load {
    pub season: Season,
    pub course: Course,
    /// Whether orders come as a Poisson process at just this rate.
    pub exact: bool,
}

impl Season {
    /// The season of what comes to a stage; `None` where not all that varies is a schedule.
    fn of(network: &Network, flows: &Flows, stage: usize) -> Option<Season> {
        let sources = || flows.sources(network, stage);
        let varying = || sources().filter(|p| !p.arrivals.is_stationary());
        let all: Option<Vec<&RateSchedule>> = varying().map(schedule).collect();
        let schedules = all.filter(|schedules| !schedules.is_empty())?;
        let endless = |s: &&RateSchedule| s.period.is_finite();
        let period = if schedules.iter().all(endless) {
            common_period(schedules.iter().map(|s| s.period))
        } else {
            None
        };
        Some(Season::choose(network, &schedules, period))
    }

    fn choose(network: &Network, schedules: &[&RateSchedule], period: Option<f64>) -> Season {
        let end = network.expected_duration();
        let certain = matches!(network.run.horizon, Horizon::Duration(_));
        let longest = schedules.iter().map(|s| s.period).fold(0.0, f64::max);
        // What is left out at the start: by itself nothing, or whole numbers of the longest period.
        let (start, settles) = match network.run.warmup {
            Warmup::Fixed(start) => (start, false),
            Warmup::Auto => (0.0, 2.0 * longest <= end),
        };
        let run = Season {
            end,
            from: start,
            periodic: false,
            measured: certain,
            certain,
        };
        let Some(period) = period else {
            return run;
        };
        let known = certain && !settles;
        if end < 2.0 * period || (known && end <= FEW * period) {
            return run;
        }
        let rounds = (end - start) / period;
        let whole = (rounds - rounds.round()).abs() <= 1e-9 * rounds;
        let enough = if settles { 0.5 * rounds } else { rounds } >= FEW;
        let in_step = !settles || longest == period;
        Season {
            end: period,
            from: 0.0,
            periodic: true,
            measured: certain && whole && enough && in_step,
            certain: true,
        }
    }
}

fn schedule(producer: &Producer) -> Option<&RateSchedule> {
    match &producer.arrivals {
        Arrivals::Schedule(schedule) => Some(schedule),
        _ => None,
    }
}

impl Load {
    /// The load of a stage; `None` where it does not vary, or nothing is known of how.
    pub fn of(network: &Network, traffic: &Traffic, flows: &Flows, stage: usize) -> Option<Load> {
        if flows.on_cycle(stage) {
            return None;
        }
        let season = Season::of(network, flows, stage)?;
        let (course, exact) = arriving(network, traffic, flows, stage, season)?;
        Some(Load {
            season,
            course,
            exact,
        })
    }

    /// The load from where the averages start.
    pub fn averaged(&self) -> Course {
        self.course.after(self.season.from)
    }
}

/// What comes to a stage over a season, and whether that is exact.
fn arriving(
    network: &Network,
    traffic: &Traffic,
    flows: &Flows,
    stage: usize,
    season: Season,
) -> Option<(Course, bool)> {
    let consumers = match network.stages[stage].consumers {
        Consumers::Finite(c) => c,
        Consumers::Unlimited => 1,
    };
    let (mut constant, mut schedules) = (0.0, Vec::new());
    for producer in network.producers.iter().filter(|p| p.to.0 == stage) {
        match (producer.arrivals.is_poisson(), schedule(producer)) {
            (Some(rate), _) => constant += rate,
            (None, Some(schedule)) => schedules.push(schedule),
            (None, None) => return None,
        }
    }
    let steps = [(0.0, consumers)];
    let own = Course::new(&schedules, constant, &steps, season.end).ok()?;
    let feeders = feeders(network, traffic, stage);
    if feeders.is_empty() {
        return Some((own, true));
    }
    let mut courses = vec![own];
    for (feeder, share) in feeders {
        let leaving = departing(network, traffic, flows, feeder, season)?;
        courses.push(leaving.scaled(share));
    }
    Some((Course::sum(&courses, 0.0, consumers), false))
}

/// The stages that pass orders on to a stage, with the share that they pass on there.
fn feeders(network: &Network, traffic: &Traffic, stage: usize) -> Vec<(usize, f64)> {
    let mut found = Vec::new();
    for (from, at) in network.stages.iter().enumerate() {
        let (mut passed, mut served) = (0.0, 0.0);
        for (class, ways) in at.by_class.iter().enumerate() {
            let rate = traffic.served(from, class);
            let here = ways
                .next
                .iter()
                .filter(|way| way.to == Target::Stage(crate::network::StageId(stage)));
            served += rate;
            passed += rate * here.map(|way| way.probability).sum::<f64>();
        }
        if passed > 0.0 {
            found.push((from, passed / served));
        }
    }
    found
}

/// How orders leave a stage over a season.
fn departing(
    network: &Network,
    traffic: &Traffic,
    flows: &Flows,
    stage: usize,
    season: Season,
) -> Option<Course> {
    let at = &network.stages[stage];
    let (course, _) = arriving(network, traffic, flows, stage, season)?;
    let law = StageLaw::new(network, stage, &traffic.offered[stage]);
    let mean = law.mean();
    if mean <= 0.0 {
        return Some(course);
    }
    if at.consumers == Consumers::Unlimited {
        let model = if season.periodic {
            MtGInf::periodic(&course, mean, |t| law.ccdf(t))
        } else {
            MtGInf::from_empty(&course, mean, |t| law.ccdf(t), 0.0)
        };
        return Some(left(&course, &model.ok()?));
    }
    if at.capacity != Capacity::Unbounded || !at.extras.is_plain() {
        return None;
    }
    let fluid = if season.periodic {
        Fluid::periodic(&course, 1.0 / mean)
    } else {
        Fluid::from_empty(&course, 1.0 / mean, 0.0)
    };
    Some(fluid.ok()?.departures(1.0 / mean))
}

/// What has come and is not there any more, between the moments of the curve.
fn left(course: &Course, model: &MtGInf) -> Course {
    let moments = model.profile().moments();
    let mut points = Vec::with_capacity(2 * moments.len());
    for pair in moments.windows(2).filter(|pair| pair[1].at > pair[0].at) {
        let length = pair[1].at - pair[0].at;
        // The rate runs straight between two moments.
        let come = course.rate_at(0.5 * (pair[0].at + pair[1].at));
        let rate = (come - (pair[1].number - pair[0].number) / length).max(0.0);
        points.push((pair[0].at, rate));
        points.push((pair[1].at, rate));
    }
    Course::through(&points, 1)
}
