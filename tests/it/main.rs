//! What a user sees, and agreement with published numbers.

mod agreement;
mod cases;
mod catalogue;
mod commands;
mod coverage;
mod delivery;
mod edges;
mod engines;
mod everything;
mod failures;
mod figures;
mod library;
mod measured;
mod networks;
mod paths;
mod poisson;
mod properties;
mod readme;
mod reference;
mod scenario;
mod scenarios;
mod staffing;
mod stock;
mod truth;
mod twin;
mod varying;
