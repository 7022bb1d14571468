//! People at the console's door, over real sockets.

mod described;
mod events;
mod roles;
mod sign_in;
mod tokens;
pub(in crate::http) mod world;
