//! What the whole layer accepts, delivers and refuses.
