//! The read part.
