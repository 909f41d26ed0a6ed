//! Running commands and saying so.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

pub fn say(text: &str) {
    eprintln!("   {text}");
}

/// Announces a step, runs it, and says how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("── {what}");
    let started = Instant::now();
    let out = work().with_context(|| format!("step failed: {what}"))?;
    eprintln!("   done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(out)
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A command in a folder. Prints itself when it fails.
pub struct Cmd {
    inner: Command,
}

impl Cmd {
    pub fn new(program: impl AsRef<OsStr>, folder: &Path) -> Self {
        let mut inner = Command::new(program);
        inner.current_dir(folder);
        Self { inner }
    }

    pub fn cargo(workspace: &Workspace) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(cargo, &workspace.root)
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.inner.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    pub fn run(mut self) -> Result<()> {
        let status = self.inner.status().with_context(|| format!("can't start {:?}", self.inner.get_program()))?;
        if !status.success() {
            bail!("{status}: {:?}", self.inner);
        }
        Ok(())
    }

    /// Whether it ran and succeeded; its output is swallowed.
    pub fn succeeds(mut self) -> bool {
        self.inner.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    pub fn output(mut self) -> Result<String> {
        let output = self.inner.stderr(Stdio::inherit()).output().with_context(|| format!("can't start {:?}", self.inner.get_program()))?;
        if !output.status.success() {
            bail!("{}: {:?}", output.status, self.inner);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The first of these programs that is on PATH.
pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file()))
}

/// Whether `apt-get install` can be tried.
pub fn is_debian_root() -> bool {
    on_path(&["apt-get"]).is_some() && Cmd::new("sh", Path::new("/")).args(["-c", "test \"$(id -u)\" = 0"]).succeeds()
}

pub fn apt_install(packages: &[&str]) -> Result<()> {
    Cmd::new("apt-get", Path::new("/")).args(["update", "-qq"]).run()?;
    Cmd::new("apt-get", Path::new("/"))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages)
        .run()
}
