//! A simulation with progress on a terminal, stopped by Ctrl-C.

use super::exit::Failure;
use crate::network::Network;
use crate::report::format;
use crate::sim::{Control, SimOptions, SimResult, simulate};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// Between two looks at how far the simulation is.
const TICK: Duration = Duration::from_millis(100);

/// Simulates on threads of their own, see [`watched`].
///
/// # Errors
/// Those of [`simulate`], and when the runtime cannot be started.
pub(super) fn simulated(
    network: &Network,
    options: SimOptions,
    quiet: bool,
) -> Result<SimResult, Failure> {
    let job = move |network: &Network, control: &Control| simulate(network, options, control);
    Ok(watched(network, quiet, job)??)
}

/// Does a job on another thread, while this one draws progress and listens for Ctrl-C. The first one
/// asks the job to stop, so that what was measured is kept; after a second one it is not waited for.
///
/// # Errors
/// When the runtime cannot be started, or after a second Ctrl-C.
pub(super) fn watched<T: Send + 'static>(
    network: &Network,
    quiet: bool,
    job: impl FnOnce(&Network, &Control) -> T + Send + 'static,
) -> Result<T, Failure> {
    on_a_thread(network, quiet, Control::stop, job)
}

/// The same for a job that makes something of what was measured, which the first Ctrl-C must not cost.
///
/// # Errors
/// Those of [`watched`].
pub(super) fn finished<T: Send + 'static>(
    network: &Network,
    quiet: bool,
    job: impl FnOnce(&Network, &Control) -> T + Send + 'static,
) -> Result<T, Failure> {
    let stay = |_: &Control| {
        eprintln!("orderline: putting together what was measured; Ctrl-C once more to leave that");
    };
    on_a_thread(network, quiet, stay, job)
}

fn on_a_thread<T: Send + 'static>(
    network: &Network,
    quiet: bool,
    stop: impl Fn(&Control),
    job: impl FnOnce(&Network, &Control) -> T + Send + 'static,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io("start the runtime".to_owned(), error))?;
    let result = runtime.block_on(watch(Arc::new(network.clone()), quiet, stop, job));
    runtime.shutdown_background();
    result
}

async fn watch<T: Send + 'static>(
    network: Arc<Network>,
    quiet: bool,
    stop: impl Fn(&Control),
    job: impl FnOnce(&Network, &Control) -> T + Send + 'static,
) -> Result<T, Failure> {
    let control = Arc::new(Control::default());
    let bar = bar(&network, quiet);
    let mut work = {
        let (network, control) = (Arc::clone(&network), Arc::clone(&control));
        tokio::task::spawn_blocking(move || job(&network, &control))
    };
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut signals = Signals::new();
    let per_replication = network.expected_orders();
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            _ = ticks.tick() => update(&bar, &control, per_replication),
            wish = signals.wish() => match wish {
                Wish::Stop => bar.suspend(|| stop(&control)),
                Wish::Same => {}
                Wish::AtOnce => {
                    let told = "stopped at once; what was measured is not kept";
                    return Err(Failure::AtOnce(told));
                }
            },
        }
    };
    bar.finish_and_clear();
    result.map_err(|error| Failure::Defect(error.to_string()))
}

/// What somebody wants who tells the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To stop, and to keep what was measured.
    Stop,
    /// What was said already.
    Same,
    /// Not to wait for that.
    AtOnce,
}

/// Tells a second wish from the first one heard twice.
#[derive(Debug, Default)]
struct Wishes {
    first: Option<Instant>,
}

impl Wishes {
    /// A process and its group are often both told, as by `timeout`; nobody presses Ctrl-C again so soon.
    const ECHO: Duration = Duration::from_millis(300);

    /// What is meant by one that is heard now.
    fn heard(&mut self, now: Instant) -> Wish {
        match self.first {
            None => {
                self.first = Some(now);
                Wish::Stop
            }
            Some(first) if now - first < Self::ECHO => Wish::Same,
            Some(_) => Wish::AtOnce,
        }
    }
}

/// Hears when the process is told to stop: by Ctrl-C, or on Unix by SIGTERM. Where no handler can be set,
/// the system's default ends the program, as it should.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    signals: [Option<tokio::signal::unix::Signal>; 2],
    wishes: Wishes,
}

impl Signals {
    /// Listens, within a runtime; from now on where that is Unix, elsewhere whenever a wish is waited for.
    pub(super) fn new() -> Signals {
        Signals {
            #[cfg(unix)]
            signals: {
                use tokio::signal::unix::{SignalKind, signal};
                [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok())
            },
            wishes: Wishes::default(),
        }
    }

    /// The next wish. May be given up at any point.
    pub(super) async fn wish(&mut self) -> Wish {
        self.signal().await;
        self.wishes.heard(Instant::now())
    }

    #[cfg(unix)]
    async fn signal(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            () = heard(interrupt) => {}
            () = heard(terminate) => {}
        }
    }

    #[cfg(not(unix))]
    async fn signal(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

fn bar(network: &Network, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(0);
    let rate = |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.1} M orders/s", state.per_sec() / 1e6);
    };
    if let Ok(style) =
        ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} %  {msg}  {rate}  {eta} left")
    {
        bar.set_style(style.with_key("rate", rate).progress_chars("━╸─"));
    }
    bar.set_prefix(network.name.clone());
    bar
}

fn update(bar: &ProgressBar, control: &Control, per_replication: f64) {
    let (done, planned) = control.replications();
    if planned == 0 {
        bar.set_message("finding the warm-up");
        return;
    }
    let expected = (per_replication * planned as f64) as u64;
    bar.set_length(expected.max(control.orders()));
    bar.set_position(control.orders());
    bar.set_message(format!(
        "{} of {} replications",
        format::count(done),
        format::count(planned)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_heard_twice_is_one() {
        let mut wishes = Wishes::default();
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        assert_eq!(wishes.heard(start), Wish::Stop);
        assert_eq!(wishes.heard(after(1)), Wish::Same);
        assert_eq!(wishes.heard(after(299)), Wish::Same);
        assert_eq!(wishes.heard(after(300)), Wish::AtOnce);
    }
}
