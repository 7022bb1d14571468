//! The memory part.
