//! The store as a user of it meets it: what was confirmed is there after a restart, one process at a time, and what is
//! broken on disk is a report.

mod durability;
