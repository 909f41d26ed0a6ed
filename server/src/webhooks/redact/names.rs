//! Which names of headers, members and fields say that their value is a secret. Pure.

/// Wherever they are in a name, written together or not, in lower case.
pub(super) const STEMS: [&str; 16] = [
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "credential",
    "signature",
    "session",
    "csrf",
    "xsrf",
    "bearer",
    "jwt",
    "cookie",
    "auth",
    "key",
];
/// As a word of their own.
pub(super) const WORDS: [&str; 12] = ["pass", "pin", "otp", "totp", "cvv", "cvc", "sid", "sig", "dsn", "hmac", "pw", "mfa"];

/// What makes something else of a stem.
const NOT_A_KEY: [&str; 5] = ["board", "word", "note", "stone", "frame"];

/// Whether the value that goes by this name is a secret.
#[must_use]
pub(super) fn secret(name: &str) -> bool {
    let together: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    STEMS.iter().any(|stem| match *stem {
        // An author is none, an authorization is.
        "auth" => followed(&together, stem, |rest| !rest.starts_with("or") || rest.starts_with("oriz") || rest.starts_with("oris")),
        "key" => followed(&together, stem, |rest| !NOT_A_KEY.iter().any(|end| rest.starts_with(end))),
        stem => together.contains(stem),
    }) || words(name).any(|word| WORDS.iter().any(|one| word.eq_ignore_ascii_case(one)))
}

fn followed(text: &str, stem: &str, by: impl Fn(&str) -> bool) -> bool {
    text.match_indices(stem).any(|(at, _)| by(&text[at + stem.len()..]))
}

/// `smsPin`, `sms_pin` and `sms-pin` have two each.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|part| {
        let mut starts: Vec<usize> = vec![0];
        let bytes = part.as_bytes();
        starts.extend((1..bytes.len()).filter(|at| bytes[*at].is_ascii_uppercase() && !bytes[*at - 1].is_ascii_uppercase()));
        let ends: Vec<usize> = starts.iter().skip(1).copied().chain([part.len()]).collect();
        starts.into_iter().zip(ends).map(move |(start, end)| &part[start..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_and_of_others() {
        for name in [
            "authorization",
            "Proxy-Authorization",
            "x-auth",
            "authToken",
            "OAuth",
            "www-authenticate",
            "Cookie",
            "set-cookie",
            "x-knoxcall-key",
            "api_key",
            "apiKey",
            "API KEY",
            "x-api-key",
            "private-key",
            "password",
            "PassWord",
            "user[password]",
            "passwd",
            "db.pwd",
            "client_secret",
            "refreshToken",
            "x-csrf-token",
            "XSRF",
            "credentials",
            "X-Hub-Signature-256",
            "sessionId",
            "PHPSESSION",
            "pass",
            "smsPin",
            "otp",
            "CVV",
            "sig",
            "connect.sid",
            "jwt",
            "bearer",
            "passphrase",
            "idempotency-key",
        ] {
            assert!(secret(name), "{name}");
        }
        for name in [
            "author",
            "authority",
            "co-authors",
            "keyboard",
            "keywords",
            "passenger",
            "compass",
            "pinned",
            "spin",
            "significant",
            "inside",
            "content-type",
            "x-request-id",
            "accept",
            "",
            "-",
            "amount",
            "user",
            "traceparent",
        ] {
            assert!(!secret(name), "{name}");
        }
    }
}
