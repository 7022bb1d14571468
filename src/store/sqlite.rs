//! The sqlite part.
