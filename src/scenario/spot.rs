//! The places of a scenario file, by the words messages use for them, and the one list of what is
//! promised there but not built yet.

/// A kind of table, or of choice, in a scenario file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Scenario,
    Run,
    Class,
    Producer,
    Stage,
    ClassOfStage,
    Queue,
    Discipline,
    Overflow,
    Route,
    Slo,
    Metric,
    Arrivals,
    Distribution,
    BatchSize,
    Point,
    /// The parameters of the choice of this name.
    Parameters(&'static str),
}

impl Spot {
    /// How messages name it.
    pub(super) fn name(self) -> String {
        let name = match self {
            Spot::Scenario => "a scenario",
            Spot::Run => "`[run]`",
            Spot::Class => "a `[[class]]`",
            Spot::Producer => "a `[[producer]]`",
            Spot::Stage => "a `[[stage]]`",
            Spot::ClassOfStage => "a class of a stage",
            Spot::Queue => "`queue`",
            Spot::Discipline => "`discipline`",
            Spot::Overflow => "`overflow`",
            Spot::Route => "an entry of `next`",
            Spot::Slo => "an `[[slo]]`",
            Spot::Metric => "`metric`",
            Spot::Arrivals => "an arrival process",
            Spot::Distribution => "a distribution",
            Spot::BatchSize => "a distribution of batch sizes",
            Spot::Point => "a point of a schedule",
            Spot::Parameters(choice) => return format!("`{choice}`"),
        };
        name.to_owned()
    }

    /// Whether `word` is part of the format here, but nothing of this version understands it yet.
    pub(super) fn is_later(self, word: &str) -> bool {
        LATER
            .iter()
            .any(|(spot, words)| *spot == self && words.contains(&word))
    }
}

impl Spot {
    /// Where a key that does not belong here belongs.
    pub(super) fn elsewhere(self, key: &str) -> Option<&'static str> {
        let mut list = MISPLACED.iter();
        list.find(|(spot, keys, _)| *spot == self && keys.contains(&key))
            .map(|(_, _, cure)| *cure)
    }
}

/// Keys that are looked for in the wrong table, and the cure.
const MISPLACED: &[(Spot, &[&str], &str)] = &[
    (
        Spot::Scenario,
        &["population", "populations", "closed"],
        "a population is a [[producer]] with arrivals = { closed = { customers = …, think = … } }",
    ),
    (
        Spot::Producer,
        &["customers", "think", "closed"],
        "write arrivals = { closed = { customers = …, think = … } }",
    ),
    (
        Spot::Stage,
        &["capacity", "discipline", "overflow", "preemptive"],
        "write it in the stage's `queue`, as in queue = { capacity = 100 }",
    ),
    (
        Spot::Queue,
        &["breakdown", "consumers", "fanout", "join", "patience"],
        "write it in the `[[stage]]` itself",
    ),
    (
        Spot::Queue,
        &["preemptive"],
        "write discipline = { priority = { preemptive = true } }",
    ),
    (
        Spot::Queue,
        &["block", "retry", "reject"],
        "write overflow = \"block\", \"reject\" or { retry = { … } }",
    ),
];

/// Keys and choices of the format that this version refuses.
const LATER: &[(Spot, &[&str])] = &[
    (
        Spot::Scenario,
        &[
            "autoscale",
            "autoscaler",
            "broker",
            "incident",
            "live",
            "stock",
            "sweep",
        ],
    ),
    (
        Spot::Producer,
        &["broker", "timeout", "retry", "circuit_breaker", "patience"],
    ),
    (
        Spot::Stage,
        &[
            "autoscale",
            "autoscaling",
            "backoff",
            "broker",
            "circuit_breaker",
            "dead_letter",
            "failure",
            "failures",
            "prefetch",
            "retries",
            "retry",
            "schedule",
            "stock",
            "timeout",
            "ttl",
        ],
    ),
    (
        Spot::ClassOfStage,
        &["breakdown", "failure", "patience", "timeout", "ttl"],
    ),
    (Spot::Queue, &["ttl", "priority_levels"]),
    (Spot::Class, &["deadline", "due", "patience", "ttl"]),
    (Spot::Discipline, &["edf"]),
    (
        Spot::Overflow,
        &["dead_letter", "drop-head", "drop_head", "drop_oldest"],
    ),
    (
        Spot::Metric,
        &[
            "dead_letter_rate",
            "dequeue_time",
            "duplicate_rate",
            "enqueue_time",
            "network_time",
            "redelivery_rate",
        ],
    ),
];
