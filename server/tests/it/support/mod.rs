//! Scripted fakes that record what they were sent.

pub mod collector;
pub mod process;
