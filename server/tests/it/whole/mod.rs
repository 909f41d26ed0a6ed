//! The binary itself, started as an operator starts it: bootstrap file, both listeners, collectors, signals.

mod ai;
mod audit;
mod certificate;
mod demo;
mod egress;
mod export;
mod faults;
mod life;
mod oracle;
mod process;
mod proxies;
mod shutdown;
mod spool;
mod trace;
mod unproxied;
mod webhooks;

use std::path::Path;

pub use process::{Process, Setup};

/// The key to the workspace of most bootstrap files here.
const KEY: &str = "tk_acme0123456789abcdefghijklmnop";

/// What a workspace in a bootstrap file is reached by: that key, and the route `billing` to an upstream.
fn reached(upstream: &str) -> String {
    format!(
        r#"
[[workspace.api_key]]
name = "default"
key = "{KEY}"
[[workspace.route]]
slug = "billing"
[[workspace.route.environment]]
name = "production"
default = true
target_base_url = "{upstream}"
"#
    )
}

/// Every file below, as text.
fn everything_in(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&everything_in(&path));
        } else {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        }
    }
    text
}
