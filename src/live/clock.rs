//! The one clock of a live run, and sleeping that is fine to some hundredths of a millisecond.
//!
//! A sleep that is late by δ makes a service longer by δ, and waiting longer by far more: near
//! δρ/(1 − ρ) in units of δ, or worse. The runtime's own timer is coarse to a millisecond and rounds
//! up, which at a service time of 10 ms and ρ = 0.8 made latencies two thirds too long. So on Linux a
//! sleeper has a timer of the kernel for itself, which fires as early as waking has taken of late, and spins
//! through the rest;
//! elsewhere it sleeps by the runtime's timer until 2 ms before and then keeps yielding.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The clock of a run: seconds of the scenario since its start, of which each takes `scale` real ones.
/// Clones show the same.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Arc<OnceLock<Instant>>,
    scale: f64,
}

impl Clock {
    /// A clock that has not started.
    pub fn new(scale: f64) -> Clock {
        Clock {
            start: Arc::default(),
            scale,
        }
    }

    /// Starts it at an instant; it starts once.
    pub fn start(&self, at: Instant) {
        let _ = self.start.set(at);
    }

    /// Real seconds for each scenario second.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Whether it has been started; its start may lie ahead.
    pub fn has_started(&self) -> bool {
        self.start.get().is_some()
    }

    /// Who asks for the time before the start has started it.
    fn origin(&self) -> Instant {
        *self.start.get_or_init(Instant::now)
    }

    /// Scenario seconds at an instant; below 0 before the start.
    pub fn seconds(&self, at: Instant) -> f64 {
        let start = self.origin();
        let after = at.saturating_duration_since(start).as_secs_f64();
        let before = start.saturating_duration_since(at).as_secs_f64();
        (after - before) / self.scale
    }

    /// Scenario seconds that a real time is.
    pub fn span(&self, real: Duration) -> f64 {
        real.as_secs_f64() / self.scale
    }

    /// The instant of a scenario time; one that no clock can show is in a hundred years.
    pub fn instant(&self, seconds: f64) -> Instant {
        self.origin() + self.real(seconds)
    }

    /// The real time that some scenario seconds take.
    pub fn real(&self, seconds: f64) -> Duration {
        let longest = Duration::from_secs(100 * 365 * 86_400);
        let real = Duration::try_from_secs_f64((seconds * self.scale).max(0.0));
        real.unwrap_or(longest).min(longest)
    }
}

/// How early the kernel's timer is to fire, at least and at most: about what waking a thread takes.
#[cfg(target_os = "linux")]
const EARLY: [Duration; 2] = [Duration::from_micros(40), Duration::from_micros(300)];
/// How early the runtime's is.
#[cfg(not(target_os = "linux"))]
const EARLY: [Duration; 2] = [Duration::from_millis(2); 2];

/// The part of a sleep that may be spent spinning, so that short ones do not take a whole processor.
const SPUN: u32 = 40;

/// Sleeps, one sleep at a time.
#[derive(Debug)]
pub struct Sleeper {
    alarm: Alarm,
    waking: Waking,
}

/// How long waking has taken of late: a moving mean, and how far from it single ones were, as TCP estimates
/// round trips.
///
/// # References
/// V. Jacobson, Congestion avoidance and control, SIGCOMM 1988, appendix A.
#[derive(Debug)]
struct Waking {
    mean: Duration,
    deviation: Duration,
}

impl Waking {
    fn new() -> Waking {
        Waking {
            mean: EARLY[0],
            deviation: Duration::ZERO,
        }
    }

    fn learn(&mut self, took: Duration) {
        let took = took.min(EARLY[1]);
        let error = took.abs_diff(self.mean);
        self.mean = (self.mean * 7 + took) / 8;
        self.deviation = (self.deviation * 3 + error) / 4;
    }

    /// How early to wake from a sleep of that length.
    fn early(&self, sleep: Duration) -> Duration {
        let [least, most] = EARLY;
        let usual = self.mean + 4 * self.deviation;
        usual.min(sleep / SPUN).clamp(least, most)
    }
}

impl Sleeper {
    /// A sleeper; needs the runtime's reactor.
    ///
    /// # Errors
    /// When the system has no timer to give.
    pub fn new() -> io::Result<Sleeper> {
        Ok(Sleeper {
            alarm: Alarm::new()?,
            waking: Waking::new(),
        })
    }

    /// Sleeps until an instant, and says by how much it was late. At once where that is past. It can be
    /// dropped at any point.
    pub async fn until(&mut self, deadline: Instant) -> Duration {
        let now = Instant::now();
        let early = self.waking.early(deadline.saturating_duration_since(now));
        if let Some(wake) = deadline.checked_sub(early)
            && wake > now
        {
            self.alarm.until(wake).await;
            self.waking.learn(wake.elapsed());
        }
        loop {
            let now = Instant::now();
            if now >= deadline {
                return now - deadline;
            }
            rest().await;
        }
    }
}

/// The rest of a sleep is spent without giving the processor away: what it is given back is uncertain.
#[cfg(target_os = "linux")]
async fn rest() {
    std::hint::spin_loop();
}

#[cfg(not(target_os = "linux"))]
async fn rest() {
    tokio::task::yield_now().await;
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Alarm {
    timer: tokio::io::unix::AsyncFd<rustix::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    fn new() -> io::Result<Alarm> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let interest = tokio::io::Interest::READABLE;
        // What it warns of are types that close or replace their descriptor behind the reactor's back;
        // an owned descriptor never does.
        #[expect(
            deprecated,
            reason = "its successor is unsafe to call, which this crate forbids"
        )]
        let timer = tokio::io::unix::AsyncFd::with_interest(timer, interest)?;
        Ok(Alarm { timer })
    }

    /// Waits for the timer; where the system refuses it, for the runtime's.
    async fn until(&mut self, wake: Instant) {
        if self.set(wake).is_err() || self.rings(wake).await.is_err() {
            tokio::time::sleep_until(wake.into()).await;
        }
    }

    fn set(&self, wake: Instant) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let left = wake.saturating_duration_since(Instant::now());
        let nothing = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = Itimerspec {
            it_interval: nothing,
            // All 0 would switch it off.
            it_value: Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos().max(1)),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    async fn rings(&self, wake: Instant) -> io::Result<()> {
        loop {
            let mut ready = self.timer.readable().await?;
            // Setting the timer again takes back a ring that nobody has read, so none is stale; but
            // the reactor's memory of one may be.
            ready.clear_ready();
            if Instant::now() >= wake {
                return Ok(());
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Alarm;

#[cfg(not(target_os = "linux"))]
impl Alarm {
    fn new() -> io::Result<Alarm> {
        Ok(Alarm)
    }

    async fn until(&mut self, wake: Instant) {
        tokio::time::sleep_until(wake.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_slow_to_wake_is_woken_earlier() {
        let [least, most] = EARLY;
        let second = Duration::from_secs(1);
        let mut waking = Waking::new();
        assert_eq!(waking.early(second), least);
        for _ in 0..100 {
            waking.learn(most / 2);
        }
        let early = waking.early(second);
        assert!(early >= most / 2 && early <= most, "{early:?}");
        // A stall is not to be expected again, and short sleeps are not all spent spinning.
        waking.learn(second);
        assert_eq!(waking.early(second), most);
        assert_eq!(waking.early(least), least);
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    }

    #[test]
    fn a_clock_goes_both_ways() {
        let start = Instant::now() + Duration::from_secs(5);
        let clock = Clock::new(10.0);
        assert!(!clock.has_started());
        clock.start(start);
        clock.start(start + Duration::from_secs(1));
        assert_eq!(clock.instant(2.0), start + Duration::from_secs(20));
        assert!((clock.seconds(start + Duration::from_secs(20)) - 2.0).abs() < 1e-9);
        assert!((clock.seconds(start - Duration::from_secs(5)) + 0.5).abs() < 1e-9);
        assert_eq!(clock.real(-1.0), Duration::ZERO);
        assert!(clock.real(f64::INFINITY) > Duration::from_secs(1_000_000));
    }

    #[test]
    fn a_sleeper_is_never_early_and_says_how_late_it_was() {
        runtime().block_on(async {
            let mut sleeper = Sleeper::new().expect("a timer");
            for micros in [0, 1, 50, 90, 300, 1500, 5000] {
                let deadline = Instant::now() + Duration::from_micros(micros);
                let late = sleeper.until(deadline).await;
                let now = Instant::now();
                assert!(now >= deadline && now - deadline >= late, "{micros}");
            }
        });
    }

    #[test]
    fn a_sleep_that_was_given_up_leaves_nothing_behind() {
        runtime().block_on(async {
            let mut sleeper = Sleeper::new().expect("a timer");
            let long = Instant::now() + Duration::from_millis(3);
            tokio::select! {
                biased;
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
                _ = sleeper.until(long) => {}
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
            let deadline = Instant::now() + Duration::from_millis(5);
            sleeper.until(deadline).await;
            assert!(Instant::now() >= deadline);
        });
    }

    #[test]
    fn what_is_past_does_not_sleep() {
        runtime().block_on(async {
            let mut sleeper = Sleeper::new().expect("a timer");
            let late = sleeper.until(Instant::now() - Duration::from_secs(1)).await;
            assert!(late >= Duration::from_secs(1));
        });
    }
}
