//! Everything a stage can do beyond a plain queue.

mod backoff;
mod breaker;
mod partition;
mod publish;
mod scaler;
mod shelves;
mod shifts;
