//! Whether the machine has room for a live run: every order is kept until the end, and every consumer has a
//! timer of its own. Said before anything is simulated, for that takes long for what is too large.

use super::plan::{Refusal, StagePlan};
use crate::network::Network;

/// Bytes that an order takes at the least, the comparison with its twins included: as measured of 7.2 million
/// orders that passed one stage.
const ORDER: f64 = 900.0;

/// What the machine has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes of memory; none where the system does not tell.
    memory: Option<f64>,
    /// Files that the process may have open.
    files: Option<u64>,
}

impl Room {
    /// What it has at the moment, after it has given as many files as it gives.
    pub(super) fn here() -> Room {
        Room {
            memory: memory(),
            files: files(),
        }
    }

    /// Everything that there is no room for.
    pub(super) fn refusals(self, network: &Network, stages: &[StagePlan]) -> Vec<Refusal> {
        let orders = self.orders(network.expected_orders());
        let consumers = self.consumers(stages.iter().map(|stage| stage.members as u64).sum());
        orders.into_iter().chain(consumers).collect()
    }

    fn orders(self, orders: f64) -> Option<Refusal> {
        let there = self.memory?;
        let needed = orders * ORDER;
        (needed > there).then(|| Refusal {
            at: "run".to_owned(),
            what: format!("some {:.1} million orders", orders / 1e6),
            why: format!(
                "all are kept until the end, which takes {:.1} GB at the least, and the machine has {:.1} GB to \
                 give; make the run shorter (`--duration`)",
                needed / 1e9,
                there / 1e9
            ),
        })
    }

    fn consumers(self, consumers: u64) -> Option<Refusal> {
        let there = self.files?;
        (consumers >= there).then(|| Refusal {
            at: "pipeline".to_owned(),
            what: format!("{consumers} consumers"),
            why: format!(
                "each has a timer, which is an open file, and this process may have {there} of those \
                 (`ulimit -n`); take fewer and faster ones"
            ),
        })
    }
}

/// Memory that can be had without pushing out anybody else.
fn memory() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    available(&told)
}

fn available(told: &str) -> Option<f64> {
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(1024.0 * kibibytes)
}

/// Takes as many files as may be had: what a shell begins with is too few for a few hundred consumers.
#[cfg(target_os = "linux")]
fn files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: now.maximum,
        ..now
    };
    let raised = setrlimit(Resource::Nofile, most).is_ok();
    if raised { most.current } else { now.current }
}

#[cfg(not(target_os = "linux"))]
fn files() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        memory: Some(9e9),
        files: Some(1000),
    };

    #[test]
    fn what_there_is_room_for_is_not_refused() {
        assert_eq!(ROOM.orders(1e7), None);
        assert_eq!(ROOM.consumers(999), None);
        let unknown = Room {
            memory: None,
            files: None,
        };
        assert_eq!(unknown.orders(1e12), None);
        assert_eq!(unknown.consumers(u64::MAX), None);
    }

    #[test]
    fn what_there_is_no_room_for_is_told_with_both_sizes() {
        let orders = ROOM.orders(3.5e8).expect("too many").to_string();
        assert!(orders.contains("350.0 million orders"), "{orders}");
        assert!(orders.contains("315.0 GB"), "{orders}");
        assert!(orders.contains("9.0 GB"), "{orders}");
        let consumers = ROOM.consumers(179_500).expect("too many").to_string();
        assert!(consumers.contains("179500 consumers"), "{consumers}");
        assert!(consumers.contains("may have 1000"), "{consumers}");
    }

    #[test]
    fn memory_is_read_as_the_kernel_tells_it() {
        let told = "MemTotal:       24000000 kB\nMemAvailable:   22000000 kB\n";
        assert_eq!(available(told), Some(22_000_000.0 * 1024.0));
        assert_eq!(available("MemTotal: 24000000 kB\n"), None);
    }
}
