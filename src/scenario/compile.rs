//! From the draft to the [`Network`]: names become indices, defaults are spelled out, and what only
//! shows when the parts are seen together is checked.

use super::arrivals::ArrivalsDraft;
use super::blocking;
use super::closed;
use super::combine::{self, Combined};
use super::diagnostic::Diagnostic;
use super::draft::Draft;
use super::fields::{Context, Given};
use super::names::{self, Named, find};
use super::objective;
use super::producer::ProducerDraft;
use super::routes::{Entrance, Routing};
use super::stage::{NextDraft, StageDraft};
use super::text::list;
use crate::network::{
    Class, ClassAtStage, ClassId, Discipline, Hold, Network, Population, Producer, Route, Service,
    Stage, StageId, Stocking, Target,
};

/// The name of the only class of a scenario that declares none.
const ONLY_CLASS: &str = "default";

/// Compiles a draft; `fallback` is the name of a scenario that has none. `None` means that
/// something is wrong and has been reported.
pub(super) fn compile(draft: &Draft, fallback: &str, cx: &mut Context) -> Option<Network> {
    unique_names(draft, cx);
    let known = Known::of(draft);
    let classes = classes(draft);
    let supplies: Vec<Option<Supply>> = draft
        .producers
        .iter()
        .map(|producer| compile_producer(producer, draft, &known, cx))
        .collect();
    let stages: Vec<Option<Stage>> = draft
        .stages
        .iter()
        .map(|stage| compile_stage(stage, &known, cx))
        .collect();
    let slos = objective::compile(draft, &known, cx);
    let supplies: Vec<Supply> = supplies.into_iter().collect::<Option<_>>()?;
    let stages: Vec<Stage> = stages.into_iter().collect::<Option<_>>()?;
    check_routes(draft, &known, &supplies, &stages, cx);
    let (producers, populations) = parted(supplies);
    warn_of_idle_priority(draft, cx);
    check_deadlines(draft, cx);
    check_holds(&draft.stages, &stages, cx);
    Some(Network {
        name: draft
            .name
            .as_ref()?
            .as_ref()
            .map_or(fallback, |name| &name.text)
            .to_owned(),
        seed: draft.seed?,
        run: draft.run.clone()?,
        classes: classes?,
        producers,
        populations,
        stages,
        slos: slos?,
        phases: Vec::new(),
    })
}

/// The names that may be referred to; one that was wrong keeps its place.
pub(super) struct Known<'d> {
    pub(super) classes: Vec<Option<&'d str>>,
    pub(super) stages: Vec<Option<&'d str>>,
}

impl<'d> Known<'d> {
    fn of(draft: &'d Draft) -> Known<'d> {
        let text = |name: &'d Option<Named>| name.as_ref().map(|name| name.text.as_str());
        let declared: Vec<_> = draft.classes.iter().map(|c| text(&c.name)).collect();
        Known {
            classes: if declared.is_empty() {
                vec![Some(ONLY_CLASS)]
            } else {
                declared
            },
            stages: draft.stages.iter().map(|s| text(&s.name)).collect(),
        }
    }
}

fn unique_names(draft: &Draft, cx: &mut Context) {
    names::unique("classes", draft.classes.iter().map(|c| c.name.as_ref()), cx);
    let producers = draft.producers.iter().map(|p| p.name.as_ref());
    names::unique("producers", producers, cx);
    names::unique("stages", draft.stages.iter().map(|s| s.name.as_ref()), cx);
}

fn classes(draft: &Draft) -> Option<Vec<Class>> {
    if draft.classes.is_empty() {
        return Some(vec![Class {
            name: ONLY_CLASS.to_owned(),
            priority: 0,
            deadline: f64::INFINITY,
        }]);
    }
    let class = |class: &super::producer::ClassDraft| {
        Some(Class {
            name: class.name.as_ref()?.text.clone(),
            priority: class.priority?,
            deadline: class.deadline?,
        })
    };
    draft.classes.iter().map(class).collect()
}

fn compile_producer(
    producer: &ProducerDraft,
    draft: &Draft,
    known: &Known<'_>,
    cx: &mut Context,
) -> Option<Supply> {
    let class = match &producer.class {
        None => None,
        Some(Some(class)) => find(class, "class", &known.classes, cx),
        Some(None) if draft.classes.len() <= 1 => Some(0),
        Some(None) => {
            let classes = list(known.classes.iter().flatten(), "or");
            cx.report(
                Diagnostic::error(producer.span, "this producer does not say its `class`")
                    .help(format!("add `class = \"…\"`, one of {classes}"))
                    .absent(),
            );
            None
        }
    };
    let to = producer
        .to
        .as_ref()
        .and_then(|to| find(to, "stage", &known.stages, cx));
    let name = producer.name.as_ref()?.text.clone();
    let (class, to) = (ClassId(class?), StageId(to?));
    let message_size = producer.message_size?;
    let arrivals = producer.arrivals.as_ref()?;
    Some(match arrivals.value.clone() {
        ArrivalsDraft::Open(arrivals) => Supply::Producer(Producer {
            name,
            class,
            to,
            arrivals,
            message_size,
        }),
        ArrivalsDraft::Closed { customers, think } => Supply::Population(Population {
            name,
            class,
            to,
            customers,
            think,
            message_size,
        }),
    })
}

/// What a `[[producer]]` is.
pub(super) enum Supply {
    Producer(Producer),
    Population(Population),
}

impl Supply {
    pub(super) fn class(&self) -> ClassId {
        match self {
            Supply::Producer(producer) => producer.class,
            Supply::Population(population) => population.class,
        }
    }

    pub(super) fn to(&self) -> StageId {
        match self {
            Supply::Producer(producer) => producer.to,
            Supply::Population(population) => population.to,
        }
    }
}

fn parted(supplies: Vec<Supply>) -> (Vec<Producer>, Vec<Population>) {
    let (mut producers, mut populations) = (Vec::new(), Vec::new());
    for supply in supplies {
        match supply {
            Supply::Producer(producer) => producers.push(producer),
            Supply::Population(population) => populations.push(population),
        }
    }
    (producers, populations)
}

fn compile_stage(stage: &StageDraft, known: &Known<'_>, cx: &mut Context) -> Option<Stage> {
    for class in &stage.classes {
        find(&class.name, "class", &known.classes, cx);
    }
    let common = compile_next(&stage.next, known, cx);
    let own: Vec<_> = stage
        .classes
        .iter()
        .map(|class| compile_next(&class.next, known, cx))
        .collect();
    let service_known = check_service(stage, known, cx);
    let by_class = known.classes.iter().map(|class| {
        let index = stage
            .classes
            .iter()
            .position(|own| Some(own.name.text.as_str()) == *class);
        let own_next = index.map(|index| &own[index]);
        Some(ClassAtStage {
            service: service(stage, index)?,
            next: match own_next {
                None | Some(Some(None)) => common.clone()?.unwrap_or_else(completed),
                Some(next) => next.clone()??,
            },
        })
    });
    let by_class: Option<Vec<ClassAtStage>> = by_class.collect();
    let combined = combine::combined(stage, by_class.as_deref(), known, cx);
    service_known?;
    let Combined {
        discipline,
        capacity,
        extras,
    } = combined?;
    Some(Stage {
        name: stage.name.as_ref()?.text.clone(),
        consumers: stage.consumers?,
        discipline,
        capacity,
        by_class: by_class?,
        extras,
    })
}

fn completed() -> Vec<Route> {
    vec![Route {
        to: Target::Completed,
        probability: 1.0,
    }]
}

/// The law of a class at a stage; `own` is the class's entry at the stage, if it has one.
fn service(stage: &StageDraft, own: Option<usize>) -> Option<Service> {
    match own.map(|index| &stage.classes[index].service) {
        Some(Given::Is(law)) => return Some(Service::Own(law.clone())),
        Some(Given::Wrong) => return None,
        Some(Given::Absent) | None => {}
    }
    match &stage.service {
        Given::Is(law) => Some(Service::Common(law.clone())),
        Given::Absent | Given::Wrong => None,
    }
}

/// Reports a stage at which some class has no law of service.
fn check_service(stage: &StageDraft, known: &Known<'_>, cx: &mut Context) -> Option<()> {
    let has_own = |name: &str| {
        let mut classes = stage.classes.iter();
        classes.any(|own| own.name.text == name && own.service != Given::Absent)
    };
    let mut without = known.classes.iter().flatten().filter(|name| !has_own(name));
    if stage.service != Given::Absent || without.next().is_none() {
        return Some(());
    }
    cx.report(
        Diagnostic::error(stage.span, "a `[[stage]]` needs `service`")
            .label("`service` is missing")
            .help("add a distribution, such as `service = { exponential = { mean = \"50ms\" } }`")
            .absent(),
    );
    None
}

/// The routes of a `next`: outer `None` if it was wrong, inner `None` if it was absent.
fn compile_next(
    next: &Given<NextDraft>,
    known: &Known<'_>,
    cx: &mut Context,
) -> Option<Option<Vec<Route>>> {
    let next = match next {
        Given::Absent => return Some(None),
        Given::Wrong => return None,
        Given::Is(next) => next,
    };
    let routes: Vec<Option<Route>> = next
        .routes
        .iter()
        .map(|(to, probability)| {
            Some(Route {
                to: target(to, known, cx)?,
                probability: *probability,
            })
        })
        .collect();
    let routes: Option<Vec<Route>> = routes.into_iter().collect();
    // A probability of 0 is legal to write, since a number may be changed from outside.
    Some(Some(
        routes?
            .into_iter()
            .filter(|route| route.probability > 0.0)
            .collect(),
    ))
}

fn target(to: &Named, known: &Known<'_>, cx: &mut Context) -> Option<Target> {
    match to.text.as_str() {
        "completed" => Some(Target::Completed),
        "cancelled" => Some(Target::Cancelled),
        _ => {
            let outcomes = ["completed", "cancelled"].map(Some);
            let names: Vec<Option<&str>> = known.stages.iter().copied().chain(outcomes).collect();
            find(to, "stage", &names, cx).map(|index| Target::Stage(StageId(index)))
        }
    }
}

fn check_routes(
    draft: &Draft,
    known: &Known<'_>,
    supplies: &[Supply],
    stages: &[Stage],
    cx: &mut Context,
) {
    let entrances = supplies
        .iter()
        .map(|supply| Entrance {
            class: supply.class(),
            stage: supply.to(),
        })
        .collect();
    let routing = Routing {
        drafts: &draft.stages,
        stages,
        entrances,
        classes: known
            .classes
            .iter()
            .map(|name| name.unwrap_or(""))
            .collect(),
    };
    routing.check(cx);
    blocking::check(&routing, cx);
    closed::check(&draft.producers, supplies, &routing, cx);
    for (index, class) in draft.classes.iter().enumerate() {
        let used = supplies
            .iter()
            .any(|supply| supply.class() == ClassId(index));
        if let (Some(name), false) = (&class.name, used) {
            let message = format!("no producer sends orders of class `{}`", name.text);
            let help = format!(
                "give a producer `class = \"{}\"`, or remove the class",
                name.text
            );
            cx.report(Diagnostic::warning(name.span, message).help(help));
        }
    }
}

/// Reports earliest deadline first where no order has a deadline.
fn check_deadlines(draft: &Draft, cx: &mut Context) {
    let endless = |class: &super::producer::ClassDraft| class.deadline == Some(f64::INFINITY);
    if !draft.classes.iter().all(endless) {
        return;
    }
    for queue in draft.stages.iter().filter_map(|stage| stage.queue.as_ref()) {
        if let (Discipline::EarliestDeadline, Some(span)) =
            (queue.discipline, queue.discipline_span)
        {
            let message = "`edf` goes by deadlines, and no class has one";
            let help = "give a [[class]] such as `deadline = \"2s\"`, and a producer that class";
            cx.report(Diagnostic::error(span, message).help(help));
        }
    }
}

/// Reports a second stage at which orders hold what they have not yet taken.
fn check_holds(drafts: &[StageDraft], stages: &[Stage], cx: &mut Context) {
    let holds = |stage: &Stage| match &stage.extras.stocking {
        Stocking::Stock(stock) => stock.hold != Hold::Take,
        Stocking::None => false,
    };
    let mut holding = drafts.iter().zip(stages).filter(|(_, stage)| holds(stage));
    let first = holding.next();
    for (draft, _) in holding {
        let Given::Is(stock) = &draft.extras.stock else {
            continue;
        };
        let message = format!(
            "a second stage whose `stock` is held: `{}` has the other",
            first.map_or("", |(_, stage)| stage.name.as_str())
        );
        let help = "an order holds the items of one stage: write hold = \"take\" at one of them";
        cx.report(Diagnostic::error(stock.key, message).help(help));
    }
}

fn warn_of_idle_priority(draft: &Draft, cx: &mut Context) {
    let mut priorities = draft.classes.iter().map(|class| class.priority);
    let first = priorities.next();
    if priorities.any(|priority| Some(priority) != first) {
        return;
    }
    for queue in draft.stages.iter().filter_map(|stage| stage.queue.as_ref()) {
        if let (
            Discipline::Priority | Discipline::PreemptivePriority | Discipline::PreemptiveRestart,
            Some(span),
        ) = (queue.discipline, queue.discipline_span)
        {
            cx.report(
                Diagnostic::warning(span, "every class has the same priority")
                    .label("so this serves in order of arrival")
                    .help("declare [[class]] tables with different `priority`"),
            );
        }
    }
}
