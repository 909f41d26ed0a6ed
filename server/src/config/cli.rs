//! The command line. Values are text here and are checked in [`super::Config::new`], which can then name the variable as
//! well as the flag, and take what is set but empty for unset.

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Parser, Subcommand};

pub(super) const CONSOLE_PORT: u16 = 3000;
pub(super) const GATEWAY_PORT: u16 = 8080;
pub(super) const DATA_DIR: &str = "./data";
/// Until an export that only fails pauses itself.
pub(super) const PAUSE_AFTER: &str = "24h";
pub(super) const GRACE: &str = "10s";
pub(super) const MAX_REQUESTS: usize = 2_000;
pub(super) const SPOOL_LIMIT: &str = "4GiB";

const AFTER_HELP: &str = "\
Further environment variables:
  KNOXCALL_MASTER_KEY   base64 of 32 bytes that seal every stored secret; when unset, a key is made
                        once in <data-dir>/master.key
  RUST_LOG              what is logged, such as info or server=debug

The operator's telemetry export can be set with OpenTelemetry's own variables, which win over what is
saved in the console: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, both also per signal as
OTEL_EXPORTER_OTLP_{TRACES,LOGS,METRICS}_{ENDPOINT,HEADERS}, OTEL_EXPORTER_OTLP_COMPRESSION,
OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_EXPORTER_OTLP_CERTIFICATE,
OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE, OTEL_{TRACES,LOGS,METRICS}_EXPORTER,
OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_METRIC_EXPORT_INTERVAL, OTEL_BSP_*, OTEL_BLRP_*,
OTEL_SDK_DISABLED.

Error tracking likewise: SENTRY_DSN (the browser's), SENTRY_DSN_BACKEND (the server's),
SENTRY_ENVIRONMENT, SENTRY_RELEASE.

A variable that is set but empty counts as unset.";

/// Self-hosted API gateway with a telemetry console.
#[derive(Clone, Debug, Parser)]
#[command(name = "knoxcall", version, about, after_long_help = AFTER_HELP, after_help = "--help (in full) also lists more variables.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where the console (admin UI, health checks) listens [default: 127.0.0.1:3000]
    #[arg(long, value_name = "IP:PORT", env = "KNOXCALL_CONSOLE_ADDR", global = true)]
    pub console_addr: Option<String>,

    /// Where the gateway (the data plane) listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "IP:PORT", env = "KNOXCALL_GATEWAY_ADDR", global = true)]
    pub gateway_addr: Option<String>,

    /// Folder for the database and the key file [default: ./data]
    #[arg(long, value_name = "FOLDER", env = "KNOXCALL_DATA_DIR", global = true)]
    pub data_dir: Option<String>,

    /// TOML file with accounts, workspaces, routes, webhooks, AI agents, exports and error tracking, applied at every start;
    /// nothing is deleted
    #[arg(long, value_name = "FILE", env = "KNOXCALL_BOOTSTRAP", global = true)]
    pub bootstrap: Option<String>,

    /// Network that workspaces may reach besides the public internet, such as 10.0.0.0/8; repeat it or separate by commas
    #[arg(long, value_name = "CIDR", env = "KNOXCALL_ALLOW_EGRESS", value_delimiter = ',', action = ArgAction::Append, global = true)]
    pub allow_egress: Vec<String>,

    /// Proxy in front whose X-Forwarded-For and X-Forwarded-Proto are believed, such as 10.0.0.5; repeat it or separate by commas
    #[arg(long, value_name = "CIDR", env = "KNOXCALL_TRUSTED_PROXIES", value_delimiter = ',', action = ArgAction::Append, global = true)]
    pub trusted_proxies: Vec<String>,

    /// Start with an operator, a workspace, a route to a built-in echo upstream and an API key, all printed
    #[arg(long, env = "KNOXCALL_DEMO", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new(), global = true)]
    pub demo: bool,

    /// How long requests, webhooks and exporters together may take to finish after SIGTERM or SIGINT [default: 10s]
    #[arg(long, value_name = "TIME", env = "KNOXCALL_SHUTDOWN_GRACE", global = true)]
    pub shutdown_grace: Option<String>,

    /// How many requests of one workspace the gateway passes on at the same time [default: 2000]
    #[arg(long, value_name = "N", env = "KNOXCALL_MAX_REQUESTS_PER_WORKSPACE", global = true)]
    pub max_requests_per_workspace: Option<String>,

    /// How long a telemetry export may only fail before it pauses itself, with at least 20 attempts [default: 24h]
    #[arg(long, value_name = "TIME", env = "KNOXCALL_PAUSE_FAILING_AFTER", global = true)]
    pub pause_failing_after: Option<String>,

    /// Disk space for telemetry that can't be sent for now, all destinations together; 0 keeps it in memory only [default: 4GiB]
    #[arg(long, value_name = "SIZE", env = "KNOXCALL_SPOOL_LIMIT", global = true)]
    pub spool_limit: Option<String>,

    /// After how many days entries leave the audit logs [default: they stay]
    #[arg(long, value_name = "DAYS", env = "KNOXCALL_AUDIT_RETENTION_DAYS", global = true)]
    pub audit_retention_days: Option<String>,

    /// The console's URL as people open it, for cookies, links and the origin check [default: the listener's]
    #[arg(long, value_name = "URL", env = "KNOXCALL_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,

    /// How log lines look: text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "KNOXCALL_LOG_FORMAT", global = true)]
    pub log_format: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run console and gateway (the default)
    Serve,
    /// Check or write out the audit logs of a data folder, while KnoxCall is stopped
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum AuditCommand {
    /// Follow every log's chain of hashes and print its head; exits with 1 where one is broken, 2 where it can't be checked
    Verify,
    /// Print one log, oldest entry first
    Export {
        /// `global`, a workspace's slug, or the id of a workspace that was deleted
        log: String,

        /// csv or jsonl
        #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
        format: String,
    },
}
