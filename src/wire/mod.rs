//! Bytes ⇄ messages: decoding, strict XML, the verbs, the answers.

pub mod answer;
pub mod decode;
pub mod digest;
pub mod error;
pub mod message;
pub mod raw;
pub mod rules;
pub mod strict;
pub mod time;
