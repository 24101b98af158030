//! What every adapter must do, each as one function over any broker. A case that a system cannot do by
//! its [`Abilities`](orderline::live::brokers::Abilities) ends at once.

pub mod delivery;
pub mod limits;
pub mod measure;
pub mod restart;
pub mod settling;
pub mod trouble;
