//! What was typed into a form that was refused (or that only looks), on its way back to the page without JavaScript.
//!
//! Which fields may be kept is a closed list: a field that is not in it is never kept, so that a new secret is safe
//! before anybody thinks of it.

use serde::{Deserialize, Serialize};

/// A refused form. It is shown once, to whoever sent it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Path of the server function that refused it.
    pub function: String,
    /// The [`super::ApiError`], as the framework writes it into addresses; empty when nothing was refused.
    pub error: String,
    /// Names and texts of plain fields, in the form's order.
    pub fields: Vec<(String, String)>,
    /// Names of fields that held text which is not kept: it has to be entered again.
    pub left_out: Vec<String>,
}

impl std::fmt::Debug for Draft {
    /// Without the texts.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft").field("function", &self.function).field("fields", &self.fields.len()).finish_non_exhaustive()
    }
}

/// The fields of one form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormFields {
    /// May be kept.
    pub plain: &'static [&'static str],
    /// A Sentry DSN: kept, but not with a secret key in it.
    pub dsn: &'static [&'static str],
    /// A URL that others made: kept, but not with a query, which is where they put tokens.
    pub url: &'static [&'static str],
    /// Never kept; the form says that they have to be entered again.
    pub secret: &'static [&'static str],
    /// It only looks: what was typed comes back even when nothing was refused.
    pub always: bool,
}

/// Every form by its server function, without the prefix `/api/`.
const FORMS: &[(&str, FormFields)] = &[
    ("account/sign-in", form(&["email"], &["password"])),
    ("account/complete-setup", form(&["email"], &["password"])),
    ("account/change-password", form(&[], &["current", "new"])),
    ("directory/create-workspace", form(&["name", "slug"], &[])),
    ("directory/rename-workspace", form(&["workspace", "name"], &[])),
    ("directory/enable-workspace", form(&["workspace", "enabled"], &[])),
    ("directory/delete-workspace", form(&["workspace", "confirmation"], &[])),
    ("directory/add-member", form(&["workspace", "email", "role"], &[])),
    ("directory/enable-member", form(&["workspace", "user_id", "enabled"], &[])),
    ("directory/renew-invitation", form(&["workspace", "user_id"], &[])),
    ("operators/add", form(&["email"], &[])),
    ("operators/enable", form(&["user_id", "enabled"], &[])),
    ("operators/renew-invitation", form(&["user_id"], &[])),
    ("operators/remove", form(&["user_id"], &[])),
    ("directory/set-member-role", form(&["workspace", "user_id", "role"], &[])),
    ("directory/remove-member", form(&["workspace", "user_id"], &[])),
    ("routes/create", form(&["workspace", "name", "slug", "target_base_url"], &[])),
    (
        "routes/update",
        form(
            &[
                "workspace",
                "route",
                "form[name]",
                "form[methods]",
                "form[connect_timeout_ms]",
                "form[response_timeout_ms]",
                "form[body_limit_mib]",
                "form[rate_limit_per_s]",
            ],
            &[],
        ),
    ),
    ("routes/enable", form(&["workspace", "route", "enabled"], &[])),
    ("routes/delete", form(&["workspace", "route", "confirmation"], &[])),
    (
        "routes/save-environment",
        form(
            &["workspace", "route", "form[original_name]", "form[name]", "form[target_base_url]", "form[clear_headers]", "form[default]"],
            &["form[inject_headers]"],
        ),
    ),
    ("routes/enable-environment", form(&["workspace", "route", "name", "enabled"], &[])),
    ("routes/delete-environment", form(&["workspace", "route", "name"], &[])),
    ("keys/create", form(&["workspace", "name", "routes[]"], &[])),
    ("keys/update", form(&["workspace", "id", "name", "routes[]"], &[])),
    ("keys/enable", form(&["workspace", "id", "enabled"], &[])),
    ("keys/delete", form(&["workspace", "id"], &[])),
    ("webhooks/create", WEBHOOK),
    ("webhooks/save", WEBHOOK),
    ("webhooks/enable", form(&["workspace", "id", "enabled"], &[])),
    ("webhooks/delete", form(&["workspace", "id", "confirmation"], &[])),
    ("webhooks/rotate-secret", form(&["workspace", "id"], &[])),
    ("webhooks/test", form(&["workspace", "id"], &[])),
    ("webhooks/redeliver", form(&["workspace", "id", "delivery", "shown"], &[])),
    ("webhooks/redeliver-failed", form(&["workspace", "id", "since"], &[])),
    ("agents/create", AGENT),
    ("agents/save", AGENT),
    ("agents/enable", form(&["workspace", "agent", "enabled"], &[])),
    ("agents/delete", form(&["workspace", "agent", "confirmation"], &[])),
    ("integrations/save-export", EXPORT),
    ("integrations/test-export", FormFields { always: true, ..EXPORT }),
    ("integrations/pause-export", form(&["workspace", "generation"], &[])),
    ("integrations/resume-export", form(&["workspace", "generation"], &[])),
    ("integrations/revert-export", form(&["workspace", "to", "generation"], &[])),
    ("integrations/save-tracking", TRACKING),
    ("integrations/test-tracking", FormFields { always: true, ..TRACKING }),
];

const EXPORT: FormFields = form(
    &[
        "workspace",
        "form[endpoint]",
        "form[service_name]",
        "form[clear_headers]",
        "form[traces]",
        "form[logs]",
        "form[metrics]",
        "form[compression]",
        "form[timeout_s]",
        "form[temporality]",
        "form[preset]",
        "form[generation]",
    ],
    &["form[headers]"],
);

const WEBHOOK: FormFields = FormFields {
    url: &["form[url]"],
    ..form(
        &[
            "workspace",
            "id",
            "form[name]",
            "form[event_types][]",
            "form[method]",
            "form[auth]",
            "form[auth_user]",
            "form[auth_header]",
            "form[clear_headers]",
            "form[routes][]",
            "form[include_headers]",
            "form[include_bodies]",
            "form[timeout_s]",
            "form[retries]",
            "form[generation]",
        ],
        &["form[auth_secret]", "form[headers]"],
    )
};

const AGENT: FormFields = form(
    &[
        "workspace",
        "agent",
        "form[slug]",
        "form[provider]",
        "form[base_url]",
        "form[clear_credential]",
        "form[models]",
        "form[max_output_tokens]",
        "form[tokens_per_minute]",
        "form[generation]",
    ],
    &["form[credential]"],
);

const TRACKING: FormFields =
    FormFields { dsn: &["form[dsn_browser]", "form[dsn_server]"], ..form(&["form[environment]", "form[generation]"], &[]) };

const fn form(plain: &'static [&'static str], secret: &'static [&'static str]) -> FormFields {
    FormFields { plain, dsn: &[], url: &[], secret, always: false }
}

/// What may be kept of the form that posts to this path, such as `/api/routes/create`. Nothing of one that is not known.
#[must_use]
pub fn form_fields(function: &str) -> FormFields {
    let name = function.strip_prefix("/api/").unwrap_or_default();
    FORMS.iter().find(|(form, _)| *form == name).map(|(_, fields)| *fields).unwrap_or_default()
}

/// How many fields of a form are looked at: every route of a key is one.
const MOST_FIELDS: usize = 256;

impl Draft {
    /// What may be kept of these fields. A URL with a user name or password in it counts as a secret.
    #[must_use]
    pub fn of(function: &str, error: String, sent: impl IntoIterator<Item = (String, String)>) -> Self {
        let known = form_fields(function);
        let mut draft = Self { function: function.to_owned(), error, fields: Vec::new(), left_out: Vec::new() };
        // No form of ours sends more; somebody who does gets the error alone.
        for (name, text) in sent.into_iter().take(MOST_FIELDS) {
            let plain = known.plain.contains(&name.as_str());
            let dsn = known.dsn.contains(&name.as_str());
            let url = known.url.contains(&name.as_str());
            let harmless = !holds_credentials(&text) && (plain || url && !text.contains(['?', '#']));
            if harmless || dsn && !holds_password(&text) {
                draft.fields.push((name, text));
            } else if (plain || dsn || url || known.secret.contains(&name.as_str())) && !text.is_empty() && !draft.left_out.contains(&name)
            {
                draft.left_out.push(name);
            }
        }
        draft
    }
}

/// Whether this is a URL with an `@` in its authority.
fn holds_credentials(text: &str) -> bool {
    text.split_once("//").is_some_and(|(_, rest)| rest.split(['/', '?', '#', '\\']).next().is_some_and(|authority| authority.contains('@')))
}

/// Whether this is a URL with a password in its authority.
fn holds_password(text: &str) -> bool {
    let authority = text.split_once("//").map_or(text, |(_, rest)| rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest));
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn only_listed_fields_are_kept() {
        let draft = Draft::of(
            "/api/routes/save-environment",
            String::new(),
            sent(&[
                ("form[name]", "eu west"),
                ("form[inject_headers]", "Authorization=Bearer hunter2"),
                ("form[something_new]", "hunter3"),
            ]),
        );
        assert_eq!(draft.fields, sent(&[("form[name]", "eu west")]));
        assert_eq!(draft.left_out, ["form[inject_headers]"]);
        assert!(!format!("{draft:?}").contains("eu west"));
        let unknown = Draft::of("/api/probe/anything", String::new(), sent(&[("name", "x")]));
        assert_eq!((unknown.fields, unknown.left_out), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_field_that_comes_a_thousand_times_is_not_kept_as_often() {
        let draft = Draft::of("/api/account/sign-in", String::new(), (0..100_000).map(|_| ("email".to_owned(), String::new())));
        assert!(draft.fields.len() <= MOST_FIELDS);
    }

    #[test]
    fn an_empty_secret_need_not_be_entered_again() {
        let draft = Draft::of("/api/account/sign-in", String::new(), sent(&[("email", "a@b"), ("password", "")]));
        assert_eq!((draft.fields.len(), draft.left_out.len()), (1, 0));
    }

    #[test]
    fn a_url_with_credentials_is_a_secret() {
        for url in ["http://ana:hunter2@host/v1", "https://hunter2@host", "//hunter2@host"] {
            let draft = Draft::of("/api/routes/create", String::new(), sent(&[("target_base_url", url)]));
            assert_eq!((draft.fields.len(), draft.left_out), (0, vec!["target_base_url".to_owned()]), "{url}");
        }
        for text in ["http://host/a@b", "ana@example.com", "not a url"] {
            let draft = Draft::of("/api/routes/create", String::new(), sent(&[("target_base_url", text)]));
            assert_eq!(draft.fields.len(), 1, "{text}");
        }
    }

    #[test]
    fn a_webhooks_url_is_kept_without_a_query() {
        let of = |url| Draft::of("/api/webhooks/save", String::new(), sent(&[("form[url]", url)]));
        for kept in ["https://hooks.example.com/in/7", "hooks.example.com", ""] {
            assert_eq!(of(kept).fields, sent(&[("form[url]", kept)]), "{kept}");
        }
        for secret in
            ["https://hooks.example.com/in?token=hunter2", "hooks.example.com?hunter2", "https://h/#hunter2", "https://ana:hunter2@h/in"]
        {
            let draft = of(secret);
            assert_eq!((draft.fields.len(), draft.left_out), (0, vec!["form[url]".to_owned()]), "{secret}");
        }
    }

    #[test]
    fn a_dsn_is_kept_without_a_secret_key() {
        let of = |dsn| Draft::of("/api/integrations/save-tracking", String::new(), sent(&[("form[dsn_server]", dsn)]));
        for kept in ["https://key@host/1", "https://key@host", "not a dsn", ""] {
            assert_eq!(of(kept).fields, sent(&[("form[dsn_server]", kept)]), "{kept}");
        }
        for secret in ["https://key:hunter2@host/1", "key:hunter2@host/1", "https://a:b@c@host/1"] {
            let draft = of(secret);
            assert_eq!((draft.fields.len(), draft.left_out.len()), (0, 1), "{secret}");
        }
    }

    #[test]
    fn no_plain_field_sounds_like_a_secret() {
        // The name of a header, whether headers are told, and counts of tokens.
        let harmless = ["form[auth_header]", "form[include_headers]", "form[max_output_tokens]", "form[tokens_per_minute]"];
        for (form, fields) in FORMS {
            for name in fields.plain.iter().filter(|name| !name.contains("clear_") && !harmless.contains(name)) {
                for word in ["password", "header", "token", "secret", "key", "credential", "dsn"] {
                    assert!(!name.contains(word), "{form}: {name}");
                }
            }
        }
    }
}
