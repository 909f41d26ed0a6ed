//! Verifiers that others wrote accept what a receiver got: the official `knoxcall` package and the Standard Webhooks library,
//! both from PyPI. `cargo xtask test` installs them and names their Python in `KNOXCALL_VERIFIERS`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use server::values::Role;

use super::rig::{Rig, form, quick};
use crate::support::receiver::{Got, Receiver};

/// Reads `{"headers", "body", "secret"}`; answers with what each of them says.
const SCRIPT: &str = r#"
import json, sys
from knoxcall import construct_webhook_event
from standardwebhooks.webhooks import Webhook
given = json.load(sys.stdin)
def says(verify):
    try:
        return verify()["event"]
    except Exception as error:
        return type(error).__name__
body, headers, secret = given["body"].encode(), given["headers"], given["secret"]
print(json.dumps([
    says(lambda: construct_webhook_event(body, headers, secret)),
    says(lambda: Webhook(secret).verify(body, headers)),
]))
"#;

fn verdicts(got: &Got, body: &str, secret: &str) -> [String; 2] {
    let python = std::env::var("KNOXCALL_VERIFIERS")
        .expect("KNOXCALL_VERIFIERS does not name the Python of the webhook verifiers: run `cargo xtask test`, which installs them");
    let headers: serde_json::Map<String, serde_json::Value> =
        got.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
    let given = serde_json::json!({"headers": headers, "body": body, "secret": secret});
    let mut child = Command::new(python)
        .args(["-I", "-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the verifiers' Python does not start");
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the verifiers could not run");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_accept_what_is_delivered_and_nothing_else() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let id = admin.create_webhook("acme", form(&receiver, "/hook", &["request.client_error"])).await.unwrap();
    let old = admin.take_secret("acme", id).await.unwrap().unwrap().secret;
    rig.ended(&acme, 404);
    let got = receiver.wait("/hook", 1).await.remove(0);
    let body = String::from_utf8(got.body.to_vec()).unwrap();
    assert_eq!(verdicts(&got, &body, &old), ["request.client_error", "request.client_error"]);
    let refused = ["WebhookSignatureVerificationError", "WebhookVerificationError"];
    assert_eq!(verdicts(&got, &body.replace("404", "200"), &old), refused);
    assert_eq!(verdicts(&got, &body, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), refused);

    admin.rotate_secret("acme", id).await.unwrap();
    let new = admin.take_secret("acme", id).await.unwrap().unwrap().secret;
    rig.ended(&acme, 404);
    let got = receiver.wait("/hook", 2).await.remove(1);
    let body = String::from_utf8(got.body.to_vec()).unwrap();
    assert_eq!(verdicts(&got, &body, &new), ["request.client_error", "request.client_error"]);
    assert_eq!(verdicts(&got, &body, &old)[1], "request.client_error", "the one before, for a day");
}
