//! Bytes of HTTP ⇄ messages: the doors of the daemon, and nothing decided behind them.
//!
//! - [`server`] accepts connections, [`connection`] serves one, [`tls`] encrypts it;
//! - [`intake`] is the senders' door: [`auth`] and [`rate`] say who may come in, [`media`] and
//!   [`body`] take the bytes within the [`budget`], [`message`] has them carried out, [`upload`]
//!   puts attachments away first, [`query`] answers questions;
//! - [`console`] is the JSON interface for people, on the console's listener; [`ops`] what probes and
//!   Prometheus see there;
//! - [`control`] is the JSON interface for the machine's own operator, [`look`] what is looked up
//!   for it;
//! - both have [`items`], [`follow_ups`], [`workflows`], [`agents`], [`services`], [`users`] and
//!   [`notifications`] that were given up, for whoever is [`acting`]; [`attendance`] says which agents
//!   are there; [`json_request`] is what they are given, [`json`] what they show, [`routes`] the list
//!   of what there is;
//! - [`answer`] alone knows status codes, [`metrics`] counts, [`state`] is what all of them share.

pub mod acting;
pub mod agents;
pub mod answer;
pub mod attendance;
pub mod auth;
pub mod body;
pub mod budget;
pub mod connection;
pub mod console;
pub mod control;
pub mod follow_ups;
pub mod intake;
pub mod items;
pub mod json;
pub mod json_request;
pub mod look;
pub mod media;
pub mod message;
pub mod metrics;
pub mod notifications;
pub mod ops;
pub mod pictures;
pub mod query;
pub mod rate;
pub mod routes;
pub mod server;
pub mod services;
pub mod state;
pub mod tls;
pub mod upload;
pub mod users;
pub mod workflows;

#[cfg(test)]
mod tests;
