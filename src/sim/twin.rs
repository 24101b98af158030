//! The simulated twin of a run in real time: the same orders, with the same arrivals, work, failures and
//! ways, in virtual time.
//!
//! [`script`] simulates the first replication and writes down what chance said to each order. [`replay`]
//! lets orders enter, work and fail as a script says, through whatever network: with the times that a
//! live run really kept, or with a broker that costs something. What the script does not say is drawn
//! from the streams that the simulation draws from. [`measured`] measures the live run itself, by its log.

use super::control::Control;
use super::engine::{LatencyParts, Moment, Observer, OrderRecord};
use super::fold::Fold;
use super::full::Recorded;
use super::logged::{Event, Logged, StaffLogged};
use super::means::{EngineKind, Means};
use super::outcome::{Outcome, SimError, SimResult};
use super::plan::Start;
use super::replication::{Replication, Silent, Span, play, replicate, replicate_scripted};
use super::script::{Attempt, Script, ScriptedOrder};
use crate::network::Network;

/// A run, simulated or live, order by order.
#[derive(Debug, Clone)]
pub struct Twin {
    /// What was measured of it, after its warm-up.
    pub result: SimResult,
    /// What became of each order, by number; none of one that never entered.
    pub orders: Vec<Option<TwinOrder>>,
    /// Seconds of each order's last stay at each stage, an order's stages side by side.
    stays: Vec<f64>,
    stages: usize,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwinOrder {
    /// When it entered, seconds.
    pub entered: f64,
    /// When it left, or when the run ended, seconds.
    pub left: f64,
    /// How it left.
    pub outcome: Outcome,
    /// Seconds spent waiting, over all visits whose service has begun.
    pub waiting: f64,
    /// Seconds of service, over the same visits.
    pub processing: f64,
    /// Where its time went.
    pub parts: LatencyParts,
}

impl Twin {
    /// What became of an order; none if there is none of this number, or it never entered.
    pub fn order(&self, number: u64) -> Option<&TwinOrder> {
        self.orders.get(number as usize)?.as_ref()
    }

    /// Seconds that an order stayed at a stage, the last time that it was there; none where it never was, or
    /// still is.
    pub fn stay(&self, order: u64, stage: usize) -> Option<f64> {
        let stays = self.stays.chunks(self.stages).nth(order as usize)?;
        stays.get(stage).copied().filter(|stay| stay.is_finite())
    }
}

/// Simulates the first replication by the engine that does everything, which gives the same orders as the
/// others, and writes down what chance says to each. Of copies that a stage makes nothing is written down.
///
/// # Errors
/// [`SimError::NoOrders`] where no order can come, [`SimError::NothingAfterWarmup`] where the run is shorter
/// than the warm-up, [`SimError::Stopped`] when `control` stopped it.
pub fn script(
    network: &Network,
    start: Start,
    control: &Control,
) -> Result<(Script, Twin), SimError> {
    if network.offered_rate() <= 0.0 {
        return Err(SimError::NoOrders);
    }
    let span = Span::of(network, start.warmup);
    let recorder = Recorder {
        twins: Twins::new(network, 0),
        ..Recorder::default()
    };
    let replication = replicate(network, &Means::EventsInFull, 0, span, control, recorder);
    let (replication, recorder) = replication.unwatched();
    let script = recorder.compile(replication.end);
    let twin = recorder
        .twins
        .with(network, EngineKind::Events, (start, span), replication)?;
    Ok((script, twin))
}

/// Simulates the orders of a script, in the order of their times, until the script's end.
///
/// The k-th attempt at an order takes from the order's k-th attempt in the script, if that is one at the
/// same stage, its lane, its work, whether it fails, how long until the next and where it goes then. All that the
/// script does not say is left to chance, as in the first replication. The whole script played
/// to the network that it is from gives every order the same times, to the last bit.
///
/// # Errors
/// [`SimError::SenselessScript`] where the script is not for such a network, [`SimError::NoOrders`] where it
/// has none, [`SimError::NothingAfterWarmup`] where it is shorter than the warm-up, [`SimError::Stopped`]
/// when `control` stopped it.
pub fn replay(
    network: &Network,
    script: &Script,
    start: Start,
    control: &Control,
) -> Result<Twin, SimError> {
    if script.orders.is_empty() {
        return Err(SimError::NoOrders);
    }
    script.check(network).map_err(SimError::SenselessScript)?;
    let player = Player::new(network, script);
    let replication = replicate_scripted(network, script, start.warmup, control, player);
    let (replication, player) = replication.unwatched();
    let span = Span::until(script.end, network, start.warmup);
    player
        .twins
        .with(network, EngineKind::Events, (start, span), replication)
}

/// Measures a run that was not simulated, by its log, with the same books as a simulation: all figures of the
/// result mean the same as those of a simulation do.
///
/// `log` tells what happened to each message, in the order of time; of what happens at the same instant, in the order
/// of causes. `staff` tells every change of a stage's consumers and broker, in the order of time; at
/// first there are the consumers that the network has. What happens after `end` (seconds) is not counted:
/// who is there then is in flight. But work under way at the end counts, as in a simulation, with the time that it takes,
/// which the rest of the log tells; and an order of which the rest says
/// nothing but that it is lost is lost.
///
/// # Errors
/// [`SimError::SenselessLog`] where the log contradicts itself or is of another network,
/// [`SimError::NothingAfterWarmup`] where the run is shorter than the warm-up, [`SimError::Stopped`] when
/// `control` stopped the measuring.
pub fn measured(
    network: &Network,
    log: impl Iterator<Item = Logged>,
    staff: &[StaffLogged],
    start: Start,
    end: f64,
    control: &Control,
) -> Result<Twin, SimError> {
    if !end.is_finite() {
        let wrong = format!("it ends after {end} s");
        return Err(SimError::SenselessLog(wrong));
    }
    let span = Span::until(end, network, start.warmup);
    let replication = play(network, Recorded::new(network, log, staff), span, control);
    let (replication, verdict) = replication.unwatched();
    if let Some(wrong) = verdict.nonsense {
        return Err(SimError::SenselessLog(wrong));
    }
    let twins = verdict.twins;
    twins.with(network, EngineKind::Live, (start, span), replication)
}

/// What became of the orders so far.
#[derive(Debug, Default)]
pub(super) struct Twins {
    orders: Vec<Option<TwinOrder>>,
    stays: Vec<f64>,
    /// Where each order is, or was last, and since when.
    at: Vec<(u32, f64)>,
    stages: usize,
}

impl Twins {
    pub(super) fn new(network: &Network, orders: usize) -> Twins {
        let stages = network.stages.len();
        Twins {
            orders: vec![None; orders],
            stays: vec![f64::NAN; orders * stages],
            at: vec![(0, f64::NAN); orders],
            stages,
        }
    }

    /// There are so many orders at least.
    pub(super) fn enlarge(&mut self, orders: usize) {
        if orders > self.orders.len() {
            self.orders.resize(orders, None);
            self.stays.resize(orders * self.stages, f64::NAN);
            self.at.resize(orders, (0, f64::NAN));
        }
    }

    fn happens(&mut self, order: u64, time: f64, what: Event) {
        match what {
            Event::Joins { stage, .. } => self.joined(order, stage, time),
            Event::Departs | Event::Discarded => self.left_stage(order, time),
            _ => {}
        }
    }

    pub(super) fn joined(&mut self, order: u64, stage: u32, now: f64) {
        self.at[order as usize] = (stage, now);
    }

    pub(super) fn left_stage(&mut self, order: u64, now: f64) {
        let (stage, since) = self.at[order as usize];
        self.stays[order as usize * self.stages + stage as usize] = now - since;
    }

    pub(super) fn left(&mut self, record: &OrderRecord) {
        self.orders[record.number as usize] = Some(TwinOrder {
            entered: record.entered,
            left: record.left,
            outcome: record.outcome,
            waiting: record.waiting,
            processing: record.processing,
            parts: record.parts.unwrap_or_default(),
        });
    }

    /// Together with what was measured.
    pub(super) fn with(
        self,
        network: &Network,
        engine: EngineKind,
        (start, span): (Start, Span),
        replication: Replication<Silent>,
    ) -> Result<Twin, SimError> {
        let stopped = replication.stopped;
        if stopped {
            return Err(SimError::Stopped);
        }
        let mut fold = Fold::beside_live(network, engine, start, span);
        fold.add(replication);
        let result = fold.finish(false)?;
        Ok(Twin {
            result,
            orders: self.orders,
            stays: self.stays,
            stages: self.stages,
        })
    }
}

/// Writes down what chance says.
#[derive(Debug, Default)]
struct Recorder {
    orders: Vec<ScriptedOrder>,
    /// The last attempt of each order.
    last: Vec<Option<usize>>,
    /// All attempts as they came, each with the one before of its order.
    attempts: Vec<(Attempt, Option<usize>)>,
    twins: Twins,
}

impl Recorder {
    fn attempt(&mut self, order: u64) -> Option<&mut Attempt> {
        let last = self.last[order as usize]?;
        Some(&mut self.attempts[last].0)
    }

    /// The script, with each order's attempts side by side.
    fn compile(&self, end: f64) -> Script {
        let mut script = Script::until(end);
        let mut attempts = Vec::new();
        for (order, last) in self.orders.iter().zip(&self.last) {
            attempts.clear();
            let mut at = *last;
            while let Some((attempt, before)) = at.map(|at| self.attempts[at]) {
                attempts.push(attempt);
                at = before;
            }
            attempts.reverse();
            script.push(*order, &attempts);
        }
        script
    }
}

impl Observer for Recorder {
    const FOLLOWS: bool = true;

    fn left(&mut self, record: &OrderRecord) {
        self.twins.left(record);
    }

    fn follow(&mut self, order: u64, moment: Moment<'_>) {
        match moment {
            Moment::Happens { time, what } => {
                if let Event::Enters {
                    producer,
                    class,
                    size,
                } = what
                {
                    let order = ScriptedOrder::new(time, producer, class, size);
                    self.orders.push(order);
                    self.last.push(None);
                    self.twins.enlarge(self.orders.len());
                }
                self.twins.happens(order, time, what);
            }
            Moment::Comes { .. } => {}
            Moment::Draws { stage, lane, work } => {
                let attempt = Attempt {
                    stage,
                    lane,
                    work: *work,
                    fails: None,
                    backoff: None,
                    next: None,
                };
                let before = self.last[order as usize].replace(self.attempts.len());
                self.attempts.push((attempt, before));
            }
            Moment::Fails { failed } => {
                if let Some(attempt) = self.attempt(order) {
                    attempt.fails = Some(*failed);
                }
            }
            Moment::Retries { after } => {
                if let Some(attempt) = self.attempt(order) {
                    attempt.backoff = Some(*after);
                }
            }
            Moment::Goes { to } => {
                if let Some(attempt) = self.attempt(order) {
                    attempt.next = Some(*to);
                }
            }
        }
    }
}

/// Says what the script says.
#[derive(Debug)]
struct Player<'s> {
    script: &'s Script,
    /// Attempts of each order so far.
    begun: Vec<u32>,
    /// Whether the present attempt of each order is at the stage that the script says.
    as_scripted: Vec<bool>,
    twins: Twins,
}

impl<'s> Player<'s> {
    fn new(network: &Network, script: &'s Script) -> Player<'s> {
        let orders = script.orders.len();
        Player {
            script,
            begun: vec![0; orders],
            as_scripted: vec![false; orders],
            twins: Twins::new(network, orders),
        }
    }

    /// The attempt at an order that comes next, if the script has it at that stage.
    fn next(&self, order: u64, stage: u32) -> Option<&'s Attempt> {
        let attempts = self.script.attempts(order);
        let next = attempts.get(self.begun[order as usize] as usize)?;
        (next.stage == stage).then_some(next)
    }

    /// The attempt that is under way.
    fn present(&self, order: u64) -> Option<&'s Attempt> {
        let present = self.begun[order as usize].checked_sub(1)?;
        let present = self.script.attempts(order).get(present as usize)?;
        self.as_scripted[order as usize].then_some(present)
    }
}

impl Observer for Player<'_> {
    const FOLLOWS: bool = true;

    fn left(&mut self, record: &OrderRecord) {
        self.twins.left(record);
    }

    fn follow(&mut self, order: u64, moment: Moment<'_>) {
        match moment {
            Moment::Happens { time, what } => self.twins.happens(order, time, what),
            Moment::Comes { stage, lane } => {
                *lane = self.next(order, stage).map_or(*lane, |next| next.lane);
            }
            Moment::Draws { stage, work, .. } => {
                let next = self.next(order, stage);
                *work = next.map_or(*work, |next| next.work);
                self.as_scripted[order as usize] = next.is_some();
                self.begun[order as usize] += 1;
            }
            Moment::Fails { failed } => {
                let said = self.present(order).and_then(|attempt| attempt.fails);
                *failed = said.unwrap_or(*failed);
            }
            Moment::Retries { after } => {
                let said = self.present(order).and_then(|attempt| attempt.backoff);
                *after = said.unwrap_or(*after);
            }
            Moment::Goes { to } => {
                let said = self.present(order).and_then(|attempt| attempt.next);
                *to = said.unwrap_or(*to);
            }
        }
    }
}
