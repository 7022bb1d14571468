//! Bytes ⇄ messages: decoding, strict XML, the verbs, the answers.

pub mod decode;
pub mod error;
pub mod strict;
