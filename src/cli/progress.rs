//! A simulation with progress on a terminal, stopped by Ctrl-C.

use super::exit::{Exit, Failure};
use crate::network::Network;
use crate::report::format;
use crate::sim::{Control, SimOptions, SimResult, simulate};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
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
/// asks the job to stop, so that what was measured is kept; a second one ends the program.
///
/// # Errors
/// When the runtime cannot be started.
pub(super) fn watched<T: Send + 'static>(
    network: &Network,
    quiet: bool,
    job: impl FnOnce(&Network, &Control) -> T + Send + 'static,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io("start the runtime".to_owned(), error))?;
    runtime.block_on(watch(Arc::new(network.clone()), quiet, job))
}

async fn watch<T: Send + 'static>(
    network: Arc<Network>,
    quiet: bool,
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
    let per_replication = network.expected_orders();
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            _ = ticks.tick() => update(&bar, &control, per_replication),
            () = told_to_stop() => interrupt(&control),
        }
    };
    bar.finish_and_clear();
    result.map_err(|error| Failure::Defect(error.to_string()))
}

/// Ends when the process is told to stop: by Ctrl-C, or where there are such signals by SIGTERM. Where
/// no handler can be set, the system's default ends the program, as it should.
pub(super) async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => return,
                Some(()) = terminate.recv() => return,
                else => {}
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn interrupt(control: &Control) {
    if control.stopped() {
        std::process::exit(i32::from(u8::from(Exit::Interrupted)));
    }
    control.stop();
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
