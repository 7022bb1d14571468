//! Nouns, states and transitions. No I/O, no clock, no randomness.

pub mod answer;
pub mod code;
pub mod content;
pub mod ids;
pub mod item;
pub mod message;
pub mod outcome;
pub mod policy;
pub mod refusal;
pub mod time;
