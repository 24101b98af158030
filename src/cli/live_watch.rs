//! A live run with progress on a terminal, stopped by Ctrl-C.

use super::exit::Failure;
use super::progress::{Signals, Wish};
use crate::live::{LiveControl, LiveError, LiveRun, Progress, Request, run_on};
use crate::network::System;
use crate::report::format;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Between two looks at how far the run is.
const TICK: Duration = Duration::from_millis(500);

/// A run that was watched.
pub(super) struct Watched {
    pub run: LiveRun,
    /// Whether somebody asked it to stop.
    pub stopped: bool,
}

/// Runs live on threads of their own. The first Ctrl-C asks producers to stop, so that what was measured
/// is kept and nothing is left behind; after a second one nothing is waited for.
pub(super) fn watch(system: System, request: Request, quiet: bool) -> Result<Watched, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io("start the runtime".to_owned(), error))?;
    let result = runtime.block_on(watching(system, request, quiet));
    // Threads of a client that still wait for a broker that is gone are not waited for.
    runtime.shutdown_background();
    result
}

async fn watching(system: System, request: Request, quiet: bool) -> Result<Watched, Failure> {
    let control = Arc::new(LiveControl::default());
    let bar = bar(&request, quiet);
    let end = request.end;
    let mut work = tokio::spawn(run_on(system, request, Arc::clone(&control)));
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut signals = Signals::new();
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            _ = ticks.tick() => update(&bar, end, control.progress()),
            wish = signals.wish() => match wish {
                Wish::Stop => stop(&control, &bar, quiet),
                Wish::Same => {}
                Wish::AtOnce => return Err(Failure::AtOnce(
                    "stopped at once; what was measured is not kept, and queues of the run may be left on the broker",
                )),
            },
        }
    };
    bar.finish_and_clear();
    let stopped = control.stopped();
    match result {
        Ok(Ok(run)) => Ok(Watched { run, stopped }),
        Ok(Err(LiveError::Broker(_))) if stopped => Err(Failure::Live(LiveError::Stopped)),
        Ok(Err(error)) => Err(Failure::Live(error)),
        Err(error) => Err(Failure::Defect(error.to_string())),
    }
}

fn stop(control: &LiveControl, bar: &ProgressBar, quiet: bool) {
    if !quiet {
        bar.suspend(|| {
            eprintln!(
                "orderline: stopping; Ctrl-C once more to stop at once, without what was measured and without \
                 tidying the broker"
            );
        });
    }
    control.stop();
}

fn bar(request: &Request, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new((request.end * 1000.0) as u64);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30}  {msg}") {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_prefix(request.network.name.clone());
    bar.set_message("connecting");
    bar
}

fn update(bar: &ProgressBar, end: f64, progress: Progress) {
    if !progress.is_running {
        return;
    }
    bar.set_position((progress.time.min(end) * 1000.0) as u64);
    let backlog = progress.entered - progress.gone.min(progress.entered);
    let rate = progress.entered as f64 / progress.time.min(end).max(1e-3);
    bar.set_message(format!(
        "{} of {}  {} sent ({rate:.1}/s)  {} done  {} under way  at most {} late",
        format::duration(progress.time.min(end).floor()),
        format::duration(end),
        format::count(progress.entered),
        format::count(progress.gone),
        format::count(backlog),
        format::duration(progress.lateness),
    ));
}
