//! The rules of agents and distribution, on the core alone.

mod agents;
mod distribution;
mod levels;
mod life;
mod offers;
mod reasons;
mod world;
