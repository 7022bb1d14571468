//! Every integration test, in one binary: one link, one run. A module for each thing that is tried
//! from outside.

mod cli;
mod crash;
mod daemon;
mod documented;
mod fixtures;
mod floor;
mod flows;
mod gallery;
mod own;
mod receiver;
mod tidy;
mod wire;
