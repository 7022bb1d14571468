//! The language of workflows: its files are read and checked completely before one is activated,
//! its conditions compiled, its stages drawn; and the interpreter, a pure function of where an item
//! stands, what has happened, and what it is told of the world.

mod condition;
mod element;
mod fault;
mod known;
mod load;
pub mod run;
mod tree;
mod value;

pub use self::element::NAMESPACE;
pub use self::fault::{FAULTS_MAX, Fault, Rule};
pub use self::known::Known;
pub use self::load::{digest, load};

#[cfg(test)]
mod tests;
