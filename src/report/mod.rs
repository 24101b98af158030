//! Measured beside theory: the comparison with its verdicts, and every form it is shown in.

pub mod html;
pub mod records;
