//! A cable between a client and its server that can be cut, and that can stop passing anything on.

use crate::facts::Facts;
use orderline::live::brokers::Address;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Passes on what comes to a port of this machine.
pub struct Cable {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    ends: Mutex<Ends>,
    changed: Condvar,
}

#[derive(Default)]
struct Ends {
    condition: Condition,
    /// How often it was mended: what was joined before is dead.
    mended: u32,
    streams: Vec<TcpStream>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Condition {
    #[default]
    Whole,
    Cut,
    Frozen,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while nothing passes; whether what was joined at that time may pass on.
    fn passes(&self, joined: u32) -> bool {
        let ends = self
            .changed
            .wait_while(self.lock(), |ends| {
                ends.condition == Condition::Frozen && ends.mended == joined
            })
            .unwrap_or_else(PoisonError::into_inner);
        ends.condition == Condition::Whole && ends.mended == joined
    }
}

impl Cable {
    /// To a server; the port it has if the address names none is that of the default address.
    pub fn to(address: &Address, facts: &Facts) -> Cable {
        let usual = || {
            let usual: Address = facts.default?.parse().ok()?;
            usual.port
        };
        let port = address.port.or_else(usual).expect("a port");
        let server = (address.host.clone(), port);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = TcpStream::connect(&server) {
                    let _ = join(&shared, client, server);
                }
            }
        });
        Cable { port, state }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections, and lets none in.
    pub fn cut(&self) {
        self.state.lock().end(Condition::Cut);
    }

    /// Keeps all connections, lets new ones in, and passes nothing on.
    pub fn freeze(&self) {
        self.state.lock().condition = Condition::Frozen;
    }

    /// Lets new connections in; the old ones are over.
    pub fn mend(&self) {
        let mut ends = self.state.lock();
        ends.mended += 1;
        ends.end(Condition::Whole);
        self.state.changed.notify_all();
    }
}

impl Ends {
    fn end(&mut self, condition: Condition) {
        self.condition = condition;
        for stream in self.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Passes on in both directions.
fn join(state: &Arc<State>, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
    let mut ends = state.lock();
    if ends.condition == Condition::Cut {
        return Ok(());
    }
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        ends.streams.push(stream.try_clone()?);
    }
    let joined = ends.mended;
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        let state = Arc::clone(state);
        thread::spawn(move || pass_on(&state, joined, from, to));
    }
    Ok(())
}

fn pass_on(state: &State, joined: u32, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !state.passes(joined) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
