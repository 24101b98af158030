//! What is wrong with a parameter of a law or of an arrival process.

/// A parameter that no law of its kind can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParameterError {
    /// The key at fault as the scenario file spells it, such as `mean`, `scv`, `rates` or `T`.
    pub parameter: &'static str,
    /// What is wrong with which value, and what would be right.
    pub message: String,
}

impl ParameterError {
    /// An error at `parameter`.
    pub(super) fn new(parameter: &'static str, message: impl Into<String>) -> Self {
        Self {
            parameter,
            message: message.into(),
        }
    }
}

/// How far a list of probabilities may be from adding up to 1 (files carry rounded decimals).
const SUM_TOLERANCE: f64 = 1e-9;

/// Refuses what is not a finite number above 0.
pub(super) fn positive(parameter: &'static str, value: f64) -> Result<f64, ParameterError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    let message = format!("`{parameter}` must be a finite number above 0, not {value}");
    Err(ParameterError::new(parameter, message))
}

/// Refuses what is not a finite number of at least 0.
pub(super) fn non_negative(parameter: &'static str, value: f64) -> Result<f64, ParameterError> {
    if value >= 0.0 && value.is_finite() {
        // A negative zero would print as "-0" and sort below 0.
        return Ok(value.abs());
    }
    let message = format!("`{parameter}` must be a finite number of at least 0, not {value}");
    Err(ParameterError::new(parameter, message))
}

/// Refuses a derived quantity that left the range of a 64-bit float.
pub(super) fn representable(
    parameter: &'static str,
    what: &str,
    value: f64,
) -> Result<f64, ParameterError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    let message = format!(
        "`{parameter}` makes the {what} come out as {value}; choose a value nearer to 1 second"
    );
    Err(ParameterError::new(parameter, message))
}

/// Refuses an empty list.
pub(super) fn not_empty<T>(parameter: &'static str, list: &[T]) -> Result<(), ParameterError> {
    if list.is_empty() {
        let message = format!("`{parameter}` must have at least one entry");
        return Err(ParameterError::new(parameter, message));
    }
    Ok(())
}

/// Refuses a list that has not `expected` entries; `reason` says whence the number comes.
pub(super) fn length<T>(
    parameter: &'static str,
    list: &[T],
    expected: usize,
    reason: &str,
) -> Result<(), ParameterError> {
    if list.len() == expected {
        return Ok(());
    }
    let found = list.len();
    let message = format!("`{parameter}` must have {expected} entries ({reason}), not {found}");
    Err(ParameterError::new(parameter, message))
}

/// Refuses what is not a number from 0 to 1.
pub(super) fn probability(parameter: &'static str, value: f64) -> Result<f64, ParameterError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value.abs());
    }
    let message = format!("every entry of `{parameter}` must be from 0 to 1, not {value}");
    Err(ParameterError::new(parameter, message))
}

/// Probabilities that add up to 1, freed of the rounding of the decimals they were written with.
pub(super) fn probabilities(
    parameter: &'static str,
    list: Vec<f64>,
) -> Result<Vec<f64>, ParameterError> {
    not_empty(parameter, &list)?;
    for &entry in &list {
        probability(parameter, entry)?;
    }
    let sum: f64 = list.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        let message = format!("`{parameter}` must add up to 1, not {sum}");
        return Err(ParameterError::new(parameter, message));
    }
    Ok(list.into_iter().map(|entry| entry.abs() / sum).collect())
}

/// Probabilities that add up to more than 0 and at most 1.
pub(super) fn defective_probabilities(
    parameter: &'static str,
    list: Vec<f64>,
) -> Result<Vec<f64>, ParameterError> {
    not_empty(parameter, &list)?;
    for &entry in &list {
        probability(parameter, entry)?;
    }
    let sum: f64 = list.iter().sum();
    if sum <= 0.0 || sum > 1.0 + SUM_TOLERANCE {
        let message = format!("`{parameter}` must add up to more than 0 and at most 1, not {sum}");
        return Err(ParameterError::new(parameter, message));
    }
    let scale = if sum > 1.0 - SUM_TOLERANCE { sum } else { 1.0 };
    Ok(list.into_iter().map(|entry| entry.abs() / scale).collect())
}
