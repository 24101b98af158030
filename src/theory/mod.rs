//! Queueing formulas: one small file a model, a recognizer that picks the most specific one for
//! each stage, and the networks they form.
//!
//! Nothing here is simulated. A [`Figure`] says of itself whether it is exact, an approximation or
//! a bound, by which formula and after whom; what has no formula is left out, with the assumption
//! that is violated.

mod figure;

pub use figure::{Curve, Figure, Figures, Kind};
