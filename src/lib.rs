//! Anteroom, an XML work-item gateway daemon.

pub mod calendar;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod engine;
pub mod http;
pub mod routing;
pub mod store;
pub mod wire;
