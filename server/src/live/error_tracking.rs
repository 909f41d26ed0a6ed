//! Where errors are reported: those of the console's pages and those of the server.

use crate::values::Dsn;

/// What the console's pages report to, as each page carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserTracking {
    pub dsn: Dsn,
    /// `None` leaves it to the SDK's default.
    pub environment: Option<String>,
    pub release: String,
}

/// What the server reports to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTracking {
    pub dsn: Dsn,
    pub environment: Option<String>,
    pub release: String,
}
