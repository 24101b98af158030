//! Whether the machine has room for a live run: every order is kept until the end, and every consumer has a
//! timer of its own. Said before anything is simulated, for that takes long for what is too large.

use super::plan::{Refusal, StagePlan};
use crate::network::{Network, System};

/// Bytes that an order takes at the least, the comparison with its twins included: as measured of 7.2 million
/// orders that passed one stage.
const ORDER: f64 = 900.0;

/// Files that are open besides those of consumers: what the runtime, the producers and the results need.
const OTHERS: u64 = 64;

/// What the machine has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes of memory; none where the system does not tell.
    memory: Option<f64>,
    /// Files that the process may have open; none if they are not counted.
    files: Option<u64>,
}

impl Room {
    /// What it has at the moment, after it has given as many files as it gives.
    pub(super) fn here() -> Room {
        Room {
            memory: memory(),
            files: open_files(),
        }
    }

    /// Everything that there is no room for.
    pub(super) fn refusals(
        self,
        network: &Network,
        system: System,
        stages: &[StagePlan],
    ) -> Vec<Refusal> {
        let orders = self.orders(network.expected_orders());
        let files = stages.iter().map(|stage| files(system, stage)).sum();
        let receivers = stages.iter().map(|stage| stage.members as u64).sum();
        let files = self.receivers(receivers, files);
        orders.into_iter().chain(files).collect()
    }

    fn orders(self, orders: f64) -> Option<Refusal> {
        let there = self.memory?;
        let needed = orders * ORDER;
        (needed > there).then(|| Refusal {
            at: "run".to_owned(),
            what: format!("some {orders:.2e} orders"),
            why: format!(
                "all are kept until the end, which takes {:.0} GB at the least, and the machine has {:.1} GB to \
                 give; make the run shorter (`--duration`), or its producers slower",
                needed / 1e9,
                there / 1e9
            ),
        })
    }

    fn receivers(self, receivers: u64, files: u64) -> Option<Refusal> {
        let there = self.files?;
        let needed = files + OTHERS;
        (needed > there).then(|| Refusal {
            at: "pipeline".to_owned(),
            what: format!("{receivers} consumer{}", if receivers == 1 { "" } else { "s" }),
            why: format!(
                "with a timer and connections each it takes {needed} open files at the least, and this process may \
                 have {there}: raise that (`ulimit -n`), or take fewer consumers"
            ),
        })
    }
}

/// Files that the consumers of a stage have open: each receiver a timer, a connection to receive by where there
/// is a broker to connect to, and one to send by where it does.
fn files(system: System, stage: &StagePlan) -> u64 {
    let connections = match system {
        System::Memory => 0,
        _ => 1 + u64::from(stage.sends),
    };
    stage.members as u64 * (1 + connections)
}

/// Memory that the machine can give without pushing out anybody else. A container may be given less.
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

/// Takes as many open files as may be had, and says how many that is; none if there is no limit. What a shell
/// begins with is too few for a few hundred consumers.
#[cfg(target_os = "linux")]
pub(super) fn open_files() -> Option<u64> {
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
pub(super) fn open_files() -> Option<u64> {
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
        assert_eq!(ROOM.receivers(936, 936), None);
        let unknown = Room {
            memory: None,
            files: None,
        };
        assert_eq!(unknown.orders(1e12), None);
        assert_eq!(unknown.receivers(1 << 60, 1 << 60), None);
    }

    #[test]
    fn what_there_is_no_room_for_is_told_with_both_sizes() {
        let orders = ROOM.orders(3.5e8).expect("too many").to_string();
        assert!(orders.contains("3.50e8 orders"), "{orders}");
        assert!(orders.contains("315 GB"), "{orders}");
        assert!(orders.contains("9.0 GB"), "{orders}");
        let timers = ROOM.receivers(937, 937).expect("too many").to_string();
        assert!(timers.contains("937 consumers"), "{timers}");
        assert!(timers.contains("1001 open files"), "{timers}");
        assert!(timers.contains("have 1000"), "{timers}");
    }

    #[test]
    fn memory_is_read_as_the_kernel_tells_it() {
        let told = "MemTotal:       24000000 kB\nMemAvailable:   22000000 kB\n";
        assert_eq!(available(told), Some(22_000_000.0 * 1024.0));
        assert_eq!(available("MemTotal: 24000000 kB\n"), None);
    }
}
