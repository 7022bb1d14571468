//! The contract part.
