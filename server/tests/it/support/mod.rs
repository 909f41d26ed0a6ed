//! What several tests share.

pub mod upstream;
