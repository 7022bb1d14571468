//! The language of workflows: its files are read and checked completely before one is activated,
//! its conditions compiled, its stages drawn; and the interpreter, a pure function of where an item
//! stands, what has happened, and what it is told of the world.

mod check;
mod condition;
mod element;
mod fault;
#[cfg(test)]
pub(crate) mod generator;
mod graph;
mod known;
mod load;
pub mod run;
mod svg;
mod table;
mod tree;
mod value;
mod words;
mod write;

pub use self::element::NAMESPACE;
pub use self::fault::{FAULTS_MAX, Fault, Rule};
pub use self::graph::{Edge, End, Graph, Node, NodeKind, Target, graph, graph_text};
pub use self::known::Known;
pub use self::load::{digest, load, load_begun};
pub use self::svg::svg;
pub use self::table::{Row, table};
pub use self::write::{new_source, with_missing_buttons};

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
