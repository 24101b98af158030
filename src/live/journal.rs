//! What happened, written down as it happens: to a file without a name, so that a long run takes no more
//! memory than a short one while it goes on, and nothing is left behind whatever ends the process. It is read
//! back whole when the run is over: what is compared order by order takes about a kilobyte an order then.

use crate::sim::{Event, Logged, Outcome};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks for what is to be written.
const EVERY: Duration = Duration::from_millis(20);

/// Takes events from any thread.
#[derive(Debug)]
pub(super) struct Journal {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<io::Result<File>>>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Events that are not yet written.
    fresh: Mutex<Vec<Logged>>,
    closed: AtomicBool,
}

impl Journal {
    /// An empty journal.
    ///
    /// # Errors
    /// When there is no place for temporary files, or no thread to be had.
    pub(super) fn new() -> io::Result<Journal> {
        let file = tempfile::tempfile()?;
        let shared = Arc::new(Shared::default());
        let writer = {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("journal".to_owned());
            thread.spawn(move || shared.write_to(file))?
        };
        Ok(Journal {
            shared,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Notes an event.
    pub(super) fn note(&self, time: f64, message: u64, what: Event) {
        let event = Logged {
            time,
            message,
            what,
        };
        self.shared.lock().push(event);
    }

    /// All that was noted, sorted by time; what was noted first goes first at one instant. To be asked for
    /// once.
    ///
    /// # Errors
    /// When the disk failed.
    pub(super) fn finish(&self) -> io::Result<Vec<Logged>> {
        self.shared.closed.store(true, Ordering::Release);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = writer.take() else {
            return Ok(Vec::new());
        };
        let died = |_| io::Error::other("the journal's writer died");
        let mut file = writer.join().map_err(died)??;
        file.rewind()?;
        let bytes = file.metadata()?.len();
        let mut events = Vec::with_capacity((bytes / RECORD as u64) as usize);
        let mut reader = BufReader::new(file);
        let mut record = [0; RECORD];
        for _ in 0..bytes / RECORD as u64 {
            reader.read_exact(&mut record)?;
            events.extend(decode(&record));
        }
        events.sort_by(|a, b| a.time.total_cmp(&b.time));
        Ok(events)
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Logged>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, file: File) -> io::Result<File> {
        let mut file = BufWriter::new(file);
        let mut taken = Vec::new();
        loop {
            let closed = self.closed.load(Ordering::Acquire);
            std::mem::swap(&mut *self.lock(), &mut taken);
            for event in taken.drain(..) {
                file.write_all(&encode(&event))?;
            }
            if closed {
                return file.into_inner().map_err(io::IntoInnerError::into_error);
            }
            std::thread::sleep(EVERY);
        }
    }
}

/// Bytes of a record: time, message, kind, two numbers and three times.
const RECORD: usize = 8 + 8 + 1 + 4 + 4 + 3 * 8;

fn encode(event: &Logged) -> [u8; RECORD] {
    let (kind, [a, b], [x, y, z]) = parts(event.what);
    let mut record = [0; RECORD];
    let fields = [
        &event.time.to_le_bytes()[..],
        &event.message.to_le_bytes()[..],
        &[kind],
        &a.to_le_bytes(),
        &b.to_le_bytes(),
        &x.to_le_bytes(),
        &y.to_le_bytes(),
        &z.to_le_bytes(),
    ];
    let mut at = 0;
    for field in fields {
        record[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    }
    record
}

fn parts(what: Event) -> (u8, [u32; 2], [f64; 3]) {
    match what {
        Event::Enters {
            producer,
            class,
            size,
        } => (0, [producer, class], [size, 0.0, 0.0]),
        Event::Duplicated { class, size } => (1, [class, 0], [size, 0.0, 0.0]),
        Event::Joins {
            stage,
            held,
            enqueue,
            network,
        } => (2, [stage, 0], [held, enqueue, network]),
        Event::Refused { stage } => (3, [stage, 0], [0.0, 0.0, 0.0]),
        Event::Delivered { again } => (4, [u32::from(again), 0], [0.0, 0.0, 0.0]),
        Event::Begins { dequeue } => (5, [0, 0], [dequeue, 0.0, 0.0]),
        Event::Ends { failed } => (6, [u32::from(failed), 0], [0.0, 0.0, 0.0]),
        Event::Rests => (7, [0, 0], [0.0, 0.0, 0.0]),
        Event::Requeued => (8, [0, 0], [0.0, 0.0, 0.0]),
        Event::Departs => (9, [0, 0], [0.0, 0.0, 0.0]),
        Event::Discarded => (10, [0, 0], [0.0, 0.0, 0.0]),
        Event::Leaves { outcome } => (11, [outcome as u32, 0], [0.0, 0.0, 0.0]),
    }
}

fn decode(record: &[u8; RECORD]) -> Option<Logged> {
    let (time, rest) = record.split_first_chunk::<8>()?;
    let (message, rest) = rest.split_first_chunk::<8>()?;
    let (kind, rest) = rest.split_first()?;
    let (a, rest) = rest.split_first_chunk::<4>()?;
    let (b, rest) = rest.split_first_chunk::<4>()?;
    let (x, rest) = rest.split_first_chunk::<8>()?;
    let (y, rest) = rest.split_first_chunk::<8>()?;
    let (z, _) = rest.split_first_chunk::<8>()?;
    let numbers = [a, b].map(|bytes| u32::from_le_bytes(*bytes));
    let times = [x, y, z].map(|bytes| f64::from_le_bytes(*bytes));
    Some(Logged {
        time: f64::from_le_bytes(*time),
        message: u64::from_le_bytes(*message),
        what: event(*kind, numbers, times)?,
    })
}

fn event(kind: u8, [a, b]: [u32; 2], [x, y, z]: [f64; 3]) -> Option<Event> {
    Some(match kind {
        0 => Event::Enters {
            producer: a,
            class: b,
            size: x,
        },
        1 => Event::Duplicated { class: a, size: x },
        2 => Event::Joins {
            stage: a,
            held: x,
            enqueue: y,
            network: z,
        },
        3 => Event::Refused { stage: a },
        4 => Event::Delivered { again: a != 0 },
        5 => Event::Begins { dequeue: x },
        6 => Event::Ends { failed: a != 0 },
        7 => Event::Rests,
        8 => Event::Requeued,
        9 => Event::Departs,
        10 => Event::Discarded,
        11 => Event::Leaves {
            outcome: *Outcome::ALL.get(a as usize)?,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Vec<Event> {
        let mut events = vec![
            Event::Enters {
                producer: 1,
                class: 2,
                size: 3.5,
            },
            Event::Duplicated {
                class: 1,
                size: 7.0,
            },
            Event::Joins {
                stage: 3,
                held: 0.125,
                enqueue: 0.1,
                network: 0.2,
            },
            Event::Refused { stage: 9 },
            Event::Delivered { again: true },
            Event::Delivered { again: false },
            Event::Begins { dequeue: 0.25 },
            Event::Ends { failed: true },
            Event::Ends { failed: false },
            Event::Rests,
            Event::Requeued,
            Event::Departs,
            Event::Discarded,
        ];
        events.extend(Outcome::ALL.map(|outcome| Event::Leaves { outcome }));
        events
    }

    #[test]
    fn what_is_noted_is_read_in_the_order_of_time() {
        let journal = Journal::new().expect("a temporary file");
        let events = every_kind();
        for (index, what) in events.iter().enumerate() {
            journal.note(-((index / 2) as f64), index as u64, *what);
        }
        let read = journal.finish().expect("a temporary file");
        assert_eq!(read.len(), events.len());
        assert!(read.is_sorted_by(|a, b| (a.time, a.message) < (b.time, b.message)));
        for logged in read {
            assert_eq!(logged.what, events[logged.message as usize]);
        }
    }

    #[test]
    fn many_threads_may_write() {
        let journal = Journal::new().expect("a temporary file");
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let journal = &journal;
                scope.spawn(move || {
                    for i in 0..5000 {
                        journal.note(i as f64, thread, Event::Rests);
                    }
                });
            }
        });
        assert_eq!(journal.finish().expect("a temporary file").len(), 20_000);
    }
}
