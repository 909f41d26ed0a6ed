//! The systems that are compared: their configuration, written anew for each run, and how each is started. One worker thread
//! each, the same upstream, nothing pinned to a processor.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::load::HEADERS;
use super::process::{Running, free_port};

/// What is needed to start them.
pub struct Programs {
    pub nginx: PathBuf,
    pub envoy: PathBuf,
    pub knoxcall: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    Nginx,
    Envoy,
    EnvoyTraced,
    Off,
    Operator,
    Both,
    /// Everything on, towards a collector that accepts connections and never answers.
    Silent,
    /// Everything on, towards a port that nobody listens on.
    Closed,
}

impl System {
    pub const ALL: [Self; 8] =
        [Self::Nginx, Self::Envoy, Self::EnvoyTraced, Self::Off, Self::Operator, Self::Both, Self::Silent, Self::Closed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::EnvoyTraced => "envoy-traced",
            Self::Off => "knoxcall-off",
            Self::Operator => "knoxcall-operator",
            Self::Both => "knoxcall-both",
            Self::Silent => "knoxcall-silent",
            Self::Closed => "knoxcall-closed",
        }
    }

    /// For the tables.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Envoy => "Envoy",
            Self::EnvoyTraced => "Envoy, traces and access logs",
            Self::Off => "KnoxCall, export off",
            Self::Operator => "KnoxCall, operator's three signals",
            Self::Both => "KnoxCall, operator and workspace",
            Self::Silent => "KnoxCall, collectors that never answer",
            Self::Closed => "KnoxCall, collectors that are down",
        }
    }

    /// How many records a request makes there, by the path at the sink.
    pub const fn records(self) -> &'static [&'static str] {
        match self {
            Self::EnvoyTraced => &["/envoy/v1/traces", "/envoy/v1/logs"],
            Self::Operator => &["/operator/v1/traces", "/operator/v1/logs"],
            Self::Both => &["/both/v1/traces", "/both/v1/logs", "/workspace/v1/logs"],
            _ => &[],
        }
    }
}

/// Ports of what all systems share.
#[derive(Clone, Copy)]
pub struct Around {
    pub upstream: u16,
    pub sink: u16,
    pub silent: u16,
    pub closed: u16,
}

/// A system that answers.
pub struct Started {
    pub system: System,
    pub port: u16,
    pub running: Running,
}

pub fn start(system: System, programs: &Programs, around: Around, folder: &Path) -> Result<Started> {
    let port = free_port()?;
    let mut running = match system {
        System::Nginx => nginx(system.name(), &programs.nginx, &proxy(port, around.upstream), folder)?,
        System::Envoy | System::EnvoyTraced => {
            let file = folder.join(format!("{}.json", system.name()));
            fs::write(&file, envoy(port, around, system == System::EnvoyTraced).to_string())?;
            let file = file.display().to_string();
            let args = ["-c", &file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"];
            Running::start(system.name(), &programs.envoy, &args, &[], folder)?
        }
        _ => knoxcall(system, &programs.knoxcall, port, around, folder)?,
    };
    running.answers(port, "/1k")?;
    Ok(Started { system, port, running })
}

/// The static server behind all of them.
pub fn upstream(programs: &Programs, folder: &Path) -> Result<(u16, Running)> {
    let port = free_port()?;
    let files = folder.join("files");
    fs::create_dir_all(&files)?;
    fs::write(files.join("1k"), "x".repeat(1024))?;
    fs::write(files.join("100k"), "x".repeat(100 * 1024))?;
    let server = format!(
        "open_file_cache max=10 inactive=1h; open_file_cache_valid 1h; tcp_nopush on;
         server {{ listen 127.0.0.1:{port}; root {}; }}",
        files.display()
    );
    let mut running = nginx("upstream", &programs.nginx, &server, folder)?;
    running.answers(port, "/1k")?;
    Ok((port, running))
}

fn nginx(name: &'static str, program: &Path, server: &str, folder: &Path) -> Result<Running> {
    let own = folder.join(name);
    fs::create_dir_all(&own)?;
    let dir = own.display();
    // One process: what it costs is then one process's cost.
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log;
         events {{ worker_connections 4096; multi_accept on; }}
         http {{
           access_log off; sendfile on; keepalive_requests 1000000000; keepalive_timeout 600s; default_type application/octet-stream;
           client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
           {server}
         }}"
    );
    let file = own.join("nginx.conf");
    fs::write(&file, text)?;
    let (dir, file) = (dir.to_string(), file.display().to_string());
    Running::start(name, program, &["-p", &dir, "-c", &file], &[], folder)
}

/// Answers are held in memory, never on disk.
fn proxy(port: u16, upstream: u16) -> String {
    format!(
        "upstream behind {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 600s; }}
         server {{ listen 127.0.0.1:{port};
           location / {{
             proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header X-Request-Id $request_id;
             proxy_buffers 16 16k; proxy_max_temp_file_size 0;
           }}
         }}"
    )
}

fn envoy(port: u16, around: Around, traced: bool) -> Value {
    let kind = |name: &str| format!("type.googleapis.com/envoy.{name}");
    let cluster = |name: &str, port: u16| {
        let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
        json!({
            "name": name, "type": "STATIC", "connect_timeout": "5s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}
        })
    };
    let mut manager = json!({
        "@type": kind("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}]
        }]},
        "http_filters": [{"name": "router", "typed_config": {"@type": kind("extensions.filters.http.router.v3.Router")}}]
    });
    if traced {
        let service = |signal: &str| {
            let uri = format!("http://127.0.0.1:{}/envoy/v1/{signal}", around.sink);
            json!({"http_uri": {"uri": uri, "cluster": "sink", "timeout": "5s"}})
        };
        let attribute = |key: &str, value: &str| json!({"key": key, "value": {"string_value": value}});
        manager["tracing"] = json!({
            "random_sampling": {"value": 100.0},
            "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": {
                "@type": kind("config.trace.v3.OpenTelemetryConfig"), "http_service": service("traces"), "service_name": "envoy"
            }}
        });
        manager["access_log"] = json!([{"name": "otlp", "typed_config": {
            "@type": kind("extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig"),
            "http_service": service("logs"), "log_name": "access",
            "attributes": {"values": [
                attribute("http.request.method", "%REQ(:METHOD)%"), attribute("url.path", "%PATH(NQ)%"),
                attribute("http.response.status_code", "%RESPONSE_CODE%"), attribute("server.address", "%UPSTREAM_HOST%"),
                attribute("request_id", "%REQ(X-REQUEST-ID)%"), attribute("latency_ms", "%DURATION%")
            ]}
        }}]);
    }
    let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    json!({
        "static_resources": {
            "listeners": [{"name": "in", "address": address, "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}],
            "clusters": [cluster("upstream", around.upstream), cluster("sink", around.sink)]
        },
        // By its own default it sends five spans at a time.
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {"tracing.opentelemetry.min_flush_spans": 256}}]}
    })
}

fn knoxcall(system: System, program: &Path, port: u16, around: Around, folder: &Path) -> Result<Running> {
    let name = system.name();
    let collector = |port: u16, path: &str| Some(format!("http://127.0.0.1:{port}/{path}"));
    let (operator, workspace) = match system {
        System::Operator => (collector(around.sink, "operator"), None),
        System::Both => (collector(around.sink, "both"), collector(around.sink, "workspace")),
        System::Silent => (collector(around.silent, "both"), collector(around.silent, "workspace")),
        System::Closed => (collector(around.closed, "both"), collector(around.closed, "workspace")),
        _ => (None, None),
    };
    let [(_, key), (_, route)] = HEADERS;
    let mut text = String::new();
    if let Some(operator) = operator {
        writeln!(text, "[otlp]\nendpoint = \"{operator}\"")?;
    }
    writeln!(text, "[[workspace]]\nslug = \"bench\"\nname = \"Bench\"")?;
    if let Some(workspace) = workspace {
        writeln!(text, "[workspace.telemetry]\nendpoint = \"{workspace}\"")?;
    }
    writeln!(
        text,
        "[[workspace.api_key]]\nname = \"default\"\nkey = \"{key}\"\n[[workspace.route]]\nslug = \"{route}\"\nname = \"Static files\"
[[workspace.route.environment]]\nname = \"production\"\ndefault = true\ntarget_base_url = \"http://127.0.0.1:{}\"",
        around.upstream
    )?;
    let own = folder.join(name);
    let _ = fs::remove_dir_all(&own);
    fs::create_dir_all(&own)?;
    fs::write(own.join("bootstrap.toml"), text)?;
    let path = |file: &str| own.join(file).display().to_string();
    let (data, bootstrap, gateway) = (path("data"), path("bootstrap.toml"), format!("127.0.0.1:{port}"));
    let args = [
        "serve",
        "--console-addr",
        "127.0.0.1:0",
        "--gateway-addr",
        &gateway,
        "--data-dir",
        &data,
        "--bootstrap",
        &bootstrap,
        "--allow-egress",
        "127.0.0.0/8",
    ];
    // Metrics leave often enough to be part of each measurement.
    Running::start(name, program, &args, &[("TOKIO_WORKER_THREADS", "1"), ("OTEL_METRIC_EXPORT_INTERVAL", "1000")], folder)
}
