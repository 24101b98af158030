//! An order between and in the stages, small enough to be passed on by value.

/// What tells one order from another where that matters. Where there is one producer and nobody
/// looks at single orders, nothing is carried along at all.
pub(in crate::sim) trait Tag: Copy + std::fmt::Debug + 'static {
    /// Whether it tells nothing.
    const EMPTY: bool = false;

    /// Of the `number`-th order that entered, from that producer.
    fn new(number: u64, producer: usize) -> Self;

    /// Index of the producer.
    fn producer(self) -> usize;

    /// The how-manieth order that entered; 0 where nobody asks.
    fn number(self) -> u64;
}

/// Of the only producer's orders.
#[derive(Debug, Clone, Copy)]
pub(in crate::sim) struct Anonymous;

impl Tag for Anonymous {
    const EMPTY: bool = true;

    #[inline(always)]
    fn new(_: u64, _: usize) -> Self {
        Anonymous
    }

    #[inline(always)]
    fn producer(self) -> usize {
        0
    }

    #[inline(always)]
    fn number(self) -> u64 {
        0
    }
}

/// Number and producer.
#[derive(Debug, Clone, Copy)]
pub(in crate::sim) struct Numbered {
    number: u64,
    producer: u32,
}

impl Tag for Numbered {
    #[inline(always)]
    fn new(number: u64, producer: usize) -> Self {
        let producer = producer as u32;
        Numbered { number, producer }
    }

    #[inline(always)]
    fn producer(self) -> usize {
        self.producer as usize
    }

    #[inline(always)]
    fn number(self) -> u64 {
        self.number
    }
}

/// An order. Times are in seconds since the start of the replication.
///
/// In this order in memory: what is written together is then read together, halves of 16 bytes, and a
/// read need not wait until two writes have reached the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Traveller<T> {
    /// When it entered the pipeline.
    pub entered: f64,
    /// When it comes to the stage that it is at or on its way to.
    pub time: f64,
    /// Time spent waiting, over all visits whose service has begun.
    pub waited: f64,
    /// Time of service, over the same visits.
    pub processed: f64,
    pub tag: T,
}

impl<T: Tag> Traveller<T> {
    /// One that enters now.
    #[inline(always)]
    pub(super) fn entering(now: f64, tag: T) -> Self {
        Traveller {
            time: now,
            entered: now,
            waited: 0.0,
            processed: 0.0,
            tag,
        }
    }

    /// The same after waiting and work at a stage, its time still that of its coming there.
    #[inline(always)]
    pub(super) fn served(self, waiting: f64, service: f64) -> Self {
        Traveller {
            waited: self.waited + waiting,
            processed: self.processed + service,
            ..self
        }
    }

    /// The same at another time.
    #[inline(always)]
    pub(super) fn at(self, time: f64) -> Self {
        Traveller { time, ..self }
    }
}

/// What comes to a stage: an order, or the bare time of one that enters the pipeline here, where its
/// time is all there is to know (see [`Tag::EMPTY`]).
pub(super) trait Comes<T>: Copy {
    /// When.
    fn time(self) -> f64;

    /// Who.
    fn order(self) -> Traveller<T>;
}

impl<T: Tag> Comes<T> for Traveller<T> {
    #[inline(always)]
    fn time(self) -> f64 {
        self.time
    }

    #[inline(always)]
    fn order(self) -> Traveller<T> {
        self
    }
}

impl<T: Tag> Comes<T> for f64 {
    #[inline(always)]
    fn time(self) -> f64 {
        self
    }

    #[inline(always)]
    fn order(self) -> Traveller<T> {
        Traveller::entering(self, T::new(0, 0))
    }
}
