//! Nouns, states and transitions. No I/O, no clock, no randomness.

pub mod access;
pub mod agent;
pub mod answer;
pub mod code;
pub mod content;
pub mod distribution;
pub mod entrance;
pub mod facts;
pub mod flow;
pub mod follow_up;
pub mod ids;
pub mod item;
pub mod journal;
pub mod message;
pub mod notification;
pub mod notify_url;
pub mod outcome;
pub mod people;
pub mod permission;
pub mod policy;
pub mod refusal;
pub mod rules;
pub mod session;
pub mod time;
pub mod wish;
pub mod workflow;
