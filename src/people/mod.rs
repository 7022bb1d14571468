//! Signing in, and looking after users.
//!
//! - `password`: argon2id and the rules of passwords · `secret`: random tokens and their digests
//! - `throttle`: how often somebody may try · `sign_in`: from name and password, or a token, to a
//!   user
//! - `csv`, `import`: users from a file · `demo`: the users of the built-in demo
//!
//! People are changed by the engine alone, with audit, in its transactions; what is read here is
//! its picture of them.

pub mod csv;
pub mod demo;
pub mod import;
pub mod password;
pub mod secret;
pub mod sign_in;
pub mod throttle;
