//! Decisions without I/O: who waits where, in which order, behind which entrance, until when.
//!
//! The core keeps no items, only their places: eight to sixteen bytes for an item that waits and
//! 24 for each timer. The row of an item comes with the command that is about it; every change of
//! a row goes through [`core::Core::apply`], the one place where indexes and counters change.
//!
//! Agents and offers are volatile. [`distribution::Distribution`] holds them beside the places of
//! the items that wait for them: verbs in [`people`] and [`handover`] say what an agent does, `match_now`
//! says who gets what, [`reason`] says why something waits.

pub mod agents;
pub mod buckets;
pub mod core;
pub mod distribution;
pub mod entrance;
mod estimate;
pub mod handover;
pub mod offers;
pub mod order;
pub mod people;
pub mod reason;
pub mod requirement;
pub mod service;
pub mod timers;
pub mod waiting;

mod desk;
mod matching;
mod presence;
mod settling;

#[cfg(test)]
mod tests;
