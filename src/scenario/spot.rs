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
    Incident,
    Arrivals,
    Distribution,
    WholeNumber,
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
            Spot::Incident => "an `[[incident]]`",
            Spot::Arrivals => "an arrival process",
            Spot::Distribution => "a distribution",
            Spot::WholeNumber => "a distribution of whole numbers",
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
        Spot::Scenario,
        &[
            "autoscale",
            "autoscaler",
            "batch",
            "broker",
            "failure",
            "stock",
        ],
        "write it in the `[[stage]]` that it is about",
    ),
    (
        Spot::Scenario,
        &["incidents"],
        "write [[incident]] above each, with `at`, `for` and `set`",
    ),
    (
        Spot::Producer,
        &["customers", "think", "closed"],
        "write arrivals = { closed = { customers = …, think = … } }",
    ),
    (
        Spot::Producer,
        &[
            "broker",
            "circuit_breaker",
            "failure",
            "patience",
            "retry",
            "timeout",
        ],
        "write it in the `[[stage]]` that its orders go to",
    ),
    (
        Spot::Stage,
        &[
            "balk",
            "capacity",
            "discipline",
            "expired",
            "overflow",
            "preemptive",
            "ttl",
        ],
        "write it in the stage's `queue`, as in queue = { capacity = 100 }",
    ),
    (
        Spot::Stage,
        &[
            "attempts",
            "backoff",
            "dead_letter",
            "failures",
            "retries",
            "retry",
        ],
        "write it in the stage's `failure`, as in failure = { probability = \"3%\", attempts = 4 }",
    ),
    (
        Spot::Stage,
        &[
            "acknowledgement",
            "durable",
            "partitions",
            "prefetch",
            "pull",
            "visibility_timeout",
        ],
        "write it in the stage's `broker`, as in broker = { rabbitmq = { prefetch = 10 } }",
    ),
    (
        Spot::Queue,
        &[
            "batch",
            "breakdown",
            "broker",
            "consumers",
            "failure",
            "fanout",
            "join",
            "patience",
            "timeout",
        ],
        "write it in the `[[stage]]` itself",
    ),
    (
        Spot::Queue,
        &["preemptive"],
        "write discipline = { priority = { preemptive = true } }",
    ),
    (
        Spot::Queue,
        &["block", "retry", "reject", "drop_oldest", "dead_letter"],
        "write it as `overflow`, such as overflow = \"block\" or { retry = { … } }",
    ),
    (
        Spot::Parameters("failure"),
        &["timeout", "circuit_breaker"],
        "write it in the `[[stage]]` itself, beside `failure`",
    ),
    (
        Spot::Class,
        &["due"],
        "write it as `deadline`: the time from entering within which an order should be done",
    ),
];

/// Keys and choices of the format that this version refuses.
const LATER: &[(Spot, &[&str])] = &[
    (Spot::Scenario, &["live", "sweep"]),
    (
        Spot::ClassOfStage,
        &["breakdown", "patience", "timeout", "ttl"],
    ),
    (Spot::Class, &["patience", "ttl"]),
];
