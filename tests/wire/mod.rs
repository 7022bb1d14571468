//! The wire, judged by outsiders: the W3C suite and two other XML readers.

mod mutation;
mod reading;
mod w3c;
