//! A cable between a client and its server that can be cut.

use crate::facts::Facts;
use orderline::live::brokers::Address;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes on what comes to a port of this machine.
pub struct Cable {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    whole: bool,
    streams: Vec<TcpStream>,
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
        let state = Arc::new(Mutex::new(State {
            whole: true,
            streams: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = TcpStream::connect(&server) {
                    join(&shared, client, server);
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
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.whole = false;
        for stream in state.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets new connections in.
    pub fn mend(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.whole = true;
    }
}

/// Passes on in both directions.
fn join(state: &Mutex<State>, client: TcpStream, server: TcpStream) {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if !state.whole {
        return;
    }
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    for stream in [&client, &server] {
        state.streams.extend(stream.try_clone());
    }
    thread::spawn(move || pass_on(from_client, server));
    thread::spawn(move || pass_on(from_server, client));
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
