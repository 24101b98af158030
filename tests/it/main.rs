//! What a user sees, and agreement with published numbers.

mod commands;
mod coverage;
mod networks;
mod properties;
mod scenario;
mod truth;
