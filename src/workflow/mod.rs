//! The language of workflows: its files are read and checked completely before one is activated,
//! its conditions compiled, its stages drawn; and the interpreter, a pure function of where an item
//! stands, what has happened, and what it is told of the world.
