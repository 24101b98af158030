//! What a user sees, from the outside. One binary, one module a room.

mod scenario;
