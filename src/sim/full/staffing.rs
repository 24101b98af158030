//! How many consumers there are: at the start, by rota, by a scaler, and while an incident lasts.

use super::agenda::Happening;
use super::messages::MessageId;
use super::scaler::{Scaler, Seen};
use super::shifts::Rota;
use super::stage::{Consumer, Doing, Laws, Member, number, threads};
use super::{Full, Observer};
use crate::network::{Expiry, Network, Staffing, Store};
use crate::random::{ArrivalStream, Arrivals, Stream, Variates};
use crate::sim::chance::Chance;

/// What changes a stage's number of consumers.
#[derive(Debug)]
pub(super) enum Roster {
    /// Nothing.
    Fixed,
    /// A rota.
    Rota(Rota),
    /// A scaler.
    Scaler(Box<Scaling>),
}

/// A scaler, and what it has seen.
#[derive(Debug)]
pub(super) struct Scaling {
    scaler: Scaler,
    /// What had been counted when it last looked.
    then: Counted,
    /// Seconds of work on a message, as last seen.
    service: f64,
    /// Consumers that are starting up.
    coming: u32,
}

/// What a scaler goes by, counted since the beginning of time, or of counting.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    /// Consumer-seconds at work.
    busy: f64,
    offered: u64,
    begun: Begun,
}

/// Attempts that began, and the work that they take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Begun {
    pub attempts: u64,
    pub work: f64,
}

impl Roster {
    pub(super) fn new(staffing: &Staffing) -> Roster {
        match staffing {
            Staffing::Constant => Roster::Fixed,
            Staffing::Shifts(shifts) => Roster::Rota(Rota::new(shifts)),
            Staffing::Autoscale(settings) => Roster::Scaler(Box::new(Scaling {
                scaler: Scaler::new(*settings),
                then: Counted::default(),
                service: 0.0,
                coming: 0,
            })),
        }
    }
}

impl<O: Observer> Full<'_, O> {
    /// A stage opens, with its first consumers.
    pub(super) fn staff(&mut self, stage: usize) {
        let plan = self.plan(stage);
        let consumers = number(plan.consumers);
        let shared = matches!(plan.extras.broker.store, Store::Shared);
        if threads(&plan.extras.broker) == u32::MAX {
            self.stages[stage].members.push(Member::default());
        }
        if consumers == u32::MAX {
            self.stages[stage].wanted = u32::MAX;
            self.stages[stage].members[0].ready = u32::MAX;
        } else {
            self.set_consumers(stage, consumers);
        }
        if !shared {
            self.assign_lanes(stage);
        }
        self.await_broker_failure(stage);
        self.plan_scan(stage);
        self.plan_shift(stage);
        if let Staffing::Autoscale(settings) = plan.extras.staffing {
            self.agenda.plan(
                settings.every,
                Happening::Scales {
                    stage: stage as u32,
                },
            );
        }
    }

    pub(super) fn plan_scan(&mut self, stage: usize) {
        if let Expiry::Scan(every) = self.plan(stage).extras.broker.expiry {
            self.agenda.plan(
                self.now + every,
                Happening::Scans {
                    stage: stage as u32,
                },
            );
        }
    }

    fn plan_shift(&mut self, stage: usize) {
        if let Roster::Rota(rota) = &mut self.stages[stage].roster
            && let Some((at, consumers)) = rota.next()
        {
            let stage = stage as u32;
            self.agenda
                .plan(at, Happening::ShiftBegins { stage, consumers });
        }
    }

    pub(super) fn shift_begins(&mut self, stage: usize, consumers: u32) {
        self.set_consumers(stage, consumers);
        self.plan_shift(stage);
    }

    /// The scaler looks, and new consumers are called or some are let go.
    pub(super) fn scales(&mut self, stage: usize) {
        let Staffing::Autoscale(settings) = self.plan(stage).extras.staffing else {
            return;
        };
        let again = Happening::Scales {
            stage: stage as u32,
        };
        self.agenda.plan(self.now + settings.every, again);
        let seen = self.look(stage);
        let Roster::Scaler(scaling) = &mut self.stages[stage].roster else {
            return;
        };
        let asked = scaling.scaler.look(self.now, &seen);
        if asked > seen.consumers {
            let consumers = asked - seen.consumers;
            scaling.coming += consumers;
            let hired = Happening::Hired {
                stage: stage as u32,
                consumers,
            };
            self.agenda.plan(self.now + settings.start_up, hired);
        } else if asked < seen.consumers {
            // Those who are on their way come, and then go again if that is still too many.
            let there = self.stages[stage].wanted;
            self.set_consumers(stage, asked.min(there));
        }
    }

    /// What a scaler sees of its stage since it last looked.
    fn look(&mut self, stage: usize) -> Seen {
        let now = self.counted(stage);
        let here = &mut self.stages[stage];
        let committed = here.members.iter().map(|member| member.buffer.len());
        let waiting = here.waiting + committed.sum::<usize>();
        let mut seen = Seen {
            busy: now.busy,
            arrivals: now.offered,
            waiting: waiting as u64,
            consumers: here.wanted,
            mean_service: 0.0,
        };
        if let Roster::Scaler(scaling) = &mut here.roster {
            let then = std::mem::replace(&mut scaling.then, now);
            let attempts = now.begun.attempts - then.begun.attempts;
            if attempts > 0 {
                scaling.service = (now.begun.work - then.begun.work) / attempts as f64;
            }
            seen.busy -= then.busy;
            seen.arrivals = now.offered.wrapping_sub(then.offered);
            seen.consumers += scaling.coming;
            seen.mean_service = scaling.service;
        }
        seen
    }

    fn counted(&mut self, stage: usize) -> Counted {
        self.happened.staff[stage].busy.advance(self.now);
        let lanes = self.books.lanes_of(stage).iter();
        Counted {
            busy: self.happened.staff[stage].busy.area(),
            offered: lanes.map(|lane| lane.offered).sum(),
            begun: self.stages[stage].begun,
        }
    }

    /// The counts are about to start anew: what a scaler sees must not depend on that.
    pub(super) fn before_restart(&mut self) {
        for stage in 0..self.stages.len() {
            let now = self.counted(stage);
            if let Roster::Scaler(scaling) = &mut self.stages[stage].roster {
                scaling.then.busy -= now.busy;
                scaling.then.offered = scaling.then.offered.wrapping_sub(now.offered);
            }
        }
    }

    /// New consumers have started up.
    pub(super) fn hired(&mut self, stage: usize, consumers: u32) {
        if let Roster::Scaler(scaling) = &mut self.stages[stage].roster {
            scaling.coming = scaling.coming.saturating_sub(consumers);
        }
        let wanted = self.stages[stage].wanted + consumers;
        self.set_consumers(stage, wanted);
    }

    /// From now on there are to be so many consumers.
    pub(super) fn set_consumers(&mut self, stage: usize, consumers: u32) {
        if self.stages[stage].is_unlimited() || self.stages[stage].wanted == consumers {
            return;
        }
        self.share_changes(stage);
        while self.stages[stage].wanted < consumers {
            self.employ(stage);
        }
        while self.stages[stage].wanted > consumers {
            self.let_one_go(stage);
        }
        self.share_again(stage);
        if self.now == 0.0 {
            self.assign_lanes(stage);
        } else {
            self.rebalance(stage);
            self.stirred.push(stage as u32);
            self.dispatch(stage);
            for member in 0..self.stages[stage].members.len() {
                self.kick(stage, member);
            }
        }
    }

    /// One more consumer: one that was leaving stays, one that had left comes back, or a new one comes.
    fn employ(&mut self, stage: usize) {
        let threads = threads(&self.plan(stage).extras.broker);
        let here = &mut self.stages[stage];
        here.wanted += 1;
        if let Some(stays) = here.consumers.iter_mut().find(|consumer| consumer.leaving) {
            stays.leaving = false;
            return;
        }
        let gone = here
            .consumers
            .iter()
            .position(|consumer| consumer.doing == Doing::Gone);
        let index = gone.unwrap_or(here.consumers.len());
        let member = index as u32 / threads;
        if gone.is_none() {
            here.consumers.push(Consumer::new(member));
        }
        if here.members.len() <= member as usize {
            here.members.push(Member::default());
        }
        here.consumers[index].doing = Doing::Idle;
        here.members[member as usize].ready += 1;
        // Those who were there before go first.
        here.members[member as usize].idle.insert(0, index as u32);
        self.happened.staff[stage].employed.add(self.now, 1.0);
        self.await_failure(stage, index as u32);
    }

    /// One consumer fewer: the last that is idle, or else the last, as soon as it is done.
    fn let_one_go(&mut self, stage: usize) {
        let here = &mut self.stages[stage];
        here.wanted -= 1;
        let staying = here.consumers.iter().enumerate().rev();
        let mut staying = staying.filter(|(_, c)| !c.leaving && c.doing != Doing::Gone);
        let idle = staying
            .clone()
            .find(|(_, consumer)| consumer.doing == Doing::Idle);
        if let Some((index, _)) = idle {
            let member = here.consumers[index].member as usize;
            here.members[member]
                .idle
                .retain(|other| *other as usize != index);
            return self.depart_consumer(stage, index as u32);
        }
        if let Some((index, _)) = staying.next() {
            here.consumers[index].leaving = true;
        }
    }

    /// A consumer that has nothing to do any more is gone.
    pub(super) fn depart_consumer(&mut self, stage: usize, consumer: u32) {
        let here = &mut self.stages[stage];
        let state = &mut here.consumers[consumer as usize];
        let member = state.member as usize;
        state.leaving = false;
        state.failing = false;
        state.doing = Doing::Gone;
        state.stamp = state.stamp.wrapping_add(1);
        state.fate = state.fate.wrapping_add(1);
        let to = &mut here.members[member];
        to.ready -= 1;
        self.happened.staff[stage].employed.add(self.now, -1.0);
        if to.ready > 0 {
            return;
        }
        // Nobody is left who could work on what its member was given.
        let back: Vec<MessageId> = to.buffer.drain(..).collect();
        to.forget_question();
        for id in back {
            self.return_to_queue(id);
        }
        self.rebalance(stage);
        self.dispatch(stage);
    }

    /// The lanes are shared out anew among the members that are there. Nobody gets anything for as long
    /// as that takes, and what had been handed over and not begun with goes back.
    pub(super) fn rebalance(&mut self, stage: usize) {
        let takes = self.plan(stage).extras.broker.rebalance;
        if !self.is_shared(stage) {
            let mut back = Vec::new();
            for member in &mut self.stages[stage].members {
                back.extend(member.buffer.drain(..));
                member.forget_question();
            }
            for id in back {
                self.return_to_queue(id);
            }
            self.assign_lanes(stage);
        } else if takes <= 0.0 {
            return;
        }
        if takes > 0.0 {
            self.stages[stage].rebalancing_until = self.now + takes;
        }
        let resumes = Happening::Resumes {
            stage: stage as u32,
        };
        self.agenda.plan(self.now + takes, resumes);
    }

    fn assign_lanes(&mut self, stage: usize) {
        let here = &mut self.stages[stage];
        let there = (0..here.members.len()).filter(|member| here.members[*member].ready > 0);
        let there: Vec<usize> = there.collect();
        here.is_orphaned = there.is_empty();
        if here.is_orphaned {
            return;
        }
        for (lane, member) in here.member_of_lane.iter_mut().enumerate() {
            *member = there[lane % there.len()];
        }
    }

    /// The numbers of the pipeline change.
    pub(super) fn phase_begins(&mut self, phase: usize) {
        let old = self.network;
        let phase_now = &self.scenario.phases[phase];
        self.network = &phase_now.network;
        let label = |name: &str| format!("{name}.phase.{phase}");
        for (index, (was, is)) in old
            .producers
            .iter()
            .zip(&self.network.producers)
            .enumerate()
        {
            if was.arrivals != is.arrivals && self.entrances.is_none() {
                let stream = ArrivalStream::new(
                    &is.arrivals,
                    self.network.seed,
                    self.replication,
                    &label(&is.name),
                );
                match keeps_time(&is.arrivals) {
                    true => self.sources.replace(index, stream, 0.0, self.now),
                    false => self.sources.replace(index, stream, self.now, self.now),
                }
            }
        }
        for (index, (was, is)) in old
            .populations
            .iter()
            .zip(&self.network.populations)
            .enumerate()
        {
            if was.think != is.think {
                let source = label(&format!("producer.{}.think", is.name));
                let stream = Stream::new(self.network.seed, self.replication, &source);
                self.thinking[index] = Variates::new(stream, &is.think);
            }
        }
        for stage in 0..self.stages.len() {
            self.change_stage(stage, old, phase);
            let down = phase_now.broker_down[stage];
            self.set_broker_down(stage, down);
        }
    }

    fn change_stage(&mut self, stage: usize, old: &Network, phase: usize) {
        let (was, is) = (&old.stages[stage], self.plan(stage));
        if was == is {
            return;
        }
        let source = format!("stage.{}.phase.{phase}", is.name);
        if was.by_class != is.by_class {
            let chance = Chance::named(self.network, is, self.replication, &source);
            self.stages[stage].chance = chance;
        }
        let (seed, replication) = (self.network.seed, self.replication);
        let stream = |what: &str| Stream::new(seed, replication, &format!("{source}.{what}"));
        if was.extras != is.extras || was.capacity != is.capacity {
            self.stages[stage].laws = Laws::new(is, &stream);
            if was.extras.broker != is.extras.broker {
                self.stages[stage]
                    .publisher
                    .change(&is.extras.broker, stream);
            }
        }
        if was.consumers != is.consumers {
            self.set_consumers(stage, number(is.consumers));
        }
        self.stirred.push(stage as u32);
        self.dispatch(stage);
    }

    /// An incident takes a broker down, or ends.
    fn set_broker_down(&mut self, stage: usize, down: bool) {
        if std::mem::replace(&mut self.stages[stage].down_by_incident, down) == down {
            return;
        }
        match down {
            true => self.broker_goes_down(stage),
            false => self.broker_comes_up(stage),
        }
    }
}

/// Whether a process is bound to the time of the scenario, rather than the same whenever it begins.
fn keeps_time(arrivals: &Arrivals) -> bool {
    match arrivals {
        Arrivals::Schedule(_) | Arrivals::Trace { .. } => true,
        Arrivals::Batch { process, .. } => keeps_time(process),
        _ => false,
    }
}
