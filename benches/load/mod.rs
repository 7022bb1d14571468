//! What the benchmarks share: the message, the load generator, the two yardsticks and the figures.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub mod anteroom;
pub mod figures;
pub mod fixed;
pub mod generator;
pub mod message;
pub mod sync;
