//! How long and how often to try again when a broker is lost.

use super::brokers::{Broker, BrokerError};
use super::run::{Shared, told};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first pause, doubled from try to try.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One loss of a connection. As long as there is one, the broker counts as down.
pub(super) struct Patience<B: Broker> {
    shared: Arc<Shared<B>>,
    until: Instant,
    pause: Duration,
    last: BrokerError,
}

impl<B: Broker> Patience<B> {
    pub(super) fn new(shared: Arc<Shared<B>>, lost: BrokerError) -> Patience<B> {
        shared.staff_log.outage(&shared.clock, 1);
        Patience {
            until: Instant::now() + shared.give_up_after,
            pause: FIRST_PAUSE,
            last: lost,
            shared,
        }
    }

    /// Waits before the next try; the last is made when the time is over.
    ///
    /// # Errors
    /// When there is to be none: it has taken too long, or the run is over.
    pub(super) async fn wait(&mut self) -> Result<(), BrokerError> {
        let now = Instant::now();
        if now >= self.until {
            return Err(self.last.clone());
        }
        let next = (now + self.pause).min(self.until);
        let mut stop = self.shared.stop_members.subscribe();
        tokio::select! {
            biased;
            () = told(&mut stop) => return Err(self.last.clone()),
            () = tokio::time::sleep_until(next.into()) => {}
        }
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        Ok(())
    }

    /// A try has failed.
    ///
    /// # Errors
    /// When that is of a kind that no other try helps against.
    pub(super) fn blame(&mut self, error: BrokerError) -> Result<(), BrokerError> {
        if !error.is_passing() {
            return Err(error);
        }
        self.last = error;
        Ok(())
    }
}

impl<B: Broker> Drop for Patience<B> {
    fn drop(&mut self) {
        self.shared.staff_log.outage(&self.shared.clock, -1);
    }
}
