//! What the systems' documents say, and how to reach a server.

use orderline::live::brokers::{Abilities, Broker};
use std::time::Duration;

/// What is known of a system beside what its adapter says.
pub struct Facts {
    /// The environment's variable with the address of a server.
    pub variable: &'static str,
    /// The address if there is no such variable; none if the adapter needs none.
    pub default: Option<&'static str>,
    /// What starts a server.
    pub up: &'static str,
    /// What the system can do by its documents, in the order of [`Abilities`].
    pub can: &'static [&'static str],
    /// Whether it says of a message that it was delivered before.
    pub flags_redelivered: bool,
    /// Whether it tells how many messages wait.
    pub tells_depth: bool,
    /// Whether it tells how many messages were put aside.
    pub tells_dead_letters: bool,
    /// Whether a message that was settled and heard of never comes again; otherwise what was settled since
    /// the last commit may.
    pub settles_each: bool,
    /// Whether what receivers held when the server went may come twice when it is back, though it was settled
    /// the first time.
    pub repeats_held: bool,
    /// Whether what is settled in a lane can be told the system now and then instead of at once.
    pub tells_at_intervals: bool,
    /// How long after a queue was made a server that is killed may have forgotten it, with all in it.
    pub forgets_queues_for: Duration,
    /// Whether it can drop the oldest message of a full queue, and tells.
    pub displaces: bool,
    /// Whether there is a server to connect to.
    pub server: bool,
    /// Whether the server asks for user and password.
    pub logins: bool,
    /// A user, with password, who may log in and not make queues.
    pub restricted: Option<(&'static str, &'static str)>,
    /// Whether clients keep to the address that they are given, so that a test can stand between.
    pub one_address: bool,
}

impl Facts {
    /// What the scripts call the system.
    pub fn name(&self) -> &'static str {
        self.up.rsplit(' ').next().unwrap_or(self.up)
    }
}

/// An adapter does what the system's documents say, no more and no less.
pub async fn abilities<B: Broker>(facts: &Facts) {
    assert_eq!(names(B::ABILITIES), facts.can);
}

fn names(can: Abilities) -> Vec<&'static str> {
    let Abilities {
        priorities,
        batches,
        disciplines,
        bounded,
        time_to_live,
        requeues,
        dead_letters,
        delays,
        redelivers,
        shared,
        partitions,
        durable,
        window,
    } = can;
    let all = [
        ("priorities", priorities > 1),
        ("batches", batches),
        ("disciplines", disciplines),
        ("bounded", bounded),
        ("time_to_live", time_to_live),
        ("requeues", requeues),
        ("dead_letters", dead_letters),
        ("delays", delays),
        ("redelivers", redelivers),
        ("shared", shared),
        ("partitions", partitions),
        ("durable", durable),
        ("window", window),
    ];
    all.into_iter()
        .filter_map(|(name, able)| able.then_some(name))
        .collect()
}
