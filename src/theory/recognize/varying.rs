//! Stages whose arrivals vary with time.

use super::model::Candidate;
use super::{Alternative, Answer, Case, ClassWaits, Fit, Model};
use crate::metric::{Metric, TimeKind};
use crate::network::{Capacity, Consumers, Discipline};
use crate::theory::flow::Flow;
use crate::theory::season::{Load, Season};
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{
    Backlog, Figures, Fluid, Kind, ModelError, MtGInf, MtMc, Pointwise, Profile, Reason, Transient,
};

const TESTS: &[&str] = &[
    "a_figure_labelled_exact_is_exact",
    "exact_figures_of_varying_loads_are_those_of_the_simulation",
];

pub(super) const UNLIMITED: Candidate = Candidate {
    model: &Model {
        name: "M(t)/G/∞",
        conditions: "arrivals by `schedule` (and Poisson ones), `consumers = \"unlimited\"`",
        gives: "the mean number over time and its average; all times",
        kind: Kind::Exact,
        source: "Eick, Massey and Whitt 1993, Oper. Res. 41, 731-742",
        tests: &[
            "exponential_service_obeys_its_differential_equation",
            "exact_figures_of_varying_loads_are_those_of_the_simulation",
        ],
    },
    fit: unlimited,
};

fn unlimited(case: &Case<'_>) -> Fit {
    if case.stage.consumers != Consumers::Unlimited || !case.stage.extras.is_plain() {
        return Ok(None);
    }
    let Some(load) = load(case).filter(|_| case.law.mean() > 0.0) else {
        return Ok(None);
    };
    let model = endless(case, &load).map_err(|error| Reason::Conditions { error })?;
    let mut figures = model.figures();
    if !(load.exact && load.season.certain) {
        degrade(&mut figures);
    }
    let transient = Transient {
        kind: if load.exact {
            model.kind()
        } else {
            Kind::Approximation
        },
        formula: "m(t) = ∫λ(t−s)P(S>s)ds",
        reference: "Eick, Massey and Whitt 1993, Oper. Res. 41, 731-742",
        profile: model.profile().clone(),
        ..blank(&load.season)
    };
    Ok(Some(answer(case, figures, Some(transient))))
}

pub(super) const EXPONENTIAL: Candidate = Candidate {
    model: &Model {
        name: "M(t)/M/c/K",
        conditions: "arrivals by `schedule` (and Poisson ones), one exponential law, with `capacity` or without; any order that does not look at service times",
        gives: "averages over a period in the periodic steady state, or over the run; the means over time",
        kind: Kind::Exact,
        source: "Kolmogorov's forward equations; Heyman and Whitt 1984, J. Appl. Prob. 21; Green, Kolesar and Svoronos 1991, Oper. Res. 39",
        tests: TESTS,
    },
    fit: exponential,
};

fn exponential(case: &Case<'_>) -> Fit {
    let Some(load) = load(case).filter(|load| load.exact && queue(case)) else {
        return Ok(None);
    };
    let (Some(mu), Some(places)) = (case.law.exponential(), places(case)) else {
        return Ok(None);
    };
    integrated(case, &load, mu, places).map(Some)
}

fn integrated(
    case: &Case<'_>,
    load: &Load,
    mu: f64,
    places: Option<u64>,
) -> Result<Answer, Reason> {
    let course = load.course.clone();
    let model = if load.season.periodic {
        MtMc::periodic(course, mu, places)
    } else {
        MtMc::from_empty(course, mu, places, load.season.from)
    };
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let mut figures = model.figures();
    let exact = load.exact && load.season.certain;
    if !exact {
        degrade(&mut figures);
    }
    let transient = Transient {
        kind: if exact {
            Kind::Exact
        } else {
            Kind::Approximation
        },
        formula: "p′(t) = p(t)Q(t)",
        reference: "Kolmogorov 1931, Math. Ann. 104, 415-458",
        profile: model.profile().clone(),
        fluid: fluid(load, mu).ok().and_then(|fluid| Backlog::of(&fluid)),
        ..blank(&load.season)
    };
    let mut answer = answer(case, figures, Some(transient));
    answer.alternatives = others(case, load, places);
    Ok(answer)
}

pub(super) const APPROXIMATIONS: Candidate = Candidate {
    model: &Model {
        name: "G(t)/G/c/K",
        conditions: "arrivals by `schedule`, here or at a stage before, any service with a variance; no exact model fits",
        gives: "averages over a period or the run: fluid where a backlog gathers, else modified offered load",
        kind: Kind::Approximation,
        source: "Newell 1982, Applications of Queueing Theory; Jagerman 1975, Bell Syst. Tech. J. 54; Jennings et al. 1996, Manag. Sci. 42; Green and Kolesar 1991, Manag. Sci. 37",
        tests: &[
            "slow_changes_are_followed_at_once",
            "with_ample_consumers_the_modified_load_is_exact",
            "scaled_up_it_becomes_the_fluid",
        ],
    },
    fit: approximations,
};

fn approximations(case: &Case<'_>) -> Fit {
    let Some(load) = load(case).filter(|_| queue(case) && case.law.mean() > 0.0) else {
        return Ok(None);
    };
    let Some(places) = places(case) else {
        return Ok(None);
    };
    // Behind other stages: as if what they pass on were Poisson.
    if let (Some(mu), false) = (case.law.exponential(), load.exact)
        && let Ok(answer) = integrated(case, &load, mu, places)
    {
        return Ok(Some(answer));
    }
    let mut ways = others(case, &load, places);
    if ways.is_empty() {
        return Ok(None);
    }
    let mut figures = ways.remove(0).figures;
    rates(case, &load, places.is_some(), &mut figures);
    let fluid = fluid(&load, 1.0 / case.law.mean())
        .ok()
        .filter(|_| places.is_none());
    let backlog = fluid.as_ref().and_then(Backlog::of);
    let transient = fluid.filter(|_| backlog.is_some()).map(|fluid| Transient {
        kind: Kind::Approximation,
        formula: "q′(t) = λ(t) − cμ while q > 0",
        reference: "Newell 1982, Applications of Queueing Theory, ch. 2",
        profile: fluid.profile().clone(),
        fluid: backlog,
        ..blank(&load.season)
    });
    let mut answer = answer(case, figures, transient);
    answer.alternatives = ways;
    Ok(Some(answer))
}

/// What is known over time of a stage that is overloaded as a whole.
pub(super) fn outlook(case: &Case<'_>) -> Option<Transient> {
    let load = load(case).filter(|load| !load.season.periodic)?;
    let fluid = fluid(&load, 1.0 / case.law.mean()).ok()?;
    let mu = case.law.exponential().filter(|_| load.exact && queue(case));
    let exact = mu.and_then(|mu| integrated(case, &load, mu, places(case)?).ok());
    exact.and_then(|answer| answer.transient).or_else(|| {
        Some(Transient {
            kind: Kind::Approximation,
            formula: "q′(t) = λ(t) − cμ while q > 0",
            reference: "Newell 1982, Applications of Queueing Theory, ch. 2",
            profile: fluid.profile().clone(),
            fluid: Backlog::of(&fluid),
            ..blank(&load.season)
        })
    })
}

/// The approximations that there are, the best first.
fn others(case: &Case<'_>, load: &Load, places: Option<u64>) -> Vec<Alternative> {
    let mean = case.law.mean();
    let mut ways = Vec::new();
    let flowing = fluid(load, 1.0 / mean).ok().filter(|_| places.is_none());
    let backlog = flowing.as_ref().and_then(Backlog::of).is_some();
    if let Some(fluid) = flowing.filter(|_| backlog) {
        ways.push(Alternative {
            method: "fluid",
            figures: fluid.figures(mean),
        });
    }
    let factor = 0.5 * (1.0 + case.law.scv());
    if !factor.is_finite() {
        return ways;
    }
    let course = load.averaged();
    let unlimited = endless(case, load);
    let modified = unlimited.and_then(|unlimited| {
        Pointwise::modified(&course, 1.0 / mean, places, factor, unlimited.profile())
    });
    let stationary = Pointwise::stationary(&course, 1.0 / mean, places, factor);
    let named = [
        ("modified offered load", modified),
        ("pointwise stationary", stationary),
    ];
    for (method, model) in named {
        if let Ok(model) = model {
            let figures = model.figures();
            ways.push(Alternative { method, figures });
        }
    }
    ways
}

/// The rates of arrivals and departures.
fn rates(case: &Case<'_>, load: &Load, bounded: bool, figures: &mut Figures) {
    let rate = load.averaged().mean_rate();
    let reference = "the schedule's own";
    let kind = if load.exact && load.season.certain {
        Kind::Exact
    } else {
        Kind::Approximation
    };
    let mut sheet = Sheet::new(Source { kind, reference });
    sheet.put(Metric::ArrivalRate, rate, "λ = ∫λ(t)dt/T");
    figures.append(&mut sheet.finish());
    if bounded || !load.season.periodic {
        return;
    }
    let mut sheet = Sheet::new(Source { kind, reference });
    sheet.put(Metric::Throughput, rate, "X = λ");
    if let Some(consumers) = case.consumers() {
        let work = rate * case.law.mean() / f64::from(consumers);
        sheet.put(Metric::Utilization, work, "ρ = λE[S]/c");
    }
    figures.append(&mut sheet.finish());
}

fn answer(case: &Case<'_>, mut figures: Figures, transient: Option<Transient>) -> Answer {
    // Service is as long for every order, however it was found.
    let mean = Metric::mean(TimeKind::Service);
    figures.remove(&mean);
    let mut answer = Answer {
        transient,
        own_rates: true,
        ..Answer::new(figures)
    };
    if case.law.classes().count() > 1 {
        // Each class may come at its own times.
        answer.classes = ClassWaits::Unknown;
    }
    match case.flow() {
        Flow::Varying(reason) => answer.but(vec![reason.clone()]),
        _ => answer,
    }
}

fn blank(season: &Season) -> Transient {
    Transient {
        kind: Kind::Approximation,
        formula: "",
        reference: "",
        period: season.periodic.then_some(season.end),
        profile: Profile::default(),
        fluid: None,
        measured: season.measured,
    }
}

/// The load, where it varies.
fn load(case: &Case<'_>) -> Option<Load> {
    match case.flow() {
        Flow::Varying(_) => Load::of(case.network, case.traffic, case.flows, case.id),
        _ => None,
    }
}

/// A plain queue whose order does not change how many are there.
fn queue(case: &Case<'_>) -> bool {
    case.stage.extras.is_plain()
        && case.blind_to_sizes()
        && case.order() != Discipline::PreemptivePriority
        && case.consumers().is_some()
}

/// The bound on the number waiting, if any; `None` for other bounds than rejecting.
fn places(case: &Case<'_>) -> Option<Option<u64>> {
    match case.stage.capacity {
        Capacity::Unbounded => Some(None),
        Capacity::Reject(places) => Some(Some(places)),
        Capacity::Block(_)
        | Capacity::Retry(..)
        | Capacity::DropOldest(_)
        | Capacity::DeadLetter(_) => None,
    }
}

fn fluid(load: &Load, service_rate: f64) -> Result<Fluid, ModelError> {
    if load.season.periodic {
        Fluid::periodic(&load.course, service_rate)
    } else {
        Fluid::from_empty(&load.course, service_rate, load.season.from)
    }
}

fn endless(case: &Case<'_>, load: &Load) -> Result<MtGInf, ModelError> {
    let law = &case.law;
    if load.season.periodic {
        MtGInf::periodic(&load.course, law.mean(), |t| law.ccdf(t))
    } else {
        MtGInf::from_empty(&load.course, law.mean(), |t| law.ccdf(t), load.season.from)
    }
}

fn degrade(figures: &mut Figures) {
    for figure in figures.values_mut() {
        figure.kind = figure.kind.max(Kind::Approximation);
    }
}
