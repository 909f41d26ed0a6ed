//! The audit logs of the binary itself: a kill after a save, and `knoxcall audit` before and after somebody tampered.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::tempdir;

use super::life::{OPERATOR, create_workspace, signed_in};
use super::{Process, Setup};

fn audit(data: &Path, arguments: &[&str]) -> Output {
    audit_command(data, arguments).output().unwrap()
}

fn audit_command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_knoxcall"));
    for (name, _) in std::env::vars().filter(|(name, _)| ["OTEL_", "SENTRY_", "KNOXCALL_"].iter().any(|ours| name.starts_with(ours))) {
        command.env_remove(name);
    }
    command.arg("audit").args(arguments).arg("--data-dir").arg(data);
    command
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

/// The database as whoever holds the folder can open it.
fn database(data: &Path) -> sled::Db {
    sled::open(data).unwrap()
}

/// Nothing secret is in what lies there.
fn raw(data: &Path) -> Vec<u8> {
    let db = database(data);
    let mut bytes = Vec::new();
    for tree in ["audit", "audit_heads"] {
        for entry in &db.open_tree(tree).unwrap() {
            let (key, value) = entry.unwrap();
            bytes.extend_from_slice(&key);
            bytes.extend_from_slice(&value);
        }
    }
    bytes
}

const SECRETS: &str = r#"
[otlp]
endpoint = "http://127.0.0.1:1"
headers = "authorization=Bearer planted-otlp"
[[workspace]]
slug = "acme"
[[workspace.member]]
email = "owner@acme.test"
password = "planted password"
role = "admin"
[[workspace.api_key]]
name = "default"
key = "tk_planted0123456789abcdef"
[[workspace.route]]
slug = "billing"
[[workspace.route.environment]]
name = "production"
default = true
target_base_url = "http://127.0.0.1:1"
[workspace.route.environment.inject_headers]
Authorization = "Bearer planted-upstream"
"#;

/// As with `knoxcall audit export global | head -n 1`.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_enough_ends_the_export_quietly() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data, &Setup { bootstrap: Some(OPERATOR), ..Setup::default() });
    process.signal("TERM");
    assert!(process.ended().0.success());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = audit_command(&data, &["export", "global"]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(141), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_survives_the_kill_right_after_its_save_and_the_chain_goes_on() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    for round in 0..3 {
        let process = Process::start(&data, &Setup { bootstrap: Some(OPERATOR), ..Setup::default() });
        let slug = format!("workspace-{round}");
        create_workspace(&process, &slug).await;
        process.signal("KILL");
        assert!(!process.ended().0.success());
        let (code, text) = said(&audit(&data, &["verify"]));
        // The first start made the operator's account; each round has somebody sign in and make a workspace.
        assert!(code == Some(0) && text.contains(&format!("Global: intact, {} entries, head ", 2 * round + 3)), "{text}");
        let (_, lines) = said(&audit(&data, &["export", "global"]));
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!((&last["action"], &last["resource"]["handle"]), (&"workspace.created".into(), &slug.as_str().into()));
        assert_eq!(last["actor"]["email"], "op@example.test");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tampering_with_the_database_is_found() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let bootstrap = format!("{OPERATOR}{SECRETS}");
    let process = Process::start(&data, &Setup { bootstrap: Some(&bootstrap), ..Setup::default() });
    let (code, text) = said(&audit(&data, &["verify"]));
    assert!(code == Some(2) && text.contains("in use by another process") && text.contains("stop it first"), "{text}");
    drop(signed_in(&process).await);
    process.signal("TERM");
    assert!(process.ended().0.success());

    let (code, before) = said(&audit(&data, &["verify"]));
    assert_eq!(code, Some(0), "{before}");
    // Operator, its export, workspace, account, and the operator signed in; the member, the key, the route and its environment.
    assert!(before.contains("Global: intact, 5 entries, head ") && before.contains("workspace acme ("), "{before}");
    let (code, csv) = said(&audit(&data, &["export", "acme", "--format", "csv"]));
    assert!(code == Some(0) && csv.lines().count() == 5 && csv.contains(",bootstrap,member.added,member,owner@acme.test,"), "{csv}");
    assert!(csv.contains("Injected headers: changed"), "{csv}");
    let jsonl = said(&audit(&data, &["export", "acme"])).1 + &said(&audit(&data, &["export", "global"])).1;
    let lying = String::from_utf8_lossy(&raw(&data)).into_owned();
    assert!(lying.contains("owner@acme.test"), "this is where it lies");
    for text in [&csv, &jsonl, &lying] {
        assert!(!text.contains("planted"), "{text}");
    }

    let workspace = {
        let entries = database(&data).open_tree("audit").unwrap();
        let keys: Vec<_> = entries.iter().keys().map(Result::unwrap).filter(|key| key[..16] != [0; 16]).collect();
        let (second, bytes) = (keys[1].clone(), entries.get(&keys[1]).unwrap().unwrap());
        let changed = String::from_utf8(bytes.to_vec()).unwrap().replacen("api", "xpi", 1).replacen("route", "roote", 1);
        assert_ne!(changed.as_bytes(), &bytes[..]);
        entries.insert(&second, changed.as_bytes()).unwrap();
        entries.flush().unwrap();
        uuid::Uuid::from_slice(&second[..16]).unwrap()
    };
    let (code, after) = said(&audit(&data, &["verify"]));
    assert_eq!(code, Some(1), "{after}");
    assert!(after.contains(&format!("workspace acme ({workspace}): BROKEN at entry 2")) && after.contains("Global: intact"), "{after}");

    let wrong = folder.path().join("wrong");
    let (code, text) = said(&audit(&wrong, &["verify"]));
    assert!(code == Some(2) && text.contains("there is no database in") && !wrong.exists(), "{text}");
    assert_eq!(said(&audit(&data, &["export", "nowhere"])).0, Some(2));
}
