//! Why a formula refuses to give a figure.

/// The parameters are outside the domain of a formula.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A parameter is not a number of the kind the model needs.
    #[error("{name} = {value} is outside the model's domain")]
    Domain {
        /// Which parameter.
        name: &'static str,
        /// What it was.
        value: f64,
    },
    /// Orders come as fast as they can be served, or faster.
    #[error("offered load {load} of capacity: no steady state")]
    Unstable {
        /// ρ = λ/(cμ), at least 1.
        load: f64,
    },
    /// A numerical method did not reach the accuracy that it promises.
    #[error("{method} did not reach the accuracy that it promises (off by {error:e})")]
    Inaccurate {
        /// What was tried.
        method: &'static str,
        /// Its own measure of how far it is off.
        error: f64,
    },
    /// The figures are well defined, but computing them would take too long.
    #[error("more than {limit:e} steps of computation, so it is not done")]
    Effort {
        /// How many steps were allowed.
        limit: f64,
    },
}

/// Passes a positive finite number through.
pub(super) fn positive(name: &'static str, value: f64) -> Result<f64, ModelError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ModelError::Domain { name, value })
    }
}

/// Passes a finite number that is at least 0 through.
pub(super) fn non_negative(name: &'static str, value: f64) -> Result<f64, ModelError> {
    if value.is_finite() && value >= 0.0 {
        Ok(value)
    } else {
        Err(ModelError::Domain { name, value })
    }
}

/// Passes a load below 1 through.
pub(super) fn stable(load: f64) -> Result<f64, ModelError> {
    if load < 1.0 {
        Ok(load)
    } else {
        Err(ModelError::Unstable { load })
    }
}
