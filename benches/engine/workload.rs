//! What is simulated: stages in series, with exponential service of rate 1 and Poisson arrivals.

use orderline::network::Network;
use orderline::scenario::parse;
use std::fmt::Write;
use std::path::Path;

/// Stages in series, all alike.
#[derive(Debug, Clone, Copy)]
pub struct Tandem {
    /// How many stages.
    pub stages: usize,
    /// Consumers at each; none for as many as there is work.
    pub consumers: Option<u32>,
    /// Orders per second.
    pub rate: f64,
}

impl Tandem {
    /// Stages whose consumers are busy for a share `rho` of the time.
    pub fn busy(stages: usize, consumers: u32, rho: f64) -> Tandem {
        Tandem {
            stages,
            consumers: Some(consumers),
            rate: rho * f64::from(consumers),
        }
    }

    /// One stage without queueing and with `pending` orders in service on average.
    pub fn pending(pending: f64) -> Tandem {
        Tandem {
            stages: 1,
            consumers: None,
            rate: pending,
        }
    }

    /// The network that an engine runs: one replication, all of it counted.
    pub fn network(&self, orders: u64) -> Network {
        let text = self.scenario(orders).expect("text takes all");
        let loaded = parse(&text, "bench", Path::new("."), &[]);
        loaded.expect("a correct scenario").network
    }

    fn scenario(&self, orders: u64) -> Result<String, std::fmt::Error> {
        let rate = self.rate;
        let mut text = format!(
            "name = \"bench\"\nseed = 1\n[run]\norders = {orders}\nwarmup = 0\nreplications = 1\n\
             [[producer]]\nname = \"p\"\nto = \"s0\"\narrivals = {{ poisson = {{ rate = {rate:?} }} }}\n"
        );
        let consumers = match self.consumers {
            Some(consumers) => consumers.to_string(),
            None => "\"unlimited\"".to_owned(),
        };
        for stage in 0..self.stages {
            let next = match stage + 1 {
                next if next < self.stages => format!("s{next}"),
                _ => "completed".to_owned(),
            };
            write!(
                text,
                "[[stage]]\nname = \"s{stage}\"\nconsumers = {consumers}\n\
                 service = {{ exponential = {{ rate = 1 }} }}\nnext = \"{next}\"\n"
            )?;
        }
        Ok(text)
    }
}
