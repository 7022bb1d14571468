//! The doors over real sockets, with a real engine and store behind them.

pub mod world;

mod bodies;
mod encrypted;
mod intake;
mod operator;
mod users;
