//! What the process is told at its start: flags, environment variables, and the bootstrap file. Everything is checked here,
//! once, and each complaint names the flag, variable or key and the rule; none quotes a secret.

pub mod bootstrap;
mod cli;
mod otel;
mod parse;
mod sentry;
mod toml_table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::sentry::SentryEnvironment;
pub use cli::{AuditCommand, Cli, Command};
pub use otel::{BatchEnvironment, OtelEnvironment, SignalEnvironment, VariableError, VariableProblem, VariableWarning};

use crate::values::Endpoint;
use crate::vault::KEY_VARIABLE;

/// What to run, complete and checked.
#[derive(Clone)]
pub struct Config {
    pub console_addr: SocketAddr,
    pub gateway_addr: SocketAddr,
    pub data_dir: PathBuf,
    pub bootstrap: Option<PathBuf>,
    /// Networks that tenants may reach besides the public internet.
    pub allow_egress: Vec<IpNet>,
    /// Proxies whose word on where a request comes from is taken.
    pub trusted_proxies: Vec<IpNet>,
    pub demo: bool,
    /// How long requests, webhooks and exporters together have to finish after the first signal.
    pub shutdown_grace: Duration,
    /// Requests at once of one workspace.
    pub max_requests: usize,
    /// How long an export may only fail before it pauses itself.
    pub pause_failing_after: Duration,
    /// Bytes on disk for telemetry that can't be sent for now; 0 keeps it in memory alone.
    pub spool_bytes: usize,
    /// After which entries leave the audit logs; `None` keeps them.
    pub audit_retention: Option<Duration>,
    /// Without a path; `None` is the console listener's own address.
    pub public_url: Option<Endpoint>,
    pub log_format: LogFormat,
    /// Base64, not yet checked; from the environment alone, so that it is in no process list.
    pub master_key: Option<Zeroizing<String>>,
    pub otel: OtelEnvironment,
    pub sentry: SentryEnvironment,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// A setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error("{setting}: {rule}")]
    Setting {
        /// Flag and variable.
        setting: &'static str,
        rule: &'static str,
    },
    #[error(transparent)]
    Variable(#[from] VariableError),
}

impl Config {
    /// # Errors
    /// Every setting that can't be used.
    pub fn new(cli: &Cli, vars: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let otel = OtelEnvironment::from_vars(&vars).unwrap_or_else(|wrong| {
            errors.extend(wrong.into_iter().map(ConfigError::Variable));
            OtelEnvironment::default()
        });
        let sentry = SentryEnvironment::from_vars(&vars).unwrap_or_else(|wrong| {
            errors.extend(wrong.into_iter().map(ConfigError::Variable));
            SentryEnvironment::default()
        });
        let mut check = parse::Checker { errors: &mut errors };
        let config = Self {
            console_addr: check.address("--console-addr / KNOXCALL_CONSOLE_ADDR", cli.console_addr.as_deref(), cli::CONSOLE_PORT),
            gateway_addr: check.address("--gateway-addr / KNOXCALL_GATEWAY_ADDR", cli.gateway_addr.as_deref(), cli::GATEWAY_PORT),
            data_dir: parse::given(cli.data_dir.as_deref()).unwrap_or(cli::DATA_DIR).into(),
            bootstrap: parse::given(cli.bootstrap.as_deref()).map(PathBuf::from),
            allow_egress: check.networks("--allow-egress / KNOXCALL_ALLOW_EGRESS", &cli.allow_egress),
            trusted_proxies: check.peers("--trusted-proxies / KNOXCALL_TRUSTED_PROXIES", &cli.trusted_proxies),
            demo: cli.demo,
            shutdown_grace: check.duration("--shutdown-grace / KNOXCALL_SHUTDOWN_GRACE", cli.shutdown_grace.as_deref(), cli::GRACE),
            pause_failing_after: check.long_duration(
                "--pause-failing-after / KNOXCALL_PAUSE_FAILING_AFTER",
                cli.pause_failing_after.as_deref(),
                cli::PAUSE_AFTER,
            ),
            max_requests: check.count(
                "--max-requests-per-workspace / KNOXCALL_MAX_REQUESTS_PER_WORKSPACE",
                cli.max_requests_per_workspace.as_deref(),
                cli::MAX_REQUESTS,
            ),
            spool_bytes: check.bytes("--spool-limit / KNOXCALL_SPOOL_LIMIT", cli.spool_limit.as_deref(), cli::SPOOL_LIMIT),
            audit_retention: check.days("--audit-retention-days / KNOXCALL_AUDIT_RETENTION_DAYS", cli.audit_retention_days.as_deref()),
            public_url: check.origin("--public-url / KNOXCALL_PUBLIC_URL", cli.public_url.as_deref()),
            log_format: check.log_format("--log-format / KNOXCALL_LOG_FORMAT", cli.log_format.as_deref()),
            master_key: vars(KEY_VARIABLE).filter(|key| !key.trim().is_empty()).map(Zeroizing::new),
            otel,
            sentry,
        };
        if config.console_addr == config.gateway_addr && config.console_addr.port() != 0 {
            errors.push(ConfigError::Setting {
                setting: "--gateway-addr / KNOXCALL_GATEWAY_ADDR",
                rule: "the gateway can't listen on the console's address; give it a port of its own",
            });
        }
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("console_addr", &self.console_addr)
            .field("gateway_addr", &self.gateway_addr)
            .field("data_dir", &self.data_dir)
            .field("bootstrap", &self.bootstrap)
            .field("allow_egress", &self.allow_egress)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("demo", &self.demo)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn cli(arguments: &[&str]) -> Cli {
        Cli::try_parse_from(std::iter::once("knoxcall").chain(arguments.iter().copied())).unwrap()
    }

    fn config(arguments: &[&str]) -> Result<Config, Vec<ConfigError>> {
        Config::new(&cli(arguments), |_| None)
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let config = config(&[]).unwrap();
        assert_eq!(config.console_addr.to_string(), "127.0.0.1:3000");
        assert_eq!(config.gateway_addr.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data_dir, PathBuf::from("./data"));
        assert_eq!(config.shutdown_grace, Duration::from_secs(10));
        assert_eq!(config.pause_failing_after, Duration::from_secs(24 * 60 * 60));
        assert_eq!((config.spool_bytes, config.max_requests), (4 << 30, 2_000));
        assert_eq!(config.audit_retention, None);
        assert_eq!((config.demo, config.bootstrap, config.public_url, config.log_format), (false, None, None, LogFormat::Text));
    }

    #[test]
    fn flags_may_stand_before_or_after_the_command_or_without_one() {
        for arguments in
            [&["--demo", "--data-dir", "x"][..], &["serve", "--demo", "--data-dir", "x"], &["--demo", "--data-dir", "x", "serve"]]
        {
            let config = config(arguments).unwrap();
            assert!(config.demo && config.data_dir.to_str() == Some("x"), "{arguments:?}");
        }
    }

    #[test]
    fn values_are_parsed() {
        let config = config(&[
            "--console-addr=[::1]:0",
            "--allow-egress=10.0.0.0/8,127.0.0.1",
            "--allow-egress",
            "fd00::/8",
            "--trusted-proxies=10.0.0.5,fd00::/8",
            "--trusted-proxies",
            "192.0.2.0/24",
            "--shutdown-grace=1500ms",
            "--spool-limit=64MiB",
            "--audit-retention-days=90",
            "--max-requests-per-workspace=10",
            "--public-url=https://console.example.com/",
            "--log-format=json",
            "--bootstrap=b.toml",
        ])
        .unwrap();
        assert_eq!(config.console_addr.to_string(), "[::1]:0");
        assert_eq!(config.allow_egress.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"]);
        let proxies: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["10.0.0.5/32", "fd00::/8", "192.0.2.0/24"]);
        assert_eq!((config.shutdown_grace, config.spool_bytes, config.max_requests), (Duration::from_millis(1500), 64 << 20, 10));
        assert_eq!(config.audit_retention, Some(Duration::from_secs(90 * 24 * 60 * 60)));
        assert_eq!(config.public_url.unwrap().as_str(), "https://console.example.com");
        assert_eq!((config.log_format, config.bootstrap), (LogFormat::Json, Some("b.toml".into())));
    }

    #[test]
    fn empty_values_count_as_unset() {
        let config =
            config(&["--console-addr=", "--data-dir=", "--bootstrap=", "--allow-egress=", "--public-url=", "--log-format="]).unwrap();
        assert_eq!(config.console_addr.port(), 3000);
        assert!(self::config(&["--trusted-proxies="]).unwrap().trusted_proxies.is_empty());
        assert_eq!((config.bootstrap, config.public_url, config.allow_egress.len()), (None, None, 0));
    }

    #[test]
    fn every_wrong_value_is_named_with_its_rule() {
        let errors = config(&[
            "--console-addr=localhost",
            "--gateway-addr=1.2.3.4:99999",
            "--allow-egress=10.0.0.0/33",
            "--trusted-proxies=proxy.example",
            "--shutdown-grace=soon",
            "--pause-failing-after=0s",
            "--spool-limit=much",
            "--audit-retention-days=0",
            "--public-url=https://x/path",
            "--log-format=xml",
        ])
        .unwrap_err();
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        for name in [
            "CONSOLE_ADDR",
            "GATEWAY_ADDR",
            "ALLOW_EGRESS",
            "TRUSTED_PROXIES",
            "SHUTDOWN_GRACE",
            "PAUSE_FAILING_AFTER",
            "SPOOL_LIMIT",
            "AUDIT_RETENTION_DAYS",
            "PUBLIC_URL",
            "LOG_FORMAT",
        ] {
            assert_eq!(texts.iter().filter(|text| text.contains(&format!("KNOXCALL_{name}: "))).count(), 1, "{name}: {texts:#?}");
        }
        let errors = config(&["--gateway-addr=127.0.0.1:3000"]).unwrap_err();
        assert!(errors[0].to_string().contains("a port of its own"));
    }

    #[test]
    fn proxies_are_never_all_of_the_internet() {
        for (networks, whole) in [
            ("10.0.0.0/8,::/0", true),
            ("0.0.0.0/0", true),
            ("0.0.0.0/1,128.0.0.0/1", true),
            ("128.0.0.0/1,10.0.0.0/8,0.0.0.0/1", true),
            ("::/1,8000::/1", true),
            ("0.0.0.0/2,64.0.0.0/2,128.0.0.0/1,fd00::/8", true),
            // Overlapping, with bits behind the prefix, and out of order.
            ("192.0.0.0/2,0.0.0.0/1,100.0.0.1/1,128.0.0.0/2", true),
            // All that is public, without the rest.
            ("2000::/3", true),
            ("3000::/4,2000::/4", true),
            ("0.0.0.0/1,::/1", true),
            ("192.0.0.0/3,0.0.0.0/1,128.0.0.0/2", true),
            ("2000::/4", false),
            ("fc00::/7,4000::/2", false),
            ("0.0.0.0/1,128.0.0.0/2", false),
            ("0.0.0.0/1,8000::/1", false),
            ("10.0.0.0/8,fd00::/8", false),
        ] {
            let checked = config(&[&format!("--trusted-proxies={networks}")]);
            assert_eq!(checked.is_err(), whole, "{networks}");
            for error in checked.err().unwrap_or_default() {
                let text = error.to_string();
                assert!(
                    text.starts_with("--trusted-proxies / KNOXCALL_TRUSTED_PROXIES: ")
                        && text.contains("all public addresses of IPv4 or of IPv6"),
                    "{text}"
                );
            }
        }
        // Said in parts.
        assert_eq!(config(&["--trusted-proxies=0.0.0.0/1", "--trusted-proxies=128.0.0.0/1"]).unwrap_err().len(), 1);
    }

    #[test]
    fn wrong_otel_variables_and_the_key() {
        let vars = |name: &str| match name {
            "OTEL_SDK_DISABLED" => Some("perhaps".to_owned()),
            "KNOXCALL_MASTER_KEY" => Some("canary".to_owned()),
            _ => None,
        };
        let config = Config::new(&cli(&[]), vars).unwrap();
        assert_eq!(config.otel.warnings[0].to_string(), "OTEL_SDK_DISABLED: use true or false. It counts as false.");
        assert_eq!(config.master_key.as_deref().map(String::as_str), Some("canary"));
        assert!(!format!("{config:?}").contains("canary"));
        let errors = Config::new(&cli(&[]), |name| (name == "OTEL_EXPORTER_OTLP_HEADERS").then(|| "canary".to_owned())).unwrap_err();
        assert!(errors[0].to_string().starts_with("OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not name=value."), "{}", errors[0]);
    }

    #[test]
    fn help_names_every_flag_and_variable() {
        use clap::CommandFactory;
        let help = Cli::command().render_long_help().to_string();
        for name in [
            "CONSOLE_ADDR",
            "GATEWAY_ADDR",
            "DATA_DIR",
            "BOOTSTRAP",
            "ALLOW_EGRESS",
            "TRUSTED_PROXIES",
            "DEMO",
            "SHUTDOWN_GRACE",
            "PAUSE_FAILING_AFTER",
            "SPOOL_LIMIT",
            "PUBLIC_URL",
            "LOG_FORMAT",
        ] {
            assert!(help.contains(&format!("KNOXCALL_{name}")), "{name}");
            assert!(help.contains(&format!("--{}", name.to_lowercase().replace('_', "-"))), "{name}");
        }
        for other in ["KNOXCALL_MASTER_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:3000", "127.0.0.1:8080", "./data"] {
            assert!(help.contains(other), "{other}\n{help}");
        }
        Cli::command().debug_assert();
    }
}
