//! `orderline live`: the same scenario in real time, through a real broker, beside its simulated twins.

use super::args::{Asked, ScenarioFlags, ShowFlags, cores, load};
use super::exit::{Exit, Failure};
use super::live_calibrate::{calibrate, can_be_written};
use super::live_orders::write_orders;
use super::live_watch::{Watched, watch};
use super::passwords::command_line;
use super::progress::{finished, watched};
use super::run::{checks, print, print_json};
use crate::live::brokers::{Address, AddressError};
use crate::live::{
    Ended, LiveError, LiveRun, Request, address_of, as_it_was, feature, name_of, possible,
};
use crate::network::{Horizon, Network, System};
use crate::report::{Document, LiveInput, LiveReport, Staged, format, live_summary, write_live};
use crate::scenario::units::{self, Dimension};
use crate::sim::{
    Control, OneRun, Script, SimError, Start, Twin, live_warmup, measured, one_run, replay, script,
};
use crate::theory;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Run a scenario in real time through a real broker, beside its simulated twin and its formulas
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orderline live shop.toml --duration 60s
  orderline live shop.toml --broker rabbitmq --url amqp://guest:guest@127.0.0.1:5672
  orderline live shop.toml --broker kafka --time-scale 10
  orderline live shop.toml --broker rabbitmq --calibrate shop-on-rabbitmq.toml

The address of a broker may also be given by ORDERLINE_RABBITMQ_URL, ORDERLINE_KAFKA_URL,
ORDERLINE_ACTIVEMQ_URL or ORDERLINE_ROCKETMQ_URL, which keeps passwords out of the command line.")]
pub(super) struct LiveArgs {
    /// The scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The broker system [default: the one that the scenario's stages name, else memory]
    #[arg(long, value_name = "SYSTEM", value_enum)]
    broker: Option<SystemName>,
    /// Where the broker is, such as amqp://user:password@host:5672/vhost
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Make all times of the scenario this many times longer (or, below 1, shorter)
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    time_scale: f64,
    /// Write a copy of the scenario with the broker's costs as measured (a file of its own)
    #[arg(long, value_name = "FILE")]
    calibrate: Option<PathBuf>,
    /// How long to wait for an answer of the broker
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    timeout: Duration,
    /// How long to try to connect again when the broker is lost
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    give_up_after: Duration,
    /// How long to wait after the end for orders that are under way
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    drain: Duration,
    #[command(flatten)]
    scenario: ScenarioFlags,
    /// The output folder [default: output/NAME-SYSTEM]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    show: ShowFlags,
    /// Also write orders.csv: every order beside its twins
    #[arg(long)]
    orders: bool,
    /// Fail (exit code 1) if a figure differs from an exact formula
    #[arg(long)]
    strict: bool,
}

/// A system, as the command line calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SystemName {
    /// Inside this process: needs nothing
    Memory,
    /// RabbitMQ, by AMQP 0-9-1
    Rabbitmq,
    /// Apache Kafka
    Kafka,
    /// Apache ActiveMQ Classic, by AMQP 1.0
    Activemq,
    /// Apache RocketMQ
    Rocketmq,
    /// ZeroMQ sockets, without any broker
    Zeromq,
}

impl From<SystemName> for System {
    fn from(name: SystemName) -> System {
        match name {
            SystemName::Memory => System::Memory,
            SystemName::Rabbitmq => System::RabbitMq,
            SystemName::Kafka => System::Kafka,
            SystemName::Activemq => System::ActiveMq,
            SystemName::Rocketmq => System::RocketMq,
            SystemName::Zeromq => System::ZeroMq,
        }
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.001..=1000.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 0.001 to 1000, such as 10".to_owned()),
    }
}

/// A positive time of a day at most.
fn time(text: &str) -> Result<Duration, String> {
    let accepts = || {
        format!(
            "it takes {}; above 0 and at most a day",
            Dimension::Time.accepts()
        )
    };
    let seconds = units::parse(text, Dimension::Time).map_err(|p| format!("{p}; {}", accepts()))?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(accepts())
    }
}

pub(super) fn run(args: &LiveArgs) -> Result<Exit, Failure> {
    if args.scenario.replications.is_some() {
        let message =
            "--replications: a live run is one run; how far single runs lie apart is simulated";
        return Err(Failure::Usage(message.to_owned()));
    }
    let asked = load(&args.file, &args.scenario)?;
    let system = system(args, &asked.network)?;
    let address = address(args, system)?;
    possible(system, &asked.network)?;
    let out = args.out.clone().unwrap_or_else(|| {
        let folder = format!("{}-{}", asked.network.name, feature(system));
        Path::new("output").join(folder)
    });
    if let Some(path) = &args.calibrate {
        can_be_written(path, &args.file, &out)?;
    }
    // Files are made first: a disk that refuses should not cost the whole run.
    let staged = Staged::create(&out)?;
    let prepared = prepared(&asked.network, args.show.quiet)?;
    let request = Request {
        network: Arc::new(asked.network.clone()),
        script: Arc::clone(&prepared.script),
        end: asked.network.expected_duration(),
        scale: args.time_scale,
        address,
        patience: args.timeout,
        give_up_after: args.give_up_after,
        drain: args.drain,
    };
    let run = watch(system, request, args.show.quiet)?;
    let Watched { run, stopped } = run;
    let report = judged(args, asked, prepared, run, &staged)?;
    let ended = finish(args, &report, staged, &out, stopped)?;
    let path = args.calibrate.as_ref();
    let Some(Err(failure)) = path.map(|path| calibrate(&report, path, &args.show)) else {
        return Ok(ended);
    };
    // That it was interrupted, or lost its broker, says more than that it was too short.
    failure.report();
    Ok(ended.max(failure.exit()))
}

/// What is simulated before a live run.
struct Prepared {
    script: Arc<Script>,
    twin: Twin,
    start: Start,
    single: OneRun,
}

fn prepared(network: &Network, quiet: bool) -> Result<Prepared, Failure> {
    let job = |network: &Network, control: &Control| {
        let start = live_warmup(network, control);
        let (script, twin) = script(network, start, control)?;
        let single = one_run(network, start, single_runs(network), cores(), control)?;
        if control.stopped() {
            return Err(SimError::Stopped);
        }
        Ok(Prepared {
            script: Arc::new(script),
            twin,
            start,
            single,
        })
    };
    let prepared = watched(network, quiet, job)?.map_err(Failure::Sim)?;
    if prepared.script.orders.is_empty() {
        let run = format::duration(network.expected_duration());
        let seed = network.seed;
        let text = format!(
            "no order comes within {run} (seed {seed}); make the run longer, as by `--duration`"
        );
        return Err(Failure::Usage(text));
    }
    Ok(prepared)
}

/// So many single runs that they take some seconds: fewer of a long run, whose figures are known better, but
/// enough for intervals of 95 %.
fn single_runs(network: &Network) -> u64 {
    const ORDERS: f64 = 2e7;
    const FEWEST: u64 = 40;
    let runs = (ORDERS / network.expected_orders()) as u64;
    runs.clamp(FEWEST, OneRun::RUNS)
}

/// The system asked for, or the one that the stages name.
fn system(args: &LiveArgs, network: &Network) -> Result<System, Failure> {
    if let Some(name) = args.broker {
        return Ok(name.into());
    }
    let named = network
        .stages
        .iter()
        .map(|stage| stage.extras.broker.system);
    let mut named: Vec<System> = named.filter(|system| *system != System::Memory).collect();
    named.dedup();
    match named.as_slice() {
        [] => Ok(System::Memory),
        [one] => Ok(*one),
        several => {
            let names: Vec<&str> = several.iter().map(|system| name_of(*system)).collect();
            Err(Failure::Usage(format!(
                "the stages name several broker systems ({}), and a live run goes through one: say \
                 which by --broker, or run them all in process by --broker memory",
                names.join(", ")
            )))
        }
    }
}

/// Where the broker is: by flag, else by environment, else the system's default.
fn address(args: &LiveArgs, system: System) -> Result<Option<Address>, Failure> {
    let variable = format!("ORDERLINE_{}_URL", feature(system).to_uppercase());
    let (text, source) = match (&args.url, std::env::var(&variable)) {
        (Some(url), _) => (url.clone(), "--url".to_owned()),
        (None, Ok(url)) if !url.is_empty() => (url, variable),
        (None, _) => return Ok(None),
    };
    if matches!(system, System::Memory | System::ZeroMq) {
        return match &args.url {
            None => Ok(None),
            Some(_) => Err(Failure::Usage(format!(
                "--url: {} has no address; leave it out, or name another system by --broker",
                name_of(system)
            ))),
        };
    }
    let like = address_of(system).unwrap_or_default();
    let wrong = |error: &dyn std::fmt::Display| {
        let name = name_of(system);
        Failure::Usage(format!(
            "{source}: {error}; {name} has an address like {like}"
        ))
    };
    let address: Address = text.parse().map_err(|error: AddressError| wrong(&error))?;
    let scheme = like.split_once("://").map_or("", |(scheme, _)| scheme);
    if address.scheme != scheme {
        let found = &address.scheme;
        return Err(wrong(&format!(
            "the only scheme is {scheme}, without encryption, and this is {found}"
        )));
    }
    Ok(Some(address))
}

/// Measures what was run, and puts it beside its twins.
fn judged(
    args: &LiveArgs,
    asked: Asked,
    prepared: Prepared,
    mut run: LiveRun,
    staged: &Staged,
) -> Result<LiveReport, Failure> {
    let mut network = asked.network;
    let cut_short = run.ended != Ended::Whole;
    if cut_short {
        network.run.horizon = Horizon::Duration(run.end.max(f64::MIN_POSITIVE));
    }
    let log = std::mem::take(&mut run.log);
    let (end, start) = (run.end, prepared.start);
    let was = as_it_was(&prepared.script, &log, end);
    let played = Arc::clone(&prepared.script);
    let staff = run.staff.clone();
    let job = move |network: &Network, control: &Control| {
        let live = measured(network, log.into_iter(), &staff, start, end, control)?;
        let replayed = replay(network, &was, start, control)?;
        // A run that was cut short is compared with as much of its twin, and with runs as short.
        let again = if cut_short {
            let single = one_run(network, start, single_runs(network), cores(), control)?;
            let twin = replay(network, &played.cut(end), start, control)?;
            Some((twin, single))
        } else {
            None
        };
        Ok((live, replayed, again))
    };
    let (live, replayed, again) = match finished(&network, args.show.quiet, job)? {
        Err(SimError::NothingAfterWarmup { .. } | SimError::NoOrders) if cut_short => {
            return Err(nothing_measured(run));
        }
        measured => measured.map_err(Failure::Sim)?,
    };
    if cut_short && live.result.saw_nothing() {
        return Err(nothing_measured(run));
    }
    let (twin, single) = again.unwrap_or((prepared.twin, prepared.single));
    if args.orders {
        let runs = [&live, &twin, &replayed];
        write_orders(&network, &prepared.script, runs, staged)?;
    }
    Ok(LiveReport::new(LiveInput {
        theory: theory::analyze(&network),
        network,
        scenario: asked.record,
        live,
        twin,
        replayed,
        single,
        run,
        noticed: asked.noticed,
    }))
}

/// The failure of a run that ended before there was anything to measure.
fn nothing_measured(run: LiveRun) -> Failure {
    let mut failures = vec![Failure::Live(LiveError::NothingMeasured(run.ended))];
    failures.extend(run.left_behind.map(|error| Failure::Live(error.into())));
    Failure::Several(failures)
}

fn finish(
    args: &LiveArgs,
    report: &LiveReport,
    staged: Staged,
    out: &Path,
    stopped: bool,
) -> Result<Exit, Failure> {
    // Shown first: a disk that is full by now should not cost all that was measured. Nor should a reader who has
    // gone cost the files.
    let shown = show(args, report);
    let files = write_live(report, staged, &command_line(), cores())?;
    shown?;
    if !args.show.json && !args.show.quiet {
        print(&format!(
            "\nwrote {}/ ({} charts, report.html)\n",
            out.display(),
            files.charts
        ))?;
    }
    Ok(exit(args, report, stopped))
}

fn show(args: &LiveArgs, report: &LiveReport) -> Result<(), Failure> {
    if args.show.json {
        return print_json(&[Document::of_live(report)]);
    }
    match args.show.quiet {
        true => Ok(()),
        false => print(&live_summary(report, args.show.detail())),
    }
}

fn exit(args: &LiveArgs, report: &LiveReport, stopped: bool) -> Exit {
    match &report.run.ended {
        Ended::BrokerLost(error) => {
            eprintln!("orderline: {error}; what was measured until then is kept");
            return Exit::Outside;
        }
        Ended::Stopped => return Exit::Interrupted,
        Ended::Whole if stopped => return Exit::Interrupted,
        Ended::Whole => {}
    }
    if let Some(error) = &report.run.left_behind {
        eprintln!("orderline: {error}");
        return Exit::Outside;
    }
    checks(args.strict, &report.report)
}

/// Every system of the command line has a client, in this build or in another.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::SYSTEMS;
    use clap::ValueEnum;

    #[test]
    fn every_system_can_be_named() {
        let named: Vec<System> = SystemName::value_variants()
            .iter()
            .map(|n| (*n).into())
            .collect();
        assert_eq!(named, SYSTEMS);
        for name in SystemName::value_variants() {
            let word = name.to_possible_value().expect("a word");
            assert_eq!(word.get_name(), feature((*name).into()));
        }
    }

    #[test]
    fn times_and_factors_are_bounded() {
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert!(time("0").is_err() && time("2 days").is_err() && time("x").is_err());
        assert_eq!(factor("10"), Ok(10.0));
        assert!(factor("0").is_err() && factor("NaN").is_err() && factor("1e9").is_err());
    }
}
