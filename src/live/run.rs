//! The course of a live run: connect, see how fast the machine and the broker are, send and work until the
//! end, wait for what is still under way, and leave nothing behind.

use super::brokers::{Address, Broker, BrokerError, Discarded, Discards, Target};
use super::chance::Due;
use super::clock::{Clock, Sleeper};
use super::control::{LiveControl, Progress};
use super::gauges::{Delay, Gauges};
use super::journal::Journal;
use super::keeper::{Kept, keep};
use super::ledger::{Census, Ledger};
use super::member::Member;
use super::message::{Label, RunId};
use super::outcome::{DelaysOfStage, DepthPoint, Ended, LiveError, LiveRun};
use super::outlet::{Outlet, Parcel};
use super::patience::Patience;
use super::plan::{StagePlan, plan};
use super::probe::{Fitness, Probes, probe};
use super::room::open_files;
use super::source::produce;
use super::staff::{Outages, StaffLog};
use super::systems::address_of;
use crate::network::Network;
use crate::random::{Stream, Uniforms};
use crate::sim::Script;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Between two looks at how far the run is.
const TICK: Duration = Duration::from_millis(100);
/// Between two looks at the queues.
const DEPTH_EVERY: Duration = Duration::from_secs(1);
/// From the end of the preparations to the start of the clock.
const RUN_UP: Duration = Duration::from_millis(200);
/// After so long without anything happening, and what a broker may keep out of sight, orders that no broker
/// has any more are given up.
const STALL: Duration = Duration::from_secs(3);
/// How long a run that was stopped waits for what is under way.
const STOPPED_DRAIN: Duration = Duration::from_secs(2);
/// How long tasks are given to say goodbye, beyond the broker's answer.
const GOODBYE: Duration = Duration::from_secs(2);

/// What is to be run live, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The scenario.
    pub network: Arc<Network>,
    /// What chance says to its orders.
    pub script: Arc<Script>,
    /// When producers stop, scenario seconds.
    pub end: f64,
    /// Real seconds for each scenario second.
    pub scale: f64,
    /// Where the broker is; none for the default of its system.
    pub address: Option<Address>,
    /// How long to wait for an answer of the broker.
    pub patience: Duration,
    /// How long to try to connect again when the broker is lost.
    pub give_up_after: Duration,
    /// How long to wait after the end for orders that are under way.
    pub drain: Duration,
}

/// What all tasks of a run share.
pub(super) struct Shared<B: Broker> {
    pub broker: B,
    /// Where the broker is; none of what has no address.
    pub address: Option<String>,
    pub run: RunId,
    pub network: Arc<Network>,
    pub script: Arc<Script>,
    pub stages: Vec<StagePlan>,
    pub due: Due,
    pub clock: Clock,
    pub end: f64,
    pub ledger: Arc<Ledger>,
    pub gauges: Gauges,
    pub probes: Probes,
    /// Consumers that there are to be, by stage.
    pub staff: Vec<watch::Sender<u32>>,
    pub staff_log: StaffLog,
    /// Whether producers are to stop, and then the consumers.
    pub stop: watch::Sender<bool>,
    pub stop_members: watch::Sender<bool>,
    pub give_up_after: Duration,
    /// How long to wait for an answer of the broker.
    pub patience_of_broker: Duration,
    depths: Mutex<Vec<DepthPoint>>,
    keeper: mpsc::UnboundedSender<Kept>,
    sent: AtomicU64,
    bits: Mutex<Uniforms>,
}

impl<B: Broker> Shared<B> {
    /// The number of the next message.
    pub(super) fn next_number(&self) -> u64 {
        self.sent.fetch_add(1, Ordering::Relaxed)
    }

    /// Where the broker is, or what it is if it is nowhere else.
    pub(super) fn place(&self) -> String {
        let address = self.address.clone();
        address.unwrap_or_else(|| self.broker.version())
    }

    /// Bits by chance.
    pub(super) fn random_bits(&self) -> u64 {
        let mut bits = self.bits.lock().unwrap_or_else(PoisonError::into_inner);
        bits.next().to_bits()
    }

    fn depths(&self) -> MutexGuard<'_, Vec<DepthPoint>> {
        self.depths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection is lost: how to go on.
    pub(super) fn patience(self: &Arc<Self>, lost: BrokerError) -> Patience<B> {
        Patience::new(Arc::clone(self), lost)
    }

    /// Keeps an attempt until it is due, and sends it then.
    pub(super) fn keep(&self, parcel: Parcel) {
        // The keeper ends after all who could ask it.
        let due = Instant::now() + parcel.delay.unwrap_or_default();
        let _ = self.keeper.send(Kept { due, parcel });
    }
}

/// Runs a scenario through a broker. On Linux it first raises the number of files that the process may have
/// open as far as that goes: each consumer has a timer, and most have a connection.
///
/// # Errors
/// When the scenario asks for what the broker cannot do, the broker cannot be reached or refuses before
/// the run has begun, or the system has no timer or temporary file to give. A broker that is lost in
/// mid-run is no error here: what was measured is kept, and [`LiveRun::ended`] says it.
pub async fn run<B: Broker>(
    request: Request,
    control: Arc<LiveControl>,
) -> Result<LiveRun, LiveError> {
    let (shared, kept) = open::<B>(&request).await?;
    let mut tasks = JoinSet::new();
    let prepared = tokio::select! {
        prepared = prepare(&shared, kept, &mut tasks) => prepared,
        () = asked_to_stop(&control) => Err(LiveError::Stopped),
    };
    let mut course = match prepared {
        Ok(fitness) => Course::new(fitness, shared.stages.len()),
        Err(error) => {
            finish_tasks(&shared, &mut tasks).await;
            // The first error is the one to tell.
            let _ = remove(shared).await;
            return Err(error);
        }
    };
    let queues = tokio::spawn(look_at_queues(Arc::clone(&shared)));
    watch(&shared, &request, &control, &mut tasks, &mut course).await;
    course.outages = shared.staff_log.outages();
    queues.abort();
    let _ = queues.await;
    finish_tasks(&shared, &mut tasks).await;
    hand_over(shared, course).await
}

/// Connects, and makes the queues.
async fn open<B: Broker>(
    request: &Request,
) -> Result<(Arc<Shared<B>>, mpsc::UnboundedReceiver<Kept>), LiveError> {
    let stages = plan(&request.network, B::SYSTEM, &B::ABILITIES, request.scale)
        .map_err(LiveError::Refused)?;
    open_files();
    let run = RunId::new();
    let clock = Clock::new(request.scale);
    let orders = request.script.orders.len();
    let lingers = stages.iter().map(|stage| stage.queue.linger);
    let ledger = Ledger::new(orders, lingers, clock.clone(), Journal::new()?);
    let ledger = Arc::new(ledger);
    let target = Target {
        address: request.address.clone(),
        run: run.to_string(),
        queues: stages.iter().map(|stage| stage.queue.clone()).collect(),
        patience: request.patience,
        discarded: discards(Arc::clone(&ledger), run),
    };
    let broker = B::open(target).await?;
    let (keeper, kept) = mpsc::unbounded_channel();
    let address = request.address.as_ref().map(ToString::to_string);
    let stream = Stream::new(request.network.seed, 0, "live.discipline");
    let staff = stages
        .iter()
        .map(|stage| watch::Sender::new(stage.staff[0].1));
    let shared = Shared {
        address: address.or_else(|| address_of(B::SYSTEM).map(str::to_owned)),
        run,
        due: Due::new(&request.network),
        clock,
        end: request.end,
        ledger,
        gauges: Gauges::new(stages.len()),
        probes: Probes::default(),
        staff: staff.collect(),
        staff_log: StaffLog::new(stages.len()),
        stop: watch::Sender::new(false),
        stop_members: watch::Sender::new(false),
        give_up_after: request.give_up_after,
        patience_of_broker: request.patience,
        depths: Mutex::default(),
        keeper,
        sent: AtomicU64::new(0),
        bits: Mutex::new(Uniforms::new(stream)),
        broker,
        network: Arc::clone(&request.network),
        script: Arc::clone(&request.script),
        stages,
    };
    Ok((Arc::new(shared), kept))
}

fn discards(ledger: Arc<Ledger>, run: RunId) -> Discards {
    Discards::new(move |body: &[u8], why: Discarded| {
        if let Some(label) = Label::decode(body, run) {
            ledger.discarded(label, why, Instant::now());
        }
    })
}

/// A task of a run.
enum Task {
    /// A producer: the run waits for all of them.
    Source,
    /// Anything else: it ends when told to.
    Server,
}

type Tasks = JoinSet<(Task, Result<(), BrokerError>)>;

/// Lets consumers work, tries them, and starts the clock and the producers.
async fn prepare<B: Broker>(
    shared: &Arc<Shared<B>>,
    kept: mpsc::UnboundedReceiver<Kept>,
    tasks: &mut Tasks,
) -> Result<Fitness, LiveError> {
    // At once: systems that tell their members of each other make each wait for the next.
    let mut opening = JoinSet::new();
    for (stage, plan) in shared.stages.iter().enumerate() {
        for index in 0..plan.members {
            let (stage, sleeper) = (stage as u32, Sleeper::new()?);
            opening.spawn(Member::open(Arc::clone(shared), stage, index, sleeper));
        }
    }
    while let Some(opened) = opening.join_next().await {
        let member = opened.map_err(|error| LiveError::Defect(error.to_string()))??;
        tasks.spawn(async move { (Task::Server, member.run().await) });
    }
    let keeper = keep(
        Arc::clone(shared),
        kept,
        Outlet::open(Arc::clone(shared)).await?,
        Sleeper::new()?,
        shared.stop_members.subscribe(),
    );
    tasks.spawn(async move { (Task::Server, keeper.await) });
    let mut sources = Vec::new();
    for producer in 0..shared.network.producers.len() {
        let outlet = Outlet::open(Arc::clone(shared)).await?;
        let (shared, sleeper) = (Arc::clone(shared), Sleeper::new()?);
        sources.push(produce(shared, producer, outlet, sleeper));
    }
    let mut outlet = Outlet::open(Arc::clone(shared)).await?;
    let fitness = probe(shared, &mut outlet, &mut Sleeper::new()?).await?;
    outlet.close().await;
    for stage in 0..shared.stages.len() {
        // What the probes took is no part of the run.
        for kind in Delay::ALL {
            shared.gauges.take(kind, stage);
        }
    }
    shared.clock.start(Instant::now() + RUN_UP);
    for (stage, staff) in shared.staff.iter().enumerate() {
        shared.staff_log.employs(0.0, stage as u32, *staff.borrow());
        // Everybody looks at the clock.
        staff.send_modify(|_| ());
    }
    for source in sources {
        tasks.spawn(async move { (Task::Source, source.await) });
    }
    Ok(fitness)
}

/// What a run has come to so far.
struct Course {
    fitness: Fitness,
    /// When it was stopped, scenario seconds.
    stopped: Option<f64>,
    lost: Option<BrokerError>,
    defect: Option<String>,
    missing: u64,
    /// Until it was over, without the farewell.
    outages: Outages,
    /// By stage, how many of the planned changes of staff have been made.
    employed: Vec<usize>,
    /// What happened last, and since when nothing has.
    moves: (u64, Instant),
}

impl Course {
    fn new(fitness: Fitness, stages: usize) -> Course {
        Course {
            fitness,
            stopped: None,
            lost: None,
            defect: None,
            missing: 0,
            outages: Outages::default(),
            employed: vec![1; stages],
            moves: (0, Instant::now()),
        }
    }
}

/// Lets the run take its course to its end, and what is under way to its own.
async fn watch<B: Broker>(
    shared: &Arc<Shared<B>>,
    request: &Request,
    control: &LiveControl,
    tasks: &mut Tasks,
    course: &mut Course,
) {
    let mut sources = shared.network.producers.len();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let change = next_change(shared, course);
        tokio::select! {
            Some(ended) = tasks.join_next() => match ended {
                Ok((Task::Source, Ok(()))) => sources -= 1,
                Ok((Task::Server, Ok(()))) => {}
                Ok((_, Err(error))) => {
                    course.lost = Some(error);
                    return;
                }
                Err(error) => {
                    course.defect = Some(error.to_string());
                    return;
                }
            },
            () = tokio::time::sleep_until(change.into()) => employ(shared, course),
            _ = ticks.tick() => look(shared, control, course),
        }
        let sent = sources == 0 && Instant::now() >= shared.clock.instant(shared.end);
        // Who waits for a broker that is gone does not hold up who wants to stop.
        let stopped = course.stopped.is_some();
        if (sent || stopped) && is_drained(shared, request, course).await {
            return;
        }
    }
}

/// Tells how far the run is, and hears whether it is to stop.
fn look<B: Broker>(shared: &Shared<B>, control: &LiveControl, course: &mut Course) {
    let now = shared.clock.seconds(Instant::now());
    let Census {
        entered,
        gone,
        moves,
    } = shared.ledger.census();
    control.tell(Progress {
        is_running: true,
        time: now.max(0.0),
        entered,
        gone,
        lateness: shared.gauges.recent(Delay::Lateness),
    });
    // While the broker is away nothing can happen; what it hides begins to come back when it does.
    if moves != course.moves.0 || shared.staff_log.is_down() {
        course.moves = (moves, Instant::now());
    }
    if control.stopped() && course.stopped.is_none() {
        course.stopped = Some(now.clamp(0.0, shared.end));
        shared.stop.send_replace(true);
    }
}

/// When the number of consumers changes next.
fn next_change<B: Broker>(shared: &Shared<B>, course: &Course) -> Instant {
    let stages = shared.stages.iter().zip(&course.employed);
    let changes = stages.filter_map(|(stage, done)| stage.staff.get(*done));
    let next = changes.map(|(time, _)| *time).fold(f64::INFINITY, f64::min);
    shared.clock.instant(next)
}

/// Makes the changes of staff that are due.
fn employ<B: Broker>(shared: &Shared<B>, course: &mut Course) {
    let now = Instant::now();
    for (stage, (plan, done)) in shared.stages.iter().zip(&mut course.employed).enumerate() {
        while let Some((time, consumers)) = plan.staff.get(*done)
            && shared.clock.instant(*time) <= now
        {
            *done += 1;
            shared.staff[stage].send_replace(*consumers);
            shared.staff_log.employs(*time, stage as u32, *consumers);
        }
    }
}

/// Whether nothing is under way any more, or nothing that is worth waiting for.
async fn is_drained<B: Broker>(shared: &Shared<B>, request: &Request, course: &mut Course) -> bool {
    let Census { entered, gone, .. } = shared.ledger.census();
    if entered == gone {
        return true;
    }
    let ended = course.stopped.unwrap_or(shared.end);
    let patience = match course.stopped {
        Some(_) => request.drain.min(STOPPED_DRAIN),
        None => request.drain,
    };
    if Instant::now() > shared.clock.instant(ended) + patience {
        return true;
    }
    if course.moves.1.elapsed() > STALL + out_of_sight(shared)
        && !shared.ledger.somebody_works()
        && nothing_waits(shared).await
    {
        course.missing += shared
            .ledger
            .give_up_on_missing(shared.clock.instant(ended));
    }
    false
}

/// How long the broker may keep a message where nobody sees it.
fn out_of_sight<B: Broker>(shared: &Shared<B>) -> Duration {
    let stages = 0..shared.stages.len();
    let longest = stages.map(|stage| shared.broker.out_of_sight(stage)).max();
    longest.unwrap_or_default()
}

/// Whether the broker has no message of the run any more, as far as it tells.
async fn nothing_waits<B: Broker>(shared: &Shared<B>) -> bool {
    for stage in 0..shared.stages.len() {
        let depth = tokio::time::timeout(shared.patience_of_broker, shared.broker.depth(stage));
        match depth.await {
            Ok(Ok(None | Some(0))) => {}
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => return false,
        }
    }
    true
}

/// Ends when somebody has asked the run to stop.
async fn asked_to_stop(control: &LiveControl) {
    while !control.stopped() {
        tokio::time::sleep(TICK).await;
    }
}

/// Ends when the run, or its sending, is to stop.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that the run is gone, which is as good.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Looks at the queues from time to time.
async fn look_at_queues<B: Broker>(shared: Arc<Shared<B>>) {
    let mut ticks = tokio::time::interval(DEPTH_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let time = shared.clock.seconds(Instant::now());
        let waiting = shared.ledger.waiting();
        for (stage, sent) in waiting.into_iter().enumerate() {
            let depth = tokio::time::timeout(DEPTH_EVERY, shared.broker.depth(stage)).await;
            let point = DepthPoint {
                time,
                stage: stage as u32,
                broker: depth.ok().and_then(Result::ok).flatten(),
                sent,
            };
            if time >= 0.0 && time <= shared.end {
                shared.depths().push(point);
            }
        }
    }
}

/// Tells all tasks to end, and waits until they have.
async fn finish_tasks<B: Broker>(shared: &Shared<B>, tasks: &mut Tasks) {
    shared.stop.send_replace(true);
    shared.stop_members.send_replace(true);
    let until = tokio::time::Instant::now() + shared.patience_of_broker + GOODBYE;
    loop {
        match tokio::time::timeout_at(until, tasks.join_next()).await {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(_) => {
                // Whoever still waits for a broker that does not answer.
                tasks.shutdown().await;
                return;
            }
        }
    }
}

/// Takes everything away from the broker.
async fn remove<B: Broker>(shared: Arc<Shared<B>>) -> Result<(), BrokerError> {
    let patience = shared.patience_of_broker;
    let address = shared.place();
    let too_long = || BrokerError::Unreachable {
        address: address.clone(),
        why: format!("no answer within {patience:?} to taking the queues of the run away"),
    };
    let until = Instant::now() + patience;
    let mut shared = shared;
    // The last confirmations may still be told by threads of the client.
    let shared = loop {
        match Arc::try_unwrap(shared) {
            Ok(shared) => break shared,
            Err(_) if Instant::now() > until => return Err(too_long()),
            Err(again) => shared = again,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let removed = tokio::time::timeout(patience, shared.broker.remove()).await;
    removed.unwrap_or_else(|_| Err(too_long()))
}

/// Puts together what was seen, and takes everything away from the broker.
async fn hand_over<B: Broker>(
    shared: Arc<Shared<B>>,
    course: Course,
) -> Result<LiveRun, LiveError> {
    if let Some(defect) = course.defect {
        let _ = remove(shared).await;
        return Err(LiveError::Defect(defect));
    }
    let mut dead_letters = Vec::new();
    let mut delays = Vec::new();
    for (stage, plan) in shared.stages.iter().enumerate() {
        let asked = plan.queue.dead_letters && course.lost.is_none();
        let letters = shared.broker.dead_letters(stage);
        let letters = if asked {
            tokio::time::timeout(shared.patience_of_broker, letters).await
        } else {
            Ok(Ok(None))
        };
        dead_letters.push(letters.ok().and_then(Result::ok).flatten());
        let of_stage = Delay::ALL.map(|kind| shared.gauges.take(kind, stage));
        delays.push(DelaysOfStage(of_stage.into()));
    }
    let Census { entered, gone, .. } = shared.ledger.census();
    let ended = match (course.lost, course.stopped) {
        (Some(error), _) => Ended::BrokerLost(error),
        (None, Some(_)) => Ended::Stopped,
        (None, None) => Ended::Whole,
    };
    let now = shared.clock.seconds(Instant::now());
    let whole = ended == Ended::Whole;
    let mut run = LiveRun {
        system: B::SYSTEM,
        version: shared.broker.version(),
        address: shared.address.clone(),
        scale: shared.clock.scale(),
        end: course.stopped.unwrap_or(if whole {
            shared.end
        } else {
            now.min(shared.end)
        }),
        log: Vec::new(),
        staff: shared.staff_log.take(),
        fitness: course.fitness,
        delays,
        depths: std::mem::take(&mut *shared.depths()),
        dead_letters,
        missing: course.missing,
        left: entered - gone,
        outages: course.outages,
        ended,
        left_behind: None,
    };
    let ledger = Arc::clone(&shared.ledger);
    run.left_behind = remove(shared).await.err();
    let log = tokio::task::spawn_blocking(move || ledger.finish()).await;
    run.log = log.map_err(|error| LiveError::Defect(error.to_string()))??;
    Ok(run)
}
