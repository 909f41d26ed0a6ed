//! A Sentry-compatible server that others wrote: bugsink, on SQLite in a temporary folder.
//!
//! `cargo xtask test` installs it and names the folder of its programs in `KNOXCALL_BUGSINK`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);
const SETUP: &str = "
from teams.models import Team
from projects.models import Project
from bsmain.models import AuthToken
project = Project.objects.create(name='knoxcall', team=Team.objects.create(name='tests'))
print('MADE', project.id, project.sentry_key.hex, AuthToken.create_full_access().token)
";

/// A running server; it ends when it is dropped.
pub struct Bugsink {
    pub dsn: String,
    base: String,
    project: String,
    token: String,
    child: Child,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Bugsink {
    pub async fn start() -> Self {
        let programs = std::env::var("KNOXCALL_BUGSINK")
            .expect("KNOXCALL_BUGSINK does not name the folder of bugsink's programs: run `cargo xtask test`, which installs it");
        let programs = PathBuf::from(programs);
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let base = format!("http://127.0.0.1:{port}");
        let (path, url) = (folder.path().to_owned(), base.clone());
        let made = tokio::task::spawn_blocking({
            let programs = programs.clone();
            move || prepare(&programs, &path, &url)
        });
        let made = tokio::time::timeout(PATIENCE, made).await.expect("bugsink is not ready in time").unwrap();
        let [project, key, token] = made;
        let child = program(&programs, "gunicorn", folder.path())
            .args(["--bind", &format!("127.0.0.1:{port}"), "--workers", "1", "bugsink.wsgi"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let dsn = format!("http://{key}@127.0.0.1:{port}/{project}");
        let bugsink = Self { dsn, base, project, token, child, client, _folder: folder };
        bugsink.until("bugsink answers", |_| true).await;
        bugsink
    }

    /// Waits until the events that arrived are as expected.
    pub async fn until(&self, what: &str, expected: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < deadline {
            last = self.events().await;
            match &last {
                Some(events) if expected(events) => return events.clone(),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("not in time: {what}; there is {last:#?}");
    }

    /// Every event, whole; `None` while it does not answer.
    async fn events(&self) -> Option<Vec<Value>> {
        let mut events = Vec::new();
        for issue in self.list(&format!("issues/?project={}", self.project)).await? {
            for event in self.list(&format!("events/?issue={}", issue["id"].as_str()?)).await? {
                events.push(self.ask(&format!("events/{}/", event["id"].as_str()?)).await?["data"].clone());
            }
        }
        Some(events)
    }

    async fn list(&self, path: &str) -> Option<Vec<Value>> {
        Some(self.ask(path).await?["results"].as_array()?.clone())
    }

    async fn ask(&self, path: &str) -> Option<Value> {
        let request = self.client.get(format!("{}/api/canonical/0/{path}", self.base)).bearer_auth(&self.token);
        request.send().await.ok()?.json().await.ok()
    }
}

impl Drop for Bugsink {
    fn drop(&mut self) {
        // gunicorn ends its worker only when it is asked to end.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn program(programs: &Path, name: &str, folder: &Path) -> Command {
    let mut command = Command::new(programs.join(name));
    command.current_dir(folder).env("HOME", folder).env("PYTHONPATH", folder).env("DJANGO_SETTINGS_MODULE", "bugsink_conf");
    command.env_remove("SENTRY_DSN").stdin(Stdio::null());
    command
}

/// Project, key and token.
fn prepare(programs: &Path, folder: &Path, base: &str) -> [String; 3] {
    let run = |name: &str, arguments: &[&str]| -> String {
        let output = program(programs, name, folder).args(arguments).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{name} {arguments:?}: {text}");
        text
    };
    let place = format!("--base-dir={}", folder.display());
    let port = base.rsplit(':').next().unwrap();
    run("bugsink-create-conf", &["--template=singleserver", "--host=127.0.0.1", &format!("--port={port}"), &place]);
    let file = folder.join("bugsink_conf.py");
    let ours = format!(
        "\nBUGSINK['BASE_URL'] = '{base}'\nBUGSINK['PHONEHOME'] = False\nSNAPPEA['TASK_ALWAYS_EAGER'] = True\n\
         SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False\nALLOWED_HOSTS = ['127.0.0.1']\n"
    );
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + &ours).unwrap();
    run("bugsink-manage", &["migrate", "-v", "0"]);
    run("bugsink-manage", &["migrate", "--database=snappea", "-v", "0"]);
    let made = run("bugsink-manage", &["shell", "-c", SETUP]);
    let line = made.lines().find_map(|line| line.strip_prefix("MADE ")).unwrap_or_else(|| panic!("{made}"));
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    words.try_into().unwrap()
}
