//! The program as a user types it, and the servers.

use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A scenario in a folder of its own.
pub struct Scenario {
    folder: tempfile::TempDir,
}

impl Scenario {
    /// Ten seconds of M/M/1, or as near to it as the system comes. At half the load that a consumer can do, so
    /// that costs can be told from waits even where a busy machine doubles them.
    pub fn plain(system: &str) -> Scenario {
        Scenario::new(system, 50, 1, "", "")
    }

    /// Consumers that die in mid-work.
    pub fn with_crashes(system: &str) -> Scenario {
        let breakdown = "breakdown = { uptime = { exponential = { mean = \"1s\" } }, \
                         downtime = { deterministic = { value = \"200ms\" } }, when = \"busy\", \
                         then = \"redeliver\" }\n";
        Scenario::new(system, 60, 2, breakdown, "")
    }

    /// More orders than the consumer can do, and nothing survives a restart.
    pub fn overloaded_and_transient(system: &str) -> Scenario {
        Scenario::new(system, 200, 1, "", "durable = false, ")
    }

    fn new(system: &str, rate: u32, consumers: u32, more: &str, setting: &str) -> Scenario {
        let broker = match system {
            "kafka" => format!(
                "{{ kafka = {{ {setting}partitions = {consumers}, partition_by = \"round_robin\", linger = 0, \
                 acknowledgement = \"per_message\", detection = \"6s\" }} }}"
            ),
            "rocketmq" => format!("{{ memory = {{ {setting}prefetch = 1 }} }}"),
            "zeromq" => "\"zeromq\"".to_owned(),
            other => format!("{{ {other} = {{ {setting}prefetch = 1 }} }}"),
        };
        let text = format!(
            "name = \"live-{system}\"\nseed = 11\n[run]\nduration = \"10s\"\nwarmup = \"1s\"\n\
             [[producer]]\nname = \"web\"\nto = \"order\"\narrivals = {{ poisson = {{ rate = \"{rate}/s\" }} }}\n\
             message_size = 200\n[[stage]]\nname = \"order\"\nconsumers = {consumers}\n\
             service = {{ exponential = {{ rate = \"100/s\" }} }}\nbroker = {broker}\n{more}"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let scenario = Scenario { folder };
        let path = scenario.path("scenario.toml");
        std::fs::write(path, text).expect("a file");
        scenario
    }

    /// A path beside it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// `orderline live` with its flags.
pub struct Live {
    command: Command,
    out: tempfile::TempDir,
}

/// A run under way.
pub struct Running {
    child: Child,
    _out: tempfile::TempDir,
}

impl Live {
    pub fn new(scenario: &Scenario, system: &str) -> Live {
        Live::of_file(&scenario.path("scenario.toml"), system)
    }

    pub fn of_file(file: &Path, system: &str) -> Live {
        let out = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_orderline"));
        command
            .arg("live")
            .arg(file)
            .args(["--broker", system, "--json"]);
        command.arg("--out").arg(out.path().join("out"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Live { command, out }
    }

    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Live {
        self.command.arg(word);
        self
    }

    pub fn args<const N: usize>(mut self, words: [&str; N]) -> Live {
        self.command.args(words);
        self
    }

    pub fn start(mut self) -> Running {
        Running {
            child: self.command.spawn().expect("it starts"),
            _out: self.out,
        }
    }

    /// Runs it to its end.
    pub fn run(self, exit: i32) -> Document {
        self.start().end(exit)
    }

    /// Runs it, expecting that it ends with this code within so many seconds; what it says then.
    pub fn fails(self, exit: i32, within: f64) -> String {
        let began = Instant::now();
        let output = self.start().child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{said}");
        let took = began.elapsed().as_secs_f64();
        assert!(took < within, "{took} s: {said}");
        said
    }
}

impl Running {
    /// Interrupts it after a while, as Ctrl-C does.
    pub fn interrupt_after(&self, seconds: f64) {
        std::thread::sleep(Duration::from_secs_f64(seconds));
        let number = self.child.id().to_string();
        let kill = Command::new("kill").args(["-INT", &number]).status();
        assert!(kill.expect("kill is there").success(), "it still runs");
    }

    pub fn end(self, exit: i32) -> Document {
        let output = self.child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{said}");
        let json = serde_json::from_slice(&output.stdout);
        Document(json.unwrap_or_else(|error| panic!("{error}: {said}")))
    }
}

/// What a run says as JSON.
pub struct Document(Value);

impl Document {
    pub fn live(&self, field: &str) -> &Value {
        &self.0["live"][field]
    }

    pub fn outcome(&self, name: &str) -> u64 {
        self.0["pipeline"]["outcomes"][name]
            .as_u64()
            .expect("a number")
    }

    /// What became of messages.
    pub fn count(&self, name: &str) -> u64 {
        self.0["pipeline"]["messages"][name].as_u64().unwrap_or(0)
    }

    fn entered(&self) -> u64 {
        self.0["run"]["entered"].as_u64().expect("a number")
    }

    /// Where the run was, without who was there.
    pub fn says_where(&self, system: &str) {
        let variable = format!("ORDERLINE_{}_URL", system.to_uppercase());
        let systems = orderline::live::SYSTEMS.into_iter();
        let mut usual = systems.filter(|known| orderline::live::feature(*known) == system);
        let usual = usual.next().and_then(orderline::live::address_of);
        let url = std::env::var(variable).ok().or(usual.map(str::to_owned));
        let place = url.map(|url| match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
            _ => url,
        });
        assert_eq!(self.live("address").as_str(), place.as_deref());
    }

    /// Every order that entered has one outcome.
    pub fn adds_up(&self) {
        let outcomes = self.0["pipeline"]["outcomes"]
            .as_object()
            .expect("outcomes");
        let sum: u64 = outcomes.values().filter_map(Value::as_u64).sum();
        assert_eq!(sum, self.entered());
    }

    /// No order is lost, and none is left when all is over.
    pub fn has_lost_nothing(&self) {
        self.adds_up();
        assert_eq!(self.outcome("lost"), 0);
        assert_eq!(self.live("missing").as_u64(), Some(0));
        assert_eq!(self.live("left").as_u64(), Some(0), "all come to an end");
        let done = self.outcome("completed") + self.outcome("in_flight");
        assert_eq!(done, self.entered());
    }

    /// The same, and none was done twice.
    pub fn has_done_everything_once(&self) {
        self.has_lost_nothing();
        assert_eq!(self.count("duplicates"), 0);
        assert_eq!(self.count("redeliveries"), 0);
        assert!(self.outcome("completed") > 0);
    }

    /// A line for a reader of the tests' output.
    pub fn print(&self, system: &str, what: &str) {
        let figure = |metric: &str| {
            let figure = &self.0["live"]["figures"]["pipeline"][metric];
            let ms = |run: &str| figure[run].as_f64().map_or(f64::NAN, |s| 1e3 * s);
            format!(
                "{metric} {:.2} ms, twin {:.2}, as it was {:.2}",
                ms("live"),
                ms("twin"),
                ms("replayed")
            )
        };
        let mut out = std::io::stdout().lock();
        let _ = writeln!(
            out,
            "{system} ({}), {what}: {}; {}; {} entered, {} redelivered, {} duplicates, {} lost, {} outages",
            self.live("version").as_str().unwrap_or("?"),
            figure("latency"),
            figure("latency_p99"),
            self.entered(),
            self.count("redeliveries"),
            self.count("duplicates"),
            self.outcome("lost"),
            self.live("outages"),
        );
    }
}

/// The scripts that start and stop servers.
pub mod server {
    use super::{Command, Duration, Path, Stdio};

    fn script(name: &str, words: &[&str]) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/brokers")
            .join(name);
        let output = Command::new(path)
            .args(words)
            .stderr(Stdio::inherit())
            .output();
        let output = output.expect("the script runs");
        assert!(output.status.success(), "{name} {words:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn up(system: &str) {
        script("up", &[system]);
    }

    pub fn freeze(system: &str) {
        script("down", &["--freeze", system]);
    }

    pub fn down_after(system: &str, seconds: f64) {
        std::thread::sleep(Duration::from_secs_f64(seconds));
        script("down", &[system]);
    }

    pub fn restart_after(system: &str, seconds: f64) {
        down_after(system, seconds);
        up(system);
    }

    /// What a server holds of clients before a test: others may have left something there.
    pub struct Before {
        system: String,
        there: Vec<String>,
    }

    impl Before {
        pub fn on(system: &str) -> Before {
            Before {
                system: system.to_owned(),
                there: left(system),
            }
        }

        /// It holds the same again: what the test made is gone, at the latest a moment later.
        pub fn again(self) {
            let until = std::time::Instant::now() + Duration::from_secs(20);
            loop {
                let now = left(&self.system);
                let new: Vec<&String> = now.iter().filter(|q| !self.there.contains(q)).collect();
                if new.is_empty() {
                    return;
                }
                assert!(std::time::Instant::now() < until, "left behind: {new:?}");
                std::thread::sleep(Duration::from_millis(500));
            }
        }
    }

    fn left(system: &str) -> Vec<String> {
        if system == "zeromq" {
            return Vec::new();
        }
        let names = script("list", &[system]);
        let ours = names.lines().filter(|line| line.contains("orderline."));
        ours.map(str::to_owned).collect()
    }
}
