//! Decisions without I/O: who waits where, in which order, behind which entrance, until when.
//!
//! The core keeps no items, only their places: eight to sixteen bytes for an item that waits and
//! 24 for each timer. The row of an item comes with the command that is about it; every change of
//! a row goes through [`core::Core::apply`], the one place where indexes and counters change.

pub mod core;
pub mod entrance;
pub mod order;
pub mod service;
pub mod timers;
