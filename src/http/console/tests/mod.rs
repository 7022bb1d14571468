//! People at the console's door, over real sockets.

mod bulk;
mod described;
mod desk;
mod events;
mod follow_ups;
mod privacy;
mod roles;
mod sign_in;
mod starting;
mod tokens;
mod verbs;
mod workflows;
pub(in crate::http) mod world;
