//! The browser's part: wasm, its JavaScript, CSS and static files, under names that carry their content's hash, each
//! with its brotli and gzip form beside it, and a manifest that says which is which.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::run::{Cmd, megabytes, say, step};
use crate::wasm::{self, Parts};
use crate::workspace::Workspace;

/// For what the integrations page needs before it can be used, in bytes as brotli packs them: scripts, style and the main wasm file.
/// Its HTML, some 5 kB, comes on top.
const BUDGET: u64 = 340_000;

pub fn build(workspace: &Workspace) -> Result<()> {
    workspace.ensure_wasm_target()?;
    let style = workspace.ensure_npm("style")?;
    step("Browser code, wasm build (first time: some 3 minutes)", || {
        Cmd::cargo(workspace)
            .args(["rustc", "--package", "app", "--lib", "--features", "hydrate"])
            .args(["--target", "wasm32-unknown-unknown", "--profile", "wasm-release"])
            // By its relocations the file can be taken apart.
            .args(["--", "-Clink-arg=--emit-relocs"])
            .run()
    })?;
    let scratch = workspace.root.join("target/site-build");
    fs::create_dir_all(&scratch)?;
    let raw = workspace.target.join("wasm32-unknown-unknown/wasm-release/app.wasm");
    let parts = wasm::bind(&style, &raw, &scratch)?;
    step("CSS", || {
        Cmd::new(style.join("node_modules/.bin/tailwindcss"), &workspace.root)
            .args(["--input", "style/tailwind.css", "--minify", "--output"])
            .arg(scratch.join("knoxcall.css"))
            .run()
    })?;
    fs::copy(workspace.root.join("public/theme.js"), scratch.join("theme.js")).context("public/theme.js")?;
    step("Scripts for errors in the browser", || scripts(&style, &scratch))?;
    step("Hashes and compression", || assemble(workspace, &scratch, &parts))
}

/// Each a classic script of its own, run in document order before the app starts.
fn scripts(style: &Path, scratch: &Path) -> Result<()> {
    let bundle = |source: &str, target: &str, flags: &[&str]| {
        Cmd::new(style.join("node_modules/.bin/esbuild"), style)
            .arg(format!("errors/{source}.ts"))
            .args(["--bundle", "--minify", "--format=iife", "--target=es2022", "--log-level=warning"])
            .args(flags)
            .arg(format!("--outfile={}", scratch.join(format!("{target}.js")).display()))
            .run()
    };
    bundle("failure", "failure", &[])?;
    let sdk = [
        "--define:__SENTRY_DEBUG__=false",
        "--define:__SENTRY_TRACING__=false",
        "--banner:js=/*! @sentry/browser, MIT License, Copyright Functional Software, Inc. dba Sentry */",
    ];
    bundle("tracking", "error-tracking", &sdk)
}

fn assemble(workspace: &Workspace, scratch: &Path, parts: &Parts) -> Result<()> {
    let site = workspace.site();
    let pkg = site.join("pkg");
    fs::create_dir_all(&pkg)?;
    let mut manifest = serde_json::Map::new();
    let mut keep: Vec<PathBuf> = Vec::new();
    let mut first_load = 0;
    for (role, stem, extension) in [
        ("js", "knoxcall", "js"),
        ("wasm", "knoxcall", "wasm"),
        ("css", "knoxcall", "css"),
        ("theme", "theme", "js"),
        ("failure", "failure", "js"),
        ("error_tracking", "error-tracking", "js"),
    ] {
        let bytes = fs::read(scratch.join(format!("{stem}.{extension}"))).with_context(|| format!("{stem}.{extension}"))?;
        let name = format!("{stem}.{}.{extension}", short(&bytes));
        let packed = put(&pkg, &name, &bytes, &mut keep)?;
        // Everything but the script for error tracking, which is not on every page.
        first_load += if role == "error_tracking" { 0 } else { packed.brotli };
        manifest.insert(role.to_owned(), name.into());
    }
    for (name, bytes) in &parts.files {
        put(&pkg, name, bytes, &mut keep)?;
    }
    manifest.insert("parts".to_owned(), serde_json::to_value(&parts.of)?);
    say(&format!("first load of the integrations page: {:.1} kB brotli, of {:.1} kB", kilobytes(first_load), kilobytes(BUDGET)));
    ensure!(first_load <= BUDGET, "more than the budget: what made the main file grow? (app/src/pages.rs says what is in it)");
    let text = serde_json::to_vec_pretty(&manifest)?;
    let path = pkg.join("manifest.json");
    write_if_changed(&path, &text)?;
    keep.push(path);
    for entry in fs::read_dir(workspace.root.join("public"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            put(&site, &name, &fs::read(entry.path())?, &mut keep)?;
        }
    }
    for folder in [&site, &pkg] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() && !keep.contains(&path) {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

/// Sizes in bytes.
struct Packed {
    brotli: u64,
    gzip: u64,
}

/// Writes a file and its two compressed forms.
fn put(folder: &Path, name: &str, bytes: &[u8], keep: &mut Vec<PathBuf>) -> Result<Packed> {
    let plain = folder.join(name);
    let brotli = folder.join(format!("{name}.br"));
    let gzip = folder.join(format!("{name}.gz"));
    if !brotli.exists() || !gzip.exists() || fs::read(&plain).ok().as_deref() != Some(bytes) {
        let mut packed = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
        packed.write_all(bytes)?;
        fs::write(&brotli, packed.into_inner())?;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes)?;
        fs::write(&gzip, packed.finish()?)?;
        fs::write(&plain, bytes)?;
    }
    let packed = Packed { brotli: fs::metadata(&brotli)?.len(), gzip: fs::metadata(&gzip)?.len() };
    let sizes = [bytes.len() as u64, packed.brotli, packed.gzip].map(kilobytes);
    say(&format!("{name}: {:.1} kB, brotli {:.1} kB, gzip {:.1} kB", sizes[0], sizes[1], sizes[2]));
    keep.extend([plain, brotli, gzip]);
    Ok(packed)
}

/// Keeps the time stamp of what is the same, so that the server is not rebuilt for nothing.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).ok().as_deref() != Some(bytes) {
        fs::write(path, bytes)?;
    }
    Ok(())
}

pub fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// As it stands in file names.
pub fn short(bytes: &[u8]) -> String {
    let mut hash = hash(bytes);
    hash.truncate(16);
    hash
}

fn kilobytes(bytes: u64) -> f64 {
    megabytes(bytes) * 1e3
}
