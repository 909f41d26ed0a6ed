//! KnoxCall with many workspaces: its bootstrap file, and how it is started for a measurement.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::super::process::{Running, free_port};
use super::calls;

pub const EMAIL: &str = "op@example.test";
pub const PASSWORD: &str = "correct horse battery staple";

/// The key of a workspace.
pub fn key(workspace: usize) -> String {
    format!("tk_scale0123456789abcdefghij{workspace:05}")
}

/// A workspace of the bootstrap file. Only one with an `upstream` can be called.
pub fn workspace(out: &mut String, number: usize, endpoint: Option<&str>, upstream: Option<u16>) {
    let _ = writeln!(out, "[[workspace]]\nslug = \"w{number}\"");
    if let Some(endpoint) = endpoint {
        let _ = writeln!(out, "[workspace.telemetry]\nendpoint = \"{endpoint}\"");
    }
    if let Some(upstream) = upstream {
        let _ = writeln!(
            out,
            "[[workspace.api_key]]\nname = \"default\"\nkey = \"{}\"\n[[workspace.route]]\nslug = \"r\"\n[[workspace.route.environment]]\n\
             name = \"production\"\ndefault = true\ntarget_base_url = \"http://127.0.0.1:{upstream}\"",
            key(number)
        );
    }
}

pub fn operator(out: &mut String, endpoint: Option<&str>) {
    let _ = writeln!(out, "[operator]\nemail = \"{EMAIL}\"\npassword = \"{PASSWORD}\"");
    if let Some(endpoint) = endpoint {
        let _ = writeln!(out, "[otlp]\nendpoint = \"{endpoint}\"");
    }
}

/// A data folder and what is started over it.
pub struct House {
    name: &'static str,
    program: PathBuf,
    folder: PathBuf,
}

pub struct Gateway {
    pub running: Running,
    pub port: u16,
    pub console: u16,
    /// Until the first request was answered.
    pub start: Duration,
}

impl House {
    /// Has the program take the bootstrap file over into its store.
    pub fn build(name: &'static str, program: &Path, folder: &Path, bootstrap: &str) -> Result<Self> {
        let own = folder.join(name);
        let _ = fs::remove_dir_all(&own);
        fs::create_dir_all(&own)?;
        fs::write(own.join("bootstrap.toml"), bootstrap)?;
        let house = Self { name, program: program.to_owned(), folder: own };
        let file = house.folder.join("bootstrap.toml").display().to_string();
        house.run(&["--bootstrap", &file], &[], Duration::from_secs(600))?;
        Ok(house)
    }

    pub fn start(&self, env: &[(&str, &str)]) -> Result<Gateway> {
        self.run(&[], env, Duration::from_secs(60))
    }

    fn run(&self, more: &[&str], env: &[(&str, &str)], patience: Duration) -> Result<Gateway> {
        let (port, console) = (free_port()?, free_port()?);
        let (gateway, admin) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{console}"));
        let data = self.folder.join("data").display().to_string();
        let mut args =
            vec!["serve", "--console-addr", &admin, "--gateway-addr", &gateway, "--data-dir", &data, "--allow-egress", "127.0.0.0/8"];
        args.extend(more);
        let begun = Instant::now();
        let running = Running::start(self.name, &self.program, &args, env, &self.folder)?;
        while calls::once(port, &calls::request(port, 0, "/first")).ok() != Some(200) {
            if begun.elapsed() > patience {
                bail!("{} does not answer 200 within {patience:?}; its output is in {}", self.name, self.folder.display());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(Gateway { running, port, console, start: begun.elapsed() })
    }
}
