//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run::{Cmd, say, step};

pub struct Workspace {
    pub root: PathBuf,
    /// Cargo's target folder, which `CARGO_TARGET_DIR` may put elsewhere.
    pub target: PathBuf,
}

impl Workspace {
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask is not inside the workspace")?.to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The browser's part; the server's crate looks for it here, wherever cargo's target folder is.
    pub fn site(&self) -> PathBuf {
        self.root.join("target/site")
    }

    pub fn ensure_wasm_target(&self) -> Result<()> {
        let installed = Cmd::new("rustup", &self.root).args(["target", "list", "--installed"]).output().unwrap_or_default();
        if installed.lines().any(|line| line.trim() == "wasm32-unknown-unknown") {
            return Ok(());
        }
        step("Rust target wasm32-unknown-unknown (some seconds)", || {
            Cmd::new("rustup", &self.root).args(["target", "add", "wasm32-unknown-unknown"]).run()
        })
    }

    /// `npm ci`, unless the installed packages are those of the lock file.
    pub fn ensure_npm(&self, folder: &str) -> Result<PathBuf> {
        let path = self.root.join(folder);
        let lock = std::fs::read(path.join("package-lock.json")).with_context(|| format!("{folder}/package-lock.json"))?;
        let stamp = path.join("node_modules/.installed-lock");
        if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
            return Ok(path);
        }
        step(&format!("npm packages in {folder}/ (some 10 seconds)"), || {
            Cmd::new("npm", &path)
                .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
                .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
                .run()?;
            std::fs::write(&stamp, &lock)?;
            Ok(())
        })?;
        say(&format!("installed {folder}/node_modules"));
        Ok(path)
    }
}
