//! What is kept on disk: sled, one tree and one typed repository per kind, every record with its version.
//!
//! The only room that knows sled. It holds no policy: who may write what is decided before a call gets here.

mod records;

pub use records::{
    ApiKey, Environment, ExportSettings, Member, Route, RouteLimits, SecretRecord, Session, SetupToken, StoredEndpoint, UnixMillis, User,
    Workspace,
};
