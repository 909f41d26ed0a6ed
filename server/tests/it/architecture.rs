//! Who may know whom (ARCHITECTURE.md): reads the sources and fails where a room names what it must not know.

use std::fs;
use std::path::{Path, PathBuf};

/// A crate (or one of our rooms, as `crate::room`) and the places that may name it, as path prefixes below `server/src`.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("app::", &["backend/", "web/", "values.rs"]),
    ("leptos", &["backend/", "web/"]),
    ("sled::", &["store/"]),
    ("opentelemetry", &["telemetry/"]),
    ("axum::", &["web/", "gateway/", "auth/"]),
    ("tower_sessions::", &["auth/", "web/", "backend/"]),
    ("chacha20poly1305::", &["vault.rs", "vault/"]),
    ("argon2::", &["auth/"]),
    ("crate::telemetry", &["telemetry/", "backend/", "compose.rs"]),
    ("crate::gateway", &["gateway/", "web/", "compose.rs"]),
    ("crate::backend", &["backend/", "web/", "compose.rs"]),
    ("crate::web", &["web/", "backend/", "compose.rs", "main.rs"]),
    ("crate::compose", &["main.rs"]),
];

/// Rooms that may know only these others of ours.
const KNOWS_ONLY: &[(&str, &[&str])] = &[
    ("egress/", &["egress", "values"]),
    ("outbound/", &["outbound", "egress", "values"]),
    ("event.rs", &["values"]),
    ("bus.rs", &["event", "values"]),
    ("live/", &["values", "live"]),
    ("telemetry/", &["telemetry", "event", "bus", "live", "values", "outbound"]),
    ("gateway/", &["gateway", "event", "bus", "live", "values", "outbound"]),
    ("store/", &["store", "values", "vault"]),
    ("settings/", &["settings", "store", "vault", "live", "egress", "values", "auth", "config"]),
];

#[test]
fn rooms_know_only_whom_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    let mut seen = 0;
    for file in rust_files(&root) {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        seen += 1;
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (what, allowed) in MAY_NAME {
                if names(code, what) && !allowed.iter().any(|prefix| name.starts_with(prefix)) {
                    broken.push(format!("{name}:{}: names {what}, which only {allowed:?} may", number + 1));
                }
            }
            for (room, known) in KNOWS_ONLY {
                if !name.starts_with(room) {
                    continue;
                }
                for other in rooms_named(code) {
                    if !known.contains(&other.as_str()) {
                        broken.push(format!("{name}:{}: {room} names crate::{other}; it may know only {known:?}", number + 1));
                    }
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} files found below {}", root.display());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Whether the code names `what` as a path of its own, not as the tail of a longer word.
fn names(code: &str, what: &str) -> bool {
    code.match_indices(what).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '"' || c == '-' || c == '/')
    })
}

fn rooms_named(code: &str) -> Vec<String> {
    code.match_indices("crate::")
        .map(|(at, marker)| code[at + marker.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        .filter(|room| !room.is_empty())
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
    out
}
