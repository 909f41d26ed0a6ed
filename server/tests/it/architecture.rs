//! Who may know whom (ARCHITECTURE.md): reads the sources and fails where a room names what it must not know.

use std::fs;
use std::path::{Path, PathBuf};

/// A crate (or one of our rooms, as `crate::room`) and the places that may name it, as path prefixes below `server/src`.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("app::", &["backend/", "web/", "values.rs"]),
    ("leptos", &["backend/", "web/"]),
    ("sled::", &["store/"]),
    ("opentelemetry", &["telemetry/"]),
    ("sentry::", &["error_tracking/"]),
    ("axum::", &["web/", "gateway/", "auth/"]),
    ("tower_sessions::", &["auth/", "web/", "backend/"]),
    ("chacha20::", &["ids.rs"]),
    ("chacha20poly1305::", &["vault.rs", "vault/"]),
    ("argon2::", &["auth/"]),
    ("crate::accept", &["gateway/", "web/", "demo/"]),
    ("crate::telemetry", &["telemetry/", "backend/", "compose"]),
    ("crate::error_tracking", &["error_tracking/", "backend/", "compose"]),
    ("crate::gateway", &["gateway/", "web/", "compose"]),
    ("crate::backend", &["backend/", "web/", "compose"]),
    ("crate::web", &["web/", "backend/", "compose", "main.rs"]),
    ("crate::webhooks", &["webhooks/", "backend/", "compose"]),
    ("crate::traffic", &["traffic/", "backend/", "compose"]),
    ("crate::capture", &["gateway/", "bus.rs", "webhooks/", "live/", "settings/publish/"]),
    ("crate::compose", &["main.rs"]),
    ("crate::spool", &["spool/", "telemetry/", "compose"]),
];

/// Rooms that may know only these others of ours.
const KNOWS_ONLY: &[(&str, &[&str])] = &[
    ("accept.rs", &["peers"]),
    ("accept/", &[]),
    ("connection.rs", &[]),
    ("peers.rs", &[]),
    ("auth/", &["auth", "audit", "bus", "cause", "event", "peers", "per_minute", "store", "values"]),
    ("config/", &["config", "egress", "secrets", "values", "vault"]),
    ("egress/", &["egress", "values"]),
    ("outbound/", &["outbound", "egress", "values"]),
    ("event.rs", &["values"]),
    ("event/", &["values"]),
    ("bus.rs", &["capture", "event", "values"]),
    ("bus/", &["event", "values"]),
    ("budget.rs", &[]),
    ("capture.rs", &["values"]),
    ("cause.rs", &[]),
    ("secrets.rs", &[]),
    ("live/", &["values", "live", "capture"]),
    ("spool/", &["spool", "budget", "vault"]),
    ("telemetry/", &["telemetry", "event", "bus", "budget", "live", "per_minute", "spool", "values", "outbound"]),
    ("error_tracking/", &["error_tracking", "event", "bus", "faults", "live", "per_minute", "secrets", "values", "outbound"]),
    ("traffic/", &["traffic", "auth", "bus", "event", "values"]),
    ("faults.rs", &["values"]),
    ("audit/", &["audit", "values"]),
    ("audit_command.rs", &["audit", "config", "store", "values"]),
    ("store/", &["store", "audit", "cause", "values", "vault"]),
    ("vault.rs", &[]),
    ("settings/", &["settings", "audit", "capture", "cause", "store", "vault", "live", "egress", "secrets", "values", "auth", "config"]),
    ("ids.rs", &[]),
    ("per_minute.rs", &[]),
    ("trace_context", &["event", "ids"]),
    (
        "gateway/",
        &[
            "gateway",
            "accept",
            "event",
            "bus",
            "capture",
            "connection",
            "faults",
            "ids",
            "live",
            "peers",
            "trace_context",
            "values",
            "outbound",
        ],
    ),
    (
        "webhooks/",
        &[
            "webhooks",
            "auth",
            "bus",
            "capture",
            "event",
            "live",
            "outbound",
            "per_minute",
            "secrets",
            "store",
            "trace_context",
            "values",
            "vault",
        ],
    ),
];

/// The same of the console, as path prefixes below `app/src`.
const CONSOLE_KNOWS_ONLY: &[(&str, &[&str])] = &[("ui/", &["ui", "browser_errors", "contract"])];

#[test]
fn rooms_know_only_whom_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    let mut seen = 0;
    for file in rust_files(&root) {
        let name = name_below(&root, &file);
        let text = fs::read_to_string(&file).unwrap();
        seen += 1;
        for (number, line) in lines(&text) {
            let code = line.as_str();
            if climbs_out(&name, code) {
                broken.push(format!("{name}:{}: leaves its room by super::; write crate::", number + 1));
            }
            for (what, allowed) in MAY_NAME {
                if names(code, what) && !allowed.iter().any(|prefix| name.starts_with(prefix)) {
                    broken.push(format!("{name}:{}: names {what}, which only {allowed:?} may", number + 1));
                }
            }
            broken.extend(strangers(KNOWS_ONLY, &name, code).iter().map(|what| format!("{name}:{}: {what}", number + 1)));
        }
    }
    assert!(seen > 20, "only {seen} files found below {}", root.display());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn what_pages_are_made_of_knows_none_of_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src");
    let files = rust_files(&root.join("ui"));
    assert!(files.len() > 20, "only {} files found below {}", files.len(), root.display());
    let mut broken = Vec::new();
    for file in files {
        let name = name_below(&root, &file);
        for (number, code) in lines(&fs::read_to_string(&file).unwrap()) {
            if climbs_out(&name, &code) {
                broken.push(format!("{name}:{}: leaves its room by super::; write crate::", number + 1));
            }
            broken.extend(strangers(CONSOLE_KNOWS_ONLY, &name, &code).iter().map(|what| format!("{name}:{}: {what}", number + 1)));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_contract_knows_no_framework_and_no_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src/contract");
    let files = rust_files(&root);
    assert!(files.len() > 8, "only {} files found below {}", files.len(), root.display());
    let forbidden = ["leptos", "axum::", "sled::", "server::", "opentelemetry", "tokio::", "web_sys::", "crate::ui", "crate::integrations"];
    let broken: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let named = |(number, line): (usize, String)| {
                let what = forbidden.iter().find(|what| names(&line, what))?;
                Some(format!("{}:{}: names {what}", file.display(), number + 1))
            };
            lines(&text).into_iter().filter_map(named).collect::<Vec<_>>()
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// A change of settings that goes past `Settings::save` would leave nothing in the audit log.
#[test]
fn settings_are_committed_in_one_place_and_the_console_commits_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = ["settings", "backend", "web"].map(|room| rust_files(&root.join(room))).concat();
    let mut found = Vec::new();
    for file in files {
        let name = name_below(&root, &file);
        let commits = lines(&fs::read_to_string(&file).unwrap()).iter().any(|(_, code)| code.contains(".commit"));
        if commits && !name.starts_with("settings/tests/") {
            found.push(name);
        }
    }
    assert_eq!(found, ["settings/service.rs"]);
}

/// Whoever has an answer's `errorId` looks for it by that name.
#[test]
fn an_error_id_is_logged_by_the_name_that_answers_give_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut named, mut broken) = (0, Vec::new());
    for file in rust_files(&root) {
        for (number, code) in lines(&fs::read_to_string(&file).unwrap()) {
            if code.contains("errorId = %error_id") {
                named += 1;
            } else if code.contains("%error_id") {
                broken.push(format!("{}:{}", name_below(&root, &file), number + 1));
            }
        }
    }
    assert!(named > 5 && broken.is_empty(), "{named} do; not {broken:?}");
}

#[test]
fn the_rules_see_what_they_are_about() {
    assert_eq!(rooms_named("use crate::{bus::Bus, telemetry, live::{Routing, self}};"), ["bus", "telemetry", "live"]);
    assert_eq!(rooms_named("let x = crate::store::now();"), ["store"]);
    assert!(names("use crate::{a, telemetry};", "crate::telemetry") && names("crate::telemetry::judged(x)", "crate::telemetry"));
    assert!(names("use crate::web;", "crate::web") && !names("use crate::{webhooks, a::web};", "crate::web"));
    let known: &[(&str, &[&str])] = &[("a/", &["a", "b"])];
    assert_eq!(strangers(known, "a/x.rs", "use crate::{a, b::C, d};"), [r#"a/ names crate::d; it may know only ["a", "b"]"#]);
    assert!(strangers(known, "b.rs", "use crate::d;").is_empty());
    assert!(names("use axum;", "axum::") && names("axum::Router::new()", "axum::") && !names("leptos_axum::redirect()", "axum::"));
    assert!(
        climbs_out("gateway/handler.rs", "use super::super::telemetry;")
            && !climbs_out("telemetry/delivery/lane.rs", "super::super::status")
    );
    assert!(climbs_out("telemetry/delivery/lane.rs", "use super::super::super::gateway;") && climbs_out("bus.rs", "use super::web;"));
    let split = lines("use crate::{\n    bus::Bus, // telemetry\n    live,\n};\n");
    assert_eq!(rooms_named(&split[0].1), ["bus", "live"]);
}

/// The code without comments, with the number of its first line; a `use` that goes over several lines is one.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        match out.last_mut() {
            Some((_, whole)) if open => whole.push_str(code),
            _ => out.push((number, code.to_owned())),
        }
        let whole = out.last().map_or("", |(_, whole)| whole.trim_start());
        open = (whole.starts_with("use ") || whole.starts_with("pub use ") || whole.starts_with("pub("))
            && whole.contains('{')
            && !whole.contains(';');
    }
    out
}

/// Whether `super::` leads from this file to the root of the crate, where all rooms are.
fn climbs_out(file: &str, code: &str) -> bool {
    if matches!(file, "lib.rs" | "main.rs") {
        return false;
    }
    let depth = file.matches('/').count() + usize::from(!file.ends_with("/mod.rs"));
    let steps = (1..6).take_while(|steps| code.contains(&"super::".repeat(*steps))).last().unwrap_or(0);
    // What is indented may be in a module of its own inside the file, as tests are.
    steps >= depth + usize::from(code.starts_with(' '))
}

/// Whether the code names `what`: a room of ours (`crate::room`), also in a group, or else a path of its own, not the tail of a
/// longer word.
fn names(code: &str, what: &str) -> bool {
    if let Some(room) = what.strip_prefix("crate::") {
        return rooms_named(code).iter().any(|named| named == room);
    }
    let alone = what.strip_suffix("::").is_some_and(|name| code.trim_end() == format!("use {name};"));
    alone
        || code.match_indices(what).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '"' || c == '-' || c == '/')
        })
}

/// Rooms that the code names and this file may not know.
fn strangers(rows: &[(&str, &[&str])], name: &str, code: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (room, known) in rows.iter().filter(|(room, _)| name.starts_with(room)) {
        let others = rooms_named(code).into_iter().filter(|other| !known.contains(&other.as_str()));
        out.extend(others.map(|other| format!("{room} names crate::{other}; it may know only {known:?}")));
    }
    out
}

fn rooms_named(code: &str) -> Vec<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut out = Vec::new();
    for (at, marker) in code.match_indices("crate::") {
        let rest = &code[at + marker.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            out.push(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut from = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                out.push(word(&group[from..at]));
                from = at + 1;
            }
            if depth == 0 {
                break;
            }
        }
    }
    out.retain(|room| !room.is_empty());
    out
}

fn name_below(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/")
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
