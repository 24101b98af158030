//! Orderline answers one question for the people who run an order pipeline on message queues: how
//! will it behave under load, and why?
//!
//! A scenario file describes producers, queues, consumers and the stages an order passes. It is
//! read by [`scenario`] into one [`network`], and every engine reads only that network:
//!
//! | room | what it does | reads |
//! | --- | --- | --- |
//! | [`scenario`] | the file: text with spans, units, diagnostics, then the network | [`network`], [`random`] |
//! | [`network`] | the compiled pipeline: indices for names, every default spelled out | [`random`] |
//! | [`metric`] | the words of measurement: names, units, places | nothing |
//! | [`random`] | streams, probability laws, arrival processes | nothing |
//! | `simd` | kernels compiled for the widest vector instructions of the processor | nothing |
//! | [`stats`] | estimators: tallies, time-weighted averages, histograms, warm-up, intervals | nothing |
//! | [`sim`] | two engines in virtual time (events; recursion), and their replications | [`network`], [`random`], [`stats`], [`metric`] |
//! | [`live`] | the same orders in real time, through a real broker | [`network`], [`random`], [`sim`] |
//! | [`theory`] | one file a queueing model, a recognizer, networks | [`network`], [`random`] (laws only), [`metric`] |
//! | [`report`] | measured beside theory with a verdict; tables, CSV, JSON, HTML, the output folder | [`sim`], [`theory`], [`stats`] |
//! | [`chart`] | a chart as a value, one renderer, one file a chart | the records of [`report`] |
//! | [`cli`] | one file a command | all of them |
//!
//! Arrows run one way. `theory` never sees `sim`, and `sim` never sees `report`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod chart;
pub mod cli;
pub mod live;
pub mod metric;
pub mod network;
pub mod random;
pub mod report;
pub mod scenario;
pub mod sim;
mod simd;
pub mod stats;
pub mod theory;
