//! Random scenarios about one construct each, now and then together with others.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::fmt::Write;

/// What a scenario is about.
pub const FAMILIES: [&str; 11] = [
    "plain",
    "patience",
    "breakdown",
    "retry",
    "closed",
    "fork",
    "block",
    "sharing",
    "shortest",
    "preemptive",
    "bounded",
];

/// Orders per second that the stages are made for.
const RATE: f64 = 4.0;

/// Writes one scenario.
pub struct Writer {
    family: &'static str,
    random: Xoshiro256PlusPlus,
    classes: usize,
    text: String,
}

impl Writer {
    pub fn new(family: &'static str, seed: u64) -> Writer {
        let index = FAMILIES.iter().position(|f| *f == family).unwrap_or(0) as u64;
        let mut writer = Writer {
            family,
            random: Xoshiro256PlusPlus::seed_from_u64(seed * 100 + index),
            classes: 1,
            text: format!("# {family} {seed}\nseed = {seed}\n[run]\norders = 1000\n"),
        };
        writer.classes = if writer.chance(0.4) {
            writer.pick(&[2, 2, 3])
        } else {
            1
        };
        writer
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.random_range(0..from.len())]
    }

    fn chance(&mut self, p: f64) -> bool {
        self.random.random_bool(p)
    }

    /// Whether a construct is asked for: where the scenario is about it, and seldom elsewhere.
    fn wants(&mut self, family: &str) -> bool {
        self.family == family || self.chance(0.06)
    }

    /// A law with this mean, most often exponential.
    fn law(&mut self, mean: f64) -> String {
        if self.chance(0.6) {
            return format!("{{ exponential = {{ mean = {mean} }} }}");
        }
        match self.random.random_range(0..8) {
            0 => format!("{{ deterministic = {{ value = {mean} }} }}"),
            1 => format!("{{ erlang = {{ shape = 3, mean = {mean} }} }}"),
            2 => format!("{{ hyperexponential = {{ mean = {mean}, scv = 3 }} }}"),
            3 => format!(
                "{{ uniform = {{ low = {}, high = {} }} }}",
                0.2 * mean,
                1.8 * mean
            ),
            4 => format!("{{ gamma = {{ mean = {mean}, scv = 0.7 }} }}"),
            5 => format!("{{ lognormal = {{ mean = {mean}, scv = 0.8 }} }}"),
            6 => {
                let rates = format!("[{}, {}]", 2.0 / mean, 0.5 / mean);
                format!("{{ coxian = {{ rates = {rates}, probabilities = [0.25] }} }}")
            }
            // Three sizes: ties are common.
            _ => {
                let part = |weight: f64, value: f64| {
                    format!("{{ weight = {weight}, deterministic = {{ value = {value} }} }}")
                };
                let parts = [
                    part(0.5, 0.5 * mean),
                    part(0.3, mean),
                    part(0.2, 2.25 * mean),
                ];
                format!("{{ mixture = {{ components = [{}] }} }}", parts.join(", "))
            }
        }
    }

    fn arrivals(&mut self, rate: f64) -> String {
        if self.chance(0.8) {
            return format!("{{ poisson = {{ rate = {rate} }} }}");
        }
        match self.random.random_range(0..4) {
            0 => format!("{{ renewal = {} }}", self.law(1.0 / rate)),
            1 => format!(
                "{{ renewal = {{ erlang = {{ shape = 2, mean = {} }} }} }}",
                1.0 / rate
            ),
            2 => {
                let rates = format!("[{}, {}]", 1.6 * rate, 0.4 * rate);
                let dwell = format!("[{}, {}]", 5.0 / rate, 5.0 / rate);
                format!("{{ mmpp = {{ rates = {rates}, dwell = {dwell} }} }}")
            }
            _ => {
                let size = self.pick(&[
                    "{ geometric = { mean = 2 } }",
                    "{ deterministic = { value = 2 } }",
                ]);
                let process = format!("{{ poisson = {{ rate = {} }} }}", rate / 2.0);
                format!("{{ batch = {{ process = {process}, size = {size} }} }}")
            }
        }
    }

    /// The producers, or populations, of all classes.
    fn producers(&mut self, to: &str) {
        if self.classes > 1 {
            for class in 0..self.classes {
                let priority = self.pick(&[0, 1, 2]);
                let _ = write!(
                    self.text,
                    "[[class]]\nname = \"c{class}\"\npriority = {priority}\n"
                );
            }
        }
        let closed = self.wants("closed");
        for class in 0..self.classes {
            let rate = RATE / self.classes as f64;
            let of = if self.classes > 1 {
                format!("class = \"c{class}\"\n")
            } else {
                String::new()
            };
            let arrivals = if closed && (class == 0 || self.chance(0.8)) {
                let customers = self.pick(&[1, 2, 3, 6]);
                let think = self.law(f64::from(customers) / rate * 0.6);
                format!("{{ closed = {{ customers = {customers}, think = {think} }} }}")
            } else {
                self.arrivals(rate)
            };
            let _ = write!(
                self.text,
                "[[producer]]\nname = \"p{class}\"\nto = \"{to}\"\n{of}arrivals = {arrivals}\n"
            );
        }
    }

    fn discipline(&mut self) -> &'static str {
        let preemptive = "{ priority = { preemptive = true } }";
        match self.family {
            "sharing" => "\"ps\"",
            "shortest" => self.pick(&["\"sjf\"", "\"srpt\""]),
            "preemptive" => preemptive,
            _ => {
                let fifo = "\"fifo\"";
                let priority = "{ priority = { preemptive = false } }";
                let any = [
                    fifo,
                    priority,
                    "\"lifo\"",
                    "\"random\"",
                    "\"ps\"",
                    "\"sjf\"",
                    "\"srpt\"",
                    preemptive,
                ];
                if self.chance(0.6) {
                    fifo
                } else {
                    self.pick(&any)
                }
            }
        }
    }

    /// A stage that is offered `rate`, with all its whims; `overflow` is what its queue does when full.
    fn stage(&mut self, name: &str, rate: f64, load: f64, overflow: Option<&str>, next: &str) {
        let consumers = self.pick(&[1, 1, 1, 2, 3]);
        let mean = load * f64::from(consumers) / rate;
        let service = self.law(mean);
        let discipline = self.discipline();
        let mut own = String::new();
        for class in 0..self.classes {
            if self.classes > 1 && self.chance(0.2) {
                let law = self.law(mean);
                let _ = writeln!(own, "class.c{class}.service = {law}");
            }
        }
        let bounded = overflow.is_some() || self.wants("bounded");
        let queue = if self.wants("retry") && overflow.is_none() {
            let delay = self.pick(&[0.2, 1.0, 3.0]) * mean;
            let (places, delay) = (self.pick(&[0, 0, 2]), self.law(delay));
            format!(", capacity = {places}, overflow = {{ retry = {delay} }}")
        } else if bounded {
            let places = self.pick(&[0, 1, 2, 5]);
            format!(
                ", capacity = {places}, overflow = \"{}\"",
                overflow.unwrap_or("reject")
            )
        } else {
            String::new()
        };
        let _ = write!(
            self.text,
            "[[stage]]\nname = \"{name}\"\nconsumers = {consumers}\nservice = {service}\n{own}\
             queue = {{ discipline = {discipline}{queue} }}\n{next}"
        );
        if self.wants("patience") {
            let patience = self.pick(&[0.5, 2.0, 5.0]) * mean;
            let patience = self.law(patience);
            let _ = writeln!(self.text, "patience = {patience}");
        }
        if self.wants("breakdown") {
            let (up, down) = (
                self.pick(&[5.0, 20.0]) * mean,
                self.pick(&[0.5, 2.0]) * mean,
            );
            let (up, down) = (self.law(up), self.law(down));
            let shared = discipline == "\"ps\"";
            let when = if shared {
                "always"
            } else {
                self.pick(&["always", "always", "busy"])
            };
            let then = if shared {
                "resume"
            } else {
                self.pick(&["resume", "resume", "restart", "redeliver"])
            };
            let _ = writeln!(
                self.text,
                "breakdown = {{ uptime = {up}, downtime = {down}, when = \"{when}\", then = \"{then}\" }}"
            );
        }
    }

    fn load(&mut self) -> f64 {
        if self.chance(0.07) {
            return 1.3;
        }
        self.pick(&[0.3, 0.5, 0.7, 0.8])
    }

    /// What follows a stage: mostly nothing; a way back, or a part given up.
    fn next(&mut self, name: &str) -> (f64, String) {
        let to =
            |list: &str| format!("next = [{list}, {{ to = \"completed\", probability = 0.75 }}]\n");
        match self.random.random_range(0..10) {
            0 | 1 => (
                4.0 / 3.0,
                to(&format!("{{ to = \"{name}\", probability = 0.25 }}")),
            ),
            2 => (1.0, to("{ to = \"cancelled\", probability = 0.25 }")),
            _ => (1.0, String::new()),
        }
    }

    pub fn scenario(mut self) -> String {
        let line = self.chance(0.35);
        match self.family {
            "fork" => self.fork(),
            "block" => self.line("block"),
            _ if line => self.line("reject"),
            _ => self.single(),
        }
        self.text
    }

    fn single(&mut self) {
        self.producers("s");
        let (visits, next) = self.next("s");
        let load = self.load();
        self.stage("s", RATE * visits, load, None, &next);
    }

    /// Two stages, the second of which may block the first; sometimes two before the one.
    fn line(&mut self, overflow: &str) {
        let two = self.chance(0.25);
        self.producers("s");
        let (mut rate, mut next) = (RATE, "next = \"t\"\n".to_owned());
        if two {
            next =
                "next = [{ to = \"t\", probability = 0.6 }, { to = \"u\", probability = 0.4 }]\n"
                    .to_owned();
        } else if self.chance(0.2) {
            rate = RATE / 0.8;
            next =
                "next = [{ to = \"t\", probability = 0.8 }, { to = \"s\", probability = 0.2 }]\n"
                    .to_owned();
        }
        let load = self.load();
        self.stage("s", rate, load, None, &next);
        if two {
            let load = self.load();
            self.stage("u", 0.4 * RATE, load, None, "next = \"t\"\n");
        }
        // The second is plain more often than not, so that what comes to it is what matters.
        let kept = self.family;
        let load = self.load();
        if self.chance(0.7) {
            self.family = "plain";
        }
        let overflow = (overflow == "block").then_some("block");
        let back = overflow.is_none() && self.chance(0.15);
        let back = if back {
            "next = [{ to = \"s\", probability = 0.2 }, { to = \"completed\", probability = 0.8 }]\n"
        } else {
            ""
        };
        self.stage("t", RATE, load, overflow, back);
        self.family = kept;
    }

    fn fork(&mut self) {
        let front = self.chance(0.3);
        self.producers(if front { "front" } else { "s" });
        if front {
            self.family = self.pick(&["plain", "bounded"]);
            let load = self.load();
            self.stage("front", RATE, load, None, "next = \"s\"\n");
        }
        let count = self.pick(&[2, 2, 3]);
        let branches = ["\"a\"", "\"b\"", "\"c\""];
        let branches = branches[..count].join(", ");
        let onward = self.chance(0.3);
        let next = if onward { "next = \"t\"\n" } else { "" };
        let service = if self.chance(0.7) {
            "{ deterministic = { value = 0 } }".to_owned()
        } else {
            self.law(0.5 / RATE)
        };
        let consumers = self.pick(&["\"unlimited\"", "1"]);
        let _ = write!(
            self.text,
            "[[stage]]\nname = \"s\"\nconsumers = {consumers}\nservice = {service}\n{next}\
             fanout = [{branches}]\njoin = \"all\"\n"
        );
        self.family = "plain";
        let load = self.load();
        for name in &["a", "b", "c"][..count] {
            let load = if self.chance(0.7) { load } else { self.load() };
            self.stage(name, RATE, load, None, "");
        }
        if onward {
            let load = self.load();
            self.stage("t", RATE, load, None, "");
        }
    }
}
