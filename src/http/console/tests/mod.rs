//! People at the console's door, over real sockets.

mod bulk;
mod described;
mod desk;
mod events;
mod privacy;
mod roles;
mod sign_in;
mod tokens;
mod verbs;
pub(in crate::http) mod world;
