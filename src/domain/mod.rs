//! Nouns, states and transitions. No I/O, no clock, no randomness.

pub mod code;
pub mod time;
