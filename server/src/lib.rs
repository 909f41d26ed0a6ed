//! The binary `knoxcall`, as a library so that tests can start it in-process.

pub mod audit;
pub mod audit_command;
pub mod auth;
pub mod backend;
pub mod bus;
pub mod capture;
pub mod compose;
pub mod config;
pub mod demo;
pub mod egress;
pub mod error_tracking;
pub mod event;
pub mod faults;
pub mod gateway;
pub mod ids;
pub mod live;
pub mod outbound;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod trace_context;
pub mod values;
pub mod vault;
pub mod web;
pub mod webhooks;
