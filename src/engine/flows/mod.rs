//! Workflows at work: `command` says what people can ask.

pub mod command;
