//! Proves where a delivery comes from: KnoxCall's own signature, and that of Standard Webhooks 1.0. Pure: time is an argument.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::live::SigningSecret;
use crate::secrets::SIGNING_SECRET_PREFIX;

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const X_WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");

/// Writes what identifies and signs a delivery, over whatever the headers said. `now_ms`: milliseconds since the Unix epoch.
/// `signing` has the newest secret first; empty signs nothing.
pub fn write(headers: &mut HeaderMap, id: Uuid, now_ms: i64, body: &str, signing: &[SigningSecret]) {
    let (id, timestamp) = (id.to_string(), now_ms.div_euclid(1000).to_string());
    let valid: Vec<&SigningSecret> = signing.iter().filter(|secret| secret.until.is_none_or(|until| now_ms < until)).collect();
    let standard: Vec<String> = valid.iter().filter_map(|secret| standard(&secret.text, &id, &timestamp, body)).collect();
    let own = valid.first().map(|newest| own(&newest.text, body));
    let mut put = |name, value: Option<String>| {
        headers.remove(&name);
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            headers.insert(name, value);
        }
    };
    put(WEBHOOK_ID, Some(id));
    put(WEBHOOK_TIMESTAMP, Some(timestamp));
    put(WEBHOOK_SIGNATURE, Some(standard.join(" ")).filter(|all| !all.is_empty()));
    put(X_WEBHOOK_SIGNATURE, own);
}

/// `sha256=<hex>` of the body; the key is the secret's text as it is shown.
fn own(secret: &str, body: &str) -> String {
    format!("sha256={}", hex::encode(mac(secret.as_bytes(), &[body])))
}

/// `v1,<base64>` of `id.timestamp.body`; the key is what the base64 behind `whsec_` stands for.
fn standard(secret: &str, id: &str, timestamp: &str, body: &str) -> Option<String> {
    let key = Zeroizing::new(STANDARD.decode(secret.strip_prefix(SIGNING_SECRET_PREFIX)?).ok()?);
    Some(format!("v1,{}", STANDARD.encode(mac(&key, &[id, ".", timestamp, ".", body]))))
}

fn mac(key: &[u8], parts: &[&str]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn secret(text: &str, until: Option<i64>) -> SigningSecret {
        SigningSecret { text: Zeroizing::new(text.to_owned()), until }
    }

    /// The vector of the reference libraries' own tests.
    #[test]
    fn signs_as_the_standard_says() {
        let signed = standard(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// The vector of GitHub's documentation, which signs likewise.
    #[test]
    fn signs_the_body() {
        assert_eq!(
            own("It's a Secret to Everybody", "Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn two_secrets_sign_until_the_overlap_is_over() {
        let old = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let signing = [secret(SECRET, None), secret(old, Some(2_000))];
        let mut headers = HeaderMap::new();
        headers.insert("webhook-signature", HeaderValue::from_static("v1,forged"));
        write(&mut headers, Uuid::nil(), 1_999, "{}", &signing);
        let id = Uuid::nil().to_string();
        let both = format!("{} {}", standard(SECRET, &id, "1", "{}").unwrap(), standard(old, &id, "1", "{}").unwrap());
        assert_eq!(["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| &headers[name]), [&*id, "1", &*both]);
        assert_eq!(headers["x-webhook-signature"], own(SECRET, "{}"), "the newest alone");
        write(&mut headers, Uuid::nil(), 2_000, "{}", &signing);
        assert_eq!(headers["webhook-signature"], standard(SECRET, &id, "2", "{}").unwrap());
    }

    #[test]
    fn without_a_secret_nothing_is_signed() {
        let mut headers = HeaderMap::new();
        write(&mut headers, Uuid::nil(), 0, "{}", &[]);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>().len(), 2);
        assert!(!headers.contains_key("webhook-signature") && !headers.contains_key("x-webhook-signature"));
    }
}
