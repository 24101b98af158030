//! A second simulator, written for being read: one calendar, one function an event, everything looked up
//! anew each time. It shares with the library only the draws (laws, arrival processes).
//!
//! Conventions are those of `src/network.rs` and `tests/truth/README.md`. Where they leave a choice:
//! - at one instant, what goes on inside comes before what comes from outside;
//! - an order that interrupts still needs a place: one that finds the queue full is refused;
//! - of several orders of the worst priority in service, the one that came last is interrupted;
//! - an interrupted or redelivered order takes its old place in the order of arrival, even in a full queue;
//! - patience ends when service first starts, and goes on while an order waits to try again;
//! - service that starts anew needs the same time again.

use super::measure::{Lane, Pipeline, Room};
use orderline::network::{
    AfterRepair, Breakdowns, Capacity, Consumers, Discipline, FailureClock, Fork, Network,
    Patience, Reliability, Route, Stage, Target,
};
use orderline::random::{ArrivalStream, Distribution, Stream, Variates};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// What can happen.
#[derive(Clone, Copy)]
enum Event {
    /// A producer sends.
    Send(usize),
    /// A customer of a population has thought.
    Thought(usize),
    /// A service ends, unless the consumer has been doing something else since.
    Served {
        stage: usize,
        server: usize,
        version: u64,
    },
    /// The shortest of those that share is served, unless things have changed since.
    SharedOut {
        stage: usize,
        version: u64,
    },
    /// An order's patience ends, unless it has been served or has left since.
    GiveUp {
        order: usize,
        visit: u64,
    },
    /// An order that was refused tries again.
    TryAgain {
        order: usize,
        visit: u64,
    },
    /// A consumer fails, unless its clock has been stopped since.
    Fail {
        stage: usize,
        server: usize,
        version: u64,
    },
    Repaired {
        stage: usize,
        server: usize,
    },
}

struct Entry {
    time: f64,
    outside: bool,
    number: u64,
    event: Event,
}

impl Ord for Entry {
    /// The earliest is the greatest.
    fn cmp(&self, other: &Entry) -> Ordering {
        let time = other.time.total_cmp(&self.time);
        let rank = other.outside.cmp(&self.outside);
        time.then(rank).then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// Where an order comes from.
#[derive(Clone, Copy)]
enum Origin {
    Producer,
    Customer(usize),
    CopyOf(usize),
}

/// How an order leaves the pipeline.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Completed,
    Cancelled,
    Rejected,
    Expired,
}

struct Order {
    class: usize,
    origin: Origin,
    entered: f64,
    /// Time spent waiting, over all visits; all the rest is processing.
    waited: f64,
    /// Of its copies, how many are still in the pipeline.
    copies: usize,
    // Of the present visit:
    stage: usize,
    /// Unique among all visits of all orders.
    visit: u64,
    arrived: f64,
    size: f64,
    left: f64,
    started: bool,
}

struct Server {
    up: bool,
    order: Option<usize>,
    /// Its order is served, but finds no room where it goes.
    blocked: bool,
    /// When it began to work on what it has; meaningless while it does not work.
    since: f64,
    /// Changes whenever it starts or stops working.
    version: u64,
    /// Working time left until it fails, where the clock runs only then.
    uptime: f64,
}

impl Server {
    fn works(&self) -> bool {
        self.up && self.order.is_some() && !self.blocked
    }

    fn is_free(&self) -> bool {
        self.up && self.order.is_none()
    }
}

/// One stage.
struct Place {
    servers: Vec<Server>,
    /// All that have no consumer and are not waiting to try again, by visit: first come, first here.
    waiting: Vec<usize>,
    /// Those that share the consumers' work.
    sharing: Vec<usize>,
    shared_since: f64,
    share_version: u64,
    /// Consumers elsewhere whose orders wait for room here: (stage, server).
    blocked: VecDeque<(usize, usize)>,
    sizes: Vec<Variates>,
    routing: Stream,
    choice: Stream,
    patience: Option<Variates>,
    retry: Option<Variates>,
    uptime: Option<Variates>,
    downtime: Option<Variates>,
}

/// A whole replication.
pub struct Engine<'n> {
    network: &'n Network,
    now: f64,
    calendar: BinaryHeap<Entry>,
    scheduled: u64,
    visits: u64,
    orders: Vec<Order>,
    places: Vec<Place>,
    arrivals: Vec<ArrivalStream>,
    thinking: Vec<Variates>,
    /// By stage, then class.
    pub lanes: Vec<Vec<Lane>>,
    pub rooms: Vec<Room>,
    pub pipeline: Pipeline,
}

impl<'n> Engine<'n> {
    pub fn new(network: &'n Network, replication: u64) -> Engine<'n> {
        let seed = network.seed;
        let draws = |law: &Distribution, name: &str| {
            Variates::new(Stream::new(seed, replication, name), law)
        };
        let place = |stage: &Stage| {
            let at = |what: &str| format!("reference.{}.{what}", stage.name);
            let stream = |what: &str| Stream::new(seed, replication, &at(what));
            let classes = stage.by_class.iter().enumerate();
            let breakdowns = breakdowns(stage);
            Place {
                servers: (0..consumers(stage).unwrap_or(0)).map(|_| idle()).collect(),
                waiting: Vec::new(),
                sharing: Vec::new(),
                shared_since: 0.0,
                share_version: 0,
                blocked: VecDeque::new(),
                sizes: classes
                    .map(|(k, here)| draws(here.service.law(), &at(&format!("size{k}"))))
                    .collect(),
                routing: stream("routing"),
                choice: stream("choice"),
                patience: match &stage.extras.patience {
                    Patience::Limited(law) => Some(draws(law, &at("patience"))),
                    Patience::Endless => None,
                },
                retry: match &stage.capacity {
                    Capacity::Retry(_, law) => Some(draws(law, &at("retry"))),
                    _ => None,
                },
                uptime: breakdowns.map(|b| draws(&b.uptime, &at("uptime"))),
                downtime: breakdowns.map(|b| draws(&b.downtime, &at("downtime"))),
            }
        };
        let lanes = vec![Lane::default(); network.classes.len()];
        let mut engine = Engine {
            network,
            now: 0.0,
            calendar: BinaryHeap::new(),
            scheduled: 0,
            visits: 0,
            orders: Vec::new(),
            places: network.stages.iter().map(place).collect(),
            arrivals: network
                .producers
                .iter()
                .map(|p| ArrivalStream::new(&p.arrivals, seed, replication, &p.name))
                .collect(),
            thinking: network
                .populations
                .iter()
                .map(|p| draws(&p.think, &format!("reference.{}.think", p.name)))
                .collect(),
            lanes: vec![lanes; network.stages.len()],
            rooms: vec![Room::default(); network.stages.len()],
            pipeline: Pipeline::default(),
        };
        engine.begin();
        engine
    }

    fn begin(&mut self) {
        (0..self.arrivals.len()).for_each(|producer| self.expect_next(producer));
        for population in 0..self.network.populations.len() {
            for _ in 0..self.network.populations[population].customers {
                self.think(population);
            }
        }
        for stage in 0..self.places.len() {
            for server in 0..self.places[stage].servers.len() {
                self.rooms[stage].up += 1.0;
                self.wind_up(stage, server);
            }
        }
    }

    /// Lets everything happen up to a time.
    pub fn run_until(&mut self, end: f64) {
        while self.calendar.peek().is_some_and(|entry| entry.time <= end) {
            let Some(entry) = self.calendar.pop() else {
                break;
            };
            self.now = entry.time;
            self.happen(entry.event);
        }
        self.now = end;
        self.bring_up_to_date();
    }

    /// Starts all averages anew.
    pub fn restart(&mut self) {
        let now = self.now;
        self.lanes
            .iter_mut()
            .flatten()
            .for_each(|lane| lane.restart(now));
        self.rooms.iter_mut().for_each(|room| room.restart(now));
        self.pipeline.restart(now);
    }

    fn bring_up_to_date(&mut self) {
        let now = self.now;
        self.lanes
            .iter_mut()
            .flatten()
            .for_each(|lane| lane.advance(now));
        self.rooms.iter_mut().for_each(|room| room.advance(now));
        self.pipeline.advance(now);
    }

    fn schedule(&mut self, time: f64, event: Event) {
        self.scheduled += 1;
        self.calendar.push(Entry {
            time: time.max(self.now),
            outside: matches!(event, Event::Send(_) | Event::Thought(_)),
            number: self.scheduled,
            event,
        });
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Send(producer) => {
                let sender = &self.network.producers[producer];
                let (class, stage) = (sender.class.0, sender.to.0);
                self.expect_next(producer);
                self.enter(class, stage, Origin::Producer);
            }
            Event::Thought(population) => {
                let sender = &self.network.populations[population];
                self.enter(sender.class.0, sender.to.0, Origin::Customer(population));
            }
            Event::Served {
                stage,
                server,
                version,
            } => {
                if self.places[stage].servers[server].version == version {
                    self.served(stage, server);
                }
            }
            Event::SharedOut { stage, version } => {
                if self.places[stage].share_version == version {
                    self.shared_out(stage);
                }
            }
            Event::GiveUp { order, visit } => {
                if self.orders[order].visit == visit && !self.orders[order].started {
                    self.give_up(order);
                }
            }
            Event::TryAgain { order, visit } => {
                if self.orders[order].visit == visit {
                    self.try_to_get_in(order);
                }
            }
            Event::Fail {
                stage,
                server,
                version,
            } => {
                let always = breakdowns(&self.network.stages[stage])
                    .is_some_and(|b| b.when == FailureClock::Always);
                if always || self.places[stage].servers[server].version == version {
                    self.fail(stage, server);
                }
            }
            Event::Repaired { stage, server } => self.repaired(stage, server),
        }
    }

    // Coming and going.

    fn expect_next(&mut self, producer: usize) {
        if let Some(time) = self.arrivals[producer].next() {
            self.schedule(time, Event::Send(producer));
        }
    }

    fn think(&mut self, population: usize) {
        let time = self.now + self.thinking[population].next();
        self.schedule(time, Event::Thought(population));
    }

    fn enter(&mut self, class: usize, stage: usize, origin: Origin) {
        let order = self.orders.len();
        self.orders.push(Order {
            class,
            origin,
            entered: self.now,
            waited: 0.0,
            copies: 0,
            stage,
            visit: 0,
            arrived: 0.0,
            size: 0.0,
            left: 0.0,
            started: false,
        });
        if !matches!(origin, Origin::CopyOf(_)) {
            self.pipeline.advance(self.now);
            self.pipeline.entered += 1.0;
            self.pipeline.present += 1.0;
        }
        self.arrive(order, stage);
    }

    /// An order leaves the pipeline.
    fn leave(&mut self, order: usize, outcome: Outcome) {
        self.orders[order].visit = 0;
        let Order {
            origin,
            entered,
            waited,
            ..
        } = self.orders[order];
        if let Origin::CopyOf(parent) = origin {
            self.orders[parent].copies -= 1;
            if self.orders[parent].copies == 0 {
                self.go_on(parent, None);
            }
            return;
        }
        self.pipeline.advance(self.now);
        self.pipeline.present -= 1.0;
        if outcome == Outcome::Completed {
            self.pipeline.completed += 1.0;
            let processed = self.now - entered - waited;
            self.pipeline.processing.record(processed);
            self.pipeline.latency.record(self.now - entered);
        }
        if let Origin::Customer(population) = origin {
            self.think(population);
        }
    }

    /// A visit begins.
    fn arrive(&mut self, order: usize, stage: usize) {
        self.visits += 1;
        let class = self.orders[order].class;
        let size = self.places[stage].sizes[class].next();
        let visit = self.visits;
        let it = &mut self.orders[order];
        (it.stage, it.visit, it.arrived) = (stage, visit, self.now);
        (it.size, it.left, it.started) = (size, size, false);
        self.lane(order).offered += 1.0;
        let tries_again = matches!(self.network.stages[stage].capacity, Capacity::Retry(..));
        if !self.has_room(stage) && !tries_again {
            self.lane(order).rejected += 1.0;
            return self.leave(order, Outcome::Rejected);
        }
        let lane = self.lane(order);
        lane.present += 1.0;
        lane.waiting += 1.0;
        if let Some(patience) = &mut self.places[stage].patience {
            let time = self.now + patience.next();
            self.schedule(time, Event::GiveUp { order, visit });
        }
        self.try_to_get_in(order);
    }

    /// An order that is let in gets a consumer or a place; one that finds no room tries again.
    fn try_to_get_in(&mut self, order: usize) {
        let Order { stage, visit, .. } = self.orders[order];
        if !self.has_room(stage) {
            let Some(retry) = &mut self.places[stage].retry else {
                unreachable!("only those that try again come so far without room");
            };
            let time = self.now + retry.next();
            return self.schedule(time, Event::TryAgain { order, visit });
        }
        if self.network.stages[stage].discipline == Discipline::ProcessorSharing {
            return self.share(order, stage);
        }
        if consumers(&self.network.stages[stage]).is_none()
            && !self.places[stage].servers.iter().any(Server::is_free)
        {
            self.places[stage].servers.push(idle());
        }
        self.places[stage].waiting.push(order);
        match self.places[stage].servers.iter().position(Server::is_free) {
            Some(server) => self.serve_next(stage, server),
            None => self.maybe_interrupt(order, stage),
        }
    }

    /// Whether an order that comes now is let in.
    fn has_room(&self, stage: usize) -> bool {
        let (at, place) = (&self.network.stages[stage], &self.places[stage]);
        let Some(consumers) = consumers(at) else {
            return true;
        };
        let places = match at.capacity {
            Capacity::Unbounded => return true,
            Capacity::Reject(places)
            | Capacity::Block(places)
            | Capacity::Retry(places, _)
            | Capacity::DropOldest(places)
            | Capacity::DeadLetter(places) => usize::try_from(places).unwrap_or(usize::MAX),
        };
        if at.discipline == Discipline::ProcessorSharing {
            return place.sharing.len() < consumers.saturating_add(places);
        }
        place.waiting.len() < places || place.servers.iter().any(Server::is_free)
    }

    // Serving.

    /// A free consumer takes the next order, if there is one.
    fn serve_next(&mut self, stage: usize, server: usize) {
        if !self.places[stage].servers[server].is_free() {
            return;
        }
        if let Some(index) = self.next_in_turn(stage) {
            let order = self.places[stage].waiting.remove(index);
            self.start(order, stage, server);
        }
        self.let_blocked_in(stage);
    }

    /// Who of those waiting is next.
    fn next_in_turn(&mut self, stage: usize) -> Option<usize> {
        let discipline = self.network.stages[stage].discipline;
        let count = self.places[stage].waiting.len();
        if count == 0 {
            return None;
        }
        match discipline {
            Discipline::Fifo => return Some(0),
            Discipline::Lifo => return Some(count - 1),
            Discipline::Random => return Some(self.places[stage].choice.below(count)),
            _ => {}
        }
        let waiting = &self.places[stage].waiting;
        let rank = |&a: &usize, &b: &usize| {
            self.rank(waiting[a], discipline)
                .partial_cmp(&self.rank(waiting[b], discipline))
                .expect("no NaN")
        };
        (0..count).min_by(rank)
    }

    /// The least is served first.
    fn rank(&self, order: usize, discipline: Discipline) -> (f64, f64) {
        let order = &self.orders[order];
        let came = order.visit as f64;
        match discipline {
            Discipline::ShortestFirst => (order.size, came),
            Discipline::ShortestRemaining => (order.left, came),
            Discipline::Priority | Discipline::PreemptivePriority => {
                (f64::from(self.network.classes[order.class].priority), came)
            }
            _ => (came, 0.0),
        }
    }

    /// A consumer starts on an order, or goes on with it.
    fn start(&mut self, order: usize, stage: usize, server: usize) {
        let mut began = self.now;
        if !self.orders[order].started {
            let arrived = self.orders[order].arrived;
            let mut wait = self.now - arrived;
            // A difference that the clock cannot tell from rounding is none.
            if wait <= 8.0 * f64::EPSILON * self.now {
                (wait, began) = (0.0, arrived);
            }
            self.orders[order].started = true;
            self.orders[order].waited += wait;
            let size = self.orders[order].size;
            let lane = self.lane(order);
            lane.waiting -= 1.0;
            lane.wait(wait);
            lane.service.record(size);
        }
        self.places[stage].servers[server].order = Some(order);
        self.work(stage, server, began);
    }

    /// A consumer that has an order and is up begins to work on it.
    fn work(&mut self, stage: usize, server: usize, began: f64) {
        self.rooms[stage].advance(self.now);
        self.rooms[stage].working += 1.0;
        let at = &mut self.places[stage].servers[server];
        at.version += 1;
        at.since = self.now;
        let (version, uptime) = (at.version, at.uptime);
        let Some(order) = at.order else {
            unreachable!("it has one")
        };
        let end = began + self.orders[order].left;
        self.schedule(
            end,
            Event::Served {
                stage,
                server,
                version,
            },
        );
        if self.clock(stage) == Some(FailureClock::Busy) {
            self.schedule(
                self.now + uptime,
                Event::Fail {
                    stage,
                    server,
                    version,
                },
            );
        }
    }

    /// A consumer stops working, for whatever reason.
    fn stop(&mut self, stage: usize, server: usize) {
        self.rooms[stage].advance(self.now);
        self.rooms[stage].working -= 1.0;
        let at = &mut self.places[stage].servers[server];
        at.version += 1;
        let worked = self.now - at.since;
        at.uptime -= worked;
        let Some(order) = at.order else {
            unreachable!("it has one")
        };
        self.orders[order].left = (self.orders[order].left - worked).max(0.0);
    }

    /// A service ends.
    fn served(&mut self, stage: usize, server: usize) {
        self.stop(stage, server);
        let Some(order) = self.places[stage].servers[server].order else {
            unreachable!("it has one")
        };
        self.go_on(order, Some((stage, server)));
    }

    /// An order whose service has ended goes on: to its copies, or as its routes say. With it comes the
    /// consumer that still holds it, if any.
    fn go_on(&mut self, order: usize, held: Option<(usize, usize)>) {
        let stage = self.orders[order].stage;
        // An order whose copies have left is at no stage any more.
        let joined = self.orders[order].visit == 0;
        let network = self.network;
        if let (Fork::JoinAll(branches), false) = (&network.stages[stage].extras.fork, joined) {
            self.depart(order);
            self.release(held);
            self.orders[order].visit = 0;
            self.orders[order].copies = branches.len();
            let class = self.orders[order].class;
            for branch in branches {
                self.enter(class, branch.0, Origin::CopyOf(order));
            }
            return;
        }
        match self.draw_route(order) {
            Target::Stage(next) => {
                let blocks = matches!(self.network.stages[next.0].capacity, Capacity::Block(_));
                if let (true, Some((stage, server)), false) = (blocks, held, self.has_room(next.0))
                {
                    self.places[stage].servers[server].blocked = true;
                    self.places[next.0].blocked.push_back((stage, server));
                    return;
                }
                if !joined {
                    self.depart(order);
                }
                if next.0 == stage {
                    self.release(held);
                    self.arrive(order, next.0);
                } else {
                    self.arrive(order, next.0);
                    self.release(held);
                }
            }
            out => {
                if !joined {
                    self.depart(order);
                }
                self.release(held);
                let completed = out == Target::Completed;
                self.leave(
                    order,
                    if completed {
                        Outcome::Completed
                    } else {
                        Outcome::Cancelled
                    },
                );
            }
        }
    }

    fn draw_route(&mut self, order: usize) -> Target {
        let Order { stage, class, .. } = self.orders[order];
        let ways: &[Route] = &self.network.stages[stage].by_class[class].next;
        let mut u = self.places[stage].routing.uniform();
        for way in ways {
            u -= way.probability;
            if u < 0.0 {
                return way.to;
            }
        }
        ways[ways.len() - 1].to
    }

    /// A visit ends with service.
    fn depart(&mut self, order: usize) {
        let sojourn = self.now - self.orders[order].arrived;
        let lane = self.lane(order);
        lane.present -= 1.0;
        lane.served += 1.0;
        lane.sojourn.record(sojourn);
    }

    /// A consumer is rid of its order.
    fn release(&mut self, held: Option<(usize, usize)>) {
        if let Some((stage, server)) = held {
            self.places[stage].servers[server].order = None;
            self.serve_next(stage, server);
        }
    }

    /// Who is blocked comes in as long as there is room.
    fn let_blocked_in(&mut self, stage: usize) {
        while self.has_room(stage) {
            let Some((from, server)) = self.places[stage].blocked.pop_front() else {
                return;
            };
            let holder = &mut self.places[from].servers[server];
            holder.blocked = false;
            let Some(order) = holder.order else {
                unreachable!("it is blocked with one")
            };
            self.depart(order);
            self.arrive(order, stage);
            self.release(Some((from, server)));
        }
    }

    /// An order that has just begun to wait interrupts one that it goes before.
    fn maybe_interrupt(&mut self, order: usize, stage: usize) {
        let discipline = self.network.stages[stage].discipline;
        // Equal priorities do not interrupt each other, nor equal remaining times.
        let urgency = |engine: &Engine, order: usize| match discipline {
            Discipline::PreemptivePriority => engine.rank(order, discipline).0,
            Discipline::ShortestRemaining => {
                let at = engine.places[stage]
                    .servers
                    .iter()
                    .find(|s| s.order == Some(order));
                let worked = at.map_or(0.0, |server| engine.now - server.since);
                engine.orders[order].left - worked
            }
            _ => 0.0,
        };
        let servers = self.places[stage].servers.iter().enumerate();
        let victims = servers.filter(|(_, server)| server.works());
        let victims = victims.filter_map(|(index, server)| Some((index, server.order?)));
        let worst = victims.max_by(|(_, a), (_, b)| {
            let key = |order: usize| (urgency(self, order), self.orders[order].visit as f64);
            key(*a).partial_cmp(&key(*b)).expect("no NaN")
        });
        let Some((server, victim)) = worst else {
            return;
        };
        if urgency(self, order) < urgency(self, victim) {
            self.stop(stage, server);
            self.places[stage].servers[server].order = None;
            self.put_back(victim, stage);
            self.places[stage].waiting.retain(|&other| other != order);
            self.start(order, stage, server);
        }
    }

    /// An order that has lost its consumer waits again, in its old place.
    fn put_back(&mut self, order: usize, stage: usize) {
        let visit = self.orders[order].visit;
        let waiting = &self.places[stage].waiting;
        let before = waiting
            .iter()
            .filter(|&&other| self.orders[other].visit < visit)
            .count();
        self.places[stage].waiting.insert(before, order);
    }

    // Losing patience.

    fn give_up(&mut self, order: usize) {
        let Order { stage, arrived, .. } = self.orders[order];
        self.places[stage].waiting.retain(|&other| other != order);
        let waited = self.now - arrived;
        self.orders[order].waited += waited;
        let lane = self.lane(order);
        lane.waiting -= 1.0;
        lane.present -= 1.0;
        lane.abandoned += 1.0;
        lane.wait(waited);
        lane.sojourn.record(waited);
        self.leave(order, Outcome::Expired);
        self.let_blocked_in(stage);
    }

    // Sharing.

    fn share(&mut self, order: usize, stage: usize) {
        self.shares_so_far(stage);
        let size = self.orders[order].size;
        let wait = self.now - self.orders[order].arrived;
        self.orders[order].started = true;
        self.orders[order].waited += wait;
        let lane = self.lane(order);
        lane.waiting -= 1.0;
        lane.wait(wait);
        lane.service.record(size);
        self.places[stage].sharing.push(order);
        self.expect_shared_out(stage);
    }

    /// Each one's share of a consumer.
    fn portion(&self, stage: usize) -> f64 {
        let place = &self.places[stage];
        let up = place.servers.iter().filter(|server| server.up).count();
        (up as f64 / place.sharing.len().max(1) as f64).min(1.0)
    }

    /// Counts what has been done for those that share, since that was last done.
    fn shares_so_far(&mut self, stage: usize) {
        let done = self.portion(stage) * (self.now - self.places[stage].shared_since);
        for order in self.places[stage].sharing.clone() {
            self.orders[order].left -= done;
        }
        self.places[stage].shared_since = self.now;
    }

    fn expect_shared_out(&mut self, stage: usize) {
        let portion = self.portion(stage);
        let busy = portion * self.places[stage].sharing.len() as f64;
        self.rooms[stage].advance(self.now);
        self.rooms[stage].working = busy;
        self.places[stage].share_version += 1;
        let version = self.places[stage].share_version;
        let lefts = self.places[stage]
            .sharing
            .iter()
            .map(|&order| self.orders[order].left);
        let least = lefts.fold(f64::INFINITY, f64::min);
        if portion > 0.0 && least.is_finite() {
            let time = self.now + least / portion;
            self.schedule(time, Event::SharedOut { stage, version });
        }
    }

    fn shared_out(&mut self, stage: usize) {
        self.shares_so_far(stage);
        let sharing = &self.places[stage].sharing;
        let left = |index: &usize| self.orders[sharing[*index]].left;
        let least =
            (0..sharing.len()).min_by(|a, b| left(a).partial_cmp(&left(b)).expect("no NaN"));
        let Some(index) = least else { return };
        let order = self.places[stage].sharing.remove(index);
        self.expect_shared_out(stage);
        self.go_on(order, None);
        self.let_blocked_in(stage);
    }

    // Failing.

    fn clock(&self, stage: usize) -> Option<FailureClock> {
        breakdowns(&self.network.stages[stage]).map(|b| b.when)
    }

    /// A consumer that has just been repaired (or begins): until when it works.
    fn wind_up(&mut self, stage: usize, server: usize) {
        let Some(uptime) = &mut self.places[stage].uptime else {
            return;
        };
        let uptime = uptime.next();
        let at = &mut self.places[stage].servers[server];
        at.uptime = uptime;
        let version = at.version;
        if self.clock(stage) == Some(FailureClock::Always) {
            self.schedule(
                self.now + uptime,
                Event::Fail {
                    stage,
                    server,
                    version,
                },
            );
        }
    }

    fn fail(&mut self, stage: usize, server: usize) {
        let sharing = self.network.stages[stage].discipline == Discipline::ProcessorSharing;
        if sharing {
            self.shares_so_far(stage);
        }
        let works = self.places[stage].servers[server].works();
        if works {
            self.stop(stage, server);
        }
        self.rooms[stage].advance(self.now);
        self.rooms[stage].up -= 1.0;
        self.places[stage].servers[server].up = false;
        if sharing {
            self.expect_shared_out(stage);
        }
        let Some(downtime) = &mut self.places[stage].downtime else {
            unreachable!("it fails")
        };
        let time = self.now + downtime.next();
        self.schedule(time, Event::Repaired { stage, server });
        if let (true, Some(order)) = (works, self.places[stage].servers[server].order) {
            self.interrupted(order, stage, server);
        }
    }

    /// What becomes of the order whose consumer failed.
    fn interrupted(&mut self, order: usize, stage: usize, server: usize) {
        match breakdowns(&self.network.stages[stage]).map(|b| b.then) {
            Some(AfterRepair::Resume) | None => {}
            Some(AfterRepair::Restart) => self.orders[order].left = self.orders[order].size,
            Some(AfterRepair::Redeliver) => {
                self.orders[order].left = self.orders[order].size;
                self.places[stage].servers[server].order = None;
                self.put_back(order, stage);
                match self.places[stage].servers.iter().position(Server::is_free) {
                    Some(free) => self.serve_next(stage, free),
                    None => self.maybe_interrupt(order, stage),
                }
            }
        }
    }

    fn repaired(&mut self, stage: usize, server: usize) {
        let sharing = self.network.stages[stage].discipline == Discipline::ProcessorSharing;
        if sharing {
            self.shares_so_far(stage);
        }
        self.rooms[stage].advance(self.now);
        self.rooms[stage].up += 1.0;
        self.places[stage].servers[server].up = true;
        self.wind_up(stage, server);
        if sharing {
            self.expect_shared_out(stage);
        } else if self.places[stage].servers[server].works() {
            self.work(stage, server, self.now);
        } else {
            self.serve_next(stage, server);
        }
    }

    fn lane(&mut self, order: usize) -> &mut Lane {
        let Order { stage, class, .. } = self.orders[order];
        let lane = &mut self.lanes[stage][class];
        lane.advance(self.now);
        lane
    }
}

fn idle() -> Server {
    Server {
        up: true,
        order: None,
        blocked: false,
        since: 0.0,
        version: 0,
        uptime: 0.0,
    }
}

/// How many, where the number is finite.
pub fn consumers(stage: &Stage) -> Option<usize> {
    match stage.consumers {
        Consumers::Finite(consumers) => Some(consumers as usize),
        Consumers::Unlimited => None,
    }
}

fn breakdowns(stage: &Stage) -> Option<&Breakdowns> {
    match &stage.extras.reliability {
        Reliability::Perfect => None,
        Reliability::Breakdowns(breakdowns) => Some(breakdowns),
    }
}
