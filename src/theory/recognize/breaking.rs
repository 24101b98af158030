//! A consumer that breaks down while it serves.

use super::model::Candidate;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::metric::{Metric, TimeKind};
use crate::network::{
    AfterRepair, Breakdowns, Capacity, ClassId, Extras, FailureClock, Reliability,
};
use crate::random::Distribution;
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{
    Curve, Figures, Kind, Mg1Breakdowns, Reason, ServiceMoments, Turn, restarted, resumed,
};

pub(super) const BUSY: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 with breakdowns while busy",
        conditions: "Poisson arrivals, any service, 1 consumer, `breakdown` with exponential uptime, `when = \"busy\"`, `then = \"resume\"`; with `\"restart\"` one law of service whose tail is light enough",
        gives: "means; variances if it resumes",
        kind: Kind::Exact,
        source: "Gaver 1962, J. Roy. Stat. Soc. B 24; Avi-Itzhak and Naor 1963, Oper. Res. 11",
        tests: &[
            "starting_anew_takes_longer_than_going_on",
            "a_restarted_exponential_service_by_its_transform",
        ],
    },
    fit: busy,
};

fn busy(case: &Case<'_>) -> Fit {
    let (Some(breakdowns), Some(turn)) = (unreliable(case), case.turn()) else {
        return Ok(None);
    };
    let Some(xi) = breakdowns.uptime.is_exponential() else {
        return Ok(None);
    };
    let (Some(1), true, FailureClock::Busy) = (case.consumers(), case.poisson(), breakdowns.when)
    else {
        return Ok(None);
    };
    let conditions = |error| Reason::Conditions { error };
    let repair = moments(&breakdowns.downtime);
    let resumes = breakdowns.then == AfterRepair::Resume;
    let completion = match (breakdowns.then, case.law.common()) {
        (AfterRepair::Resume, _) => Some(resumed(case.law.moments(), xi, repair)),
        (AfterRepair::Restart, Some(law)) => restarted(law, xi, repair).transpose(),
        (AfterRepair::Restart, None) | (AfterRepair::Redeliver, _) => None,
    };
    let Some(completion) = completion.transpose().map_err(conditions)? else {
        return Ok(None);
    };
    if completion.second.is_infinite() {
        return Err(Reason::InfiniteVariance);
    }
    let model = Mg1Breakdowns::new(case.rate, case.law.mean(), completion).map_err(conditions)?;
    let mut answer = Answer::new(model.figures(turn, resumes));
    if turn == Turn::FirstIn {
        answer.waiting = Curve::exponential_tail(&answer.figures);
    }
    let longer = completion.first / case.law.mean();
    if resumes || case.law.classes().count() == 1 {
        answer.classes = ClassWaits::Figures(by_class(case, &answer.figures, longer));
    }
    Ok(Some(answer))
}

/// The figures of each class: all wait alike, and each has its own completion time.
fn by_class(case: &Case<'_>, stage: &Figures, longer: f64) -> Vec<(ClassId, Figures)> {
    let alike = |metric: &Metric| {
        matches!(metric, Metric::Time(TimeKind::Waiting, _))
            || matches!(metric, Metric::WaitProbability | Metric::Availability)
    };
    let waits = stage.iter().filter(|(metric, _)| alike(metric));
    let waits: Figures = waits.map(|(metric, figure)| (*metric, *figure)).collect();
    let wait = waits
        .get(&Metric::mean(TimeKind::Waiting))
        .map_or(f64::NAN, |w| w.value);
    let classes = case.law.classes().map(|(class, _, law)| {
        let mut sheet = Sheet::new(Source::exact(BUSY.model.source));
        let sojourn = wait + longer * law.mean();
        sheet.mean(TimeKind::Sojourn, sojourn, "W = Wq + E[C]");
        let mut figures = waits.clone();
        figures.append(&mut sheet.finish());
        (class, figures)
    });
    classes.collect()
}

/// How the consumers of a stage fail that has nothing else beyond a plain queue.
fn unreliable<'a>(case: &Case<'a>) -> Option<&'a Breakdowns> {
    let Reliability::Breakdowns(breakdowns) = &case.stage.extras.reliability else {
        return None;
    };
    let others = Extras {
        reliability: Reliability::Perfect,
        ..case.stage.extras.clone()
    };
    let plain = others.is_plain() && case.stage.capacity == Capacity::Unbounded;
    plain.then_some(breakdowns)
}

fn moments(law: &Distribution) -> ServiceMoments {
    ServiceMoments {
        first: law.mean(),
        second: law.moment(2),
        third: law.moment(3),
    }
}
