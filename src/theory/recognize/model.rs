//! A model as the catalogue lists it.

use super::{Case, Fit};
use crate::theory::Kind;

/// One model: what it needs, what it gives, who published it, and which tests hold it to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// In Kendall's notation or the field's usual name.
    pub name: &'static str,
    /// When it applies.
    pub conditions: &'static str,
    /// What it gives.
    pub gives: &'static str,
    /// How far its figures can be trusted.
    pub kind: Kind,
    /// Who published it, where.
    pub source: &'static str,
    /// The tests that check it, by the names of their functions.
    pub tests: &'static [&'static str],
}

/// A model of single stages and how to know a stage that it fits.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub model: &'static Model,
    pub fit: fn(&Case<'_>) -> Fit,
}
