//! What a user sees, and agreement with published numbers.

mod agreement;
mod cases;
mod catalogue;
mod commands;
mod coverage;
mod edges;
mod engines;
mod library;
mod networks;
mod paths;
mod poisson;
mod properties;
mod readme;
mod reference;
mod scenario;
mod stock;
mod truth;
mod varying;
