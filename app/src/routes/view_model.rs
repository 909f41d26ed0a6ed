//! What the pages of routes say and read, as pure functions. No views here.

use serde::{Deserialize, Serialize};

use crate::contract::values::{
    DisplayName, Endpoint, MAX_BODY_LIMIT_MIB, MAX_CONNECT_TIMEOUT_MS, MAX_RESPONSE_TIMEOUT_MS, Slug, parse_injected_headers, parse_methods,
};
#[cfg(any(feature = "ssr", test))]
use crate::contract::{ApiError, Field};
use crate::contract::{EnvironmentRef, RouteRow, RouteSettings, Rule};

const MIB: f64 = 1024.0 * 1024.0;

/// The settings form of a route as it is typed: numbers are text, so that a wrong one gets a rule and not a decoding error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteForm {
    pub name: String,
    #[serde(default)]
    pub methods: String,
    #[serde(default)]
    pub connect_timeout_ms: String,
    #[serde(default)]
    pub response_timeout_ms: String,
    #[serde(default)]
    pub body_limit_mib: String,
    #[serde(default)]
    pub rate_limit_per_s: String,
}

impl RouteForm {
    /// What the form holds for a route as it is.
    #[must_use]
    pub fn of(name: &str, settings: &RouteSettings) -> Self {
        Self {
            name: name.to_owned(),
            methods: settings.methods.clone(),
            connect_timeout_ms: settings.connect_timeout_ms.to_string(),
            response_timeout_ms: settings.response_timeout_ms.to_string(),
            body_limit_mib: mib(settings.body_limit_bytes),
            rate_limit_per_s: settings.rate_limit_per_s.to_string(),
        }
    }

    /// The limits, for the server; empty text means the default.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] with the field and its range.
    #[cfg(any(feature = "ssr", test))]
    pub fn settings(&self) -> Result<RouteSettings, ApiError> {
        let invalid = |field| move |rule| ApiError::Invalid { field, rule };
        let default = RouteSettings::default();
        Ok(RouteSettings {
            methods: self.methods.trim().to_owned(),
            connect_timeout_ms: whole(&self.connect_timeout_ms, default.connect_timeout_ms, 1, MAX_CONNECT_TIMEOUT_MS)
                .map_err(invalid(Field::ConnectTimeout))?,
            response_timeout_ms: whole(&self.response_timeout_ms, default.response_timeout_ms, 1, MAX_RESPONSE_TIMEOUT_MS)
                .map_err(invalid(Field::ResponseTimeout))?,
            body_limit_bytes: parse_mib(&self.body_limit_mib, default.body_limit_bytes).map_err(invalid(Field::BodyLimit))?,
            rate_limit_per_s: whole(&self.rate_limit_per_s, default.rate_limit_per_s, 0, u32::MAX).map_err(invalid(Field::RateLimit))?,
        })
    }
}

fn whole(text: &str, default: u32, min: u32, max: u32) -> Result<u32, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(default);
    }
    match text.parse::<u32>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(Rule::NumberRange { min: u64::from(min), max: u64::from(max) }),
    }
}

/// Bytes in MiB, exactly: a stored limit that is no whole number of MiB survives the form.
#[must_use]
pub fn mib(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "limits stay far below 2^53, where every integer is exact")]
    let value = bytes as f64 / MIB;
    value.to_string()
}

fn parse_mib(text: &str, default: u64) -> Result<u64, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(default);
    }
    let range = Rule::NumberRange { min: 0, max: u64::from(MAX_BODY_LIMIT_MIB) };
    let number: f64 = text.parse().map_err(|_| range.clone())?;
    if !(0.0..=f64::from(MAX_BODY_LIMIT_MIB)).contains(&number) {
        return Err(range);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 10 GiB, checked above")]
    let bytes = (number * MIB).round() as u64;
    Ok(bytes)
}

/// A slug made from a name: lower-case ASCII letters and digits, everything between them one hyphen. Empty when the name
/// has neither.
#[must_use]
pub fn suggest_slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() == 63 {
            break;
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// A command that sends one request through a route, ready for a shell in which `KNOXCALL_KEY` holds a key.
#[must_use]
pub fn curl_command(gateway_url: &str, route: &str, environment: Option<&str>, methods: &str) -> String {
    let base = with_scheme(gateway_url);
    let method = methods.split(',').map(str::trim).find(|method| !method.is_empty());
    let all_or_get = method.is_none() || methods.split(',').any(|method| method.trim() == "GET");
    let method = match method {
        Some(method) if !all_or_get => format!("-X {method} "),
        _ => String::new(),
    };
    let mut lines = vec![
        format!("curl {method}{base}/"),
        "-H \"x-knoxcall-key: $KNOXCALL_KEY\"".to_owned(),
        format!("-H \"x-knoxcall-route: {route}\""),
    ];
    if let Some(environment) = environment {
        lines.push(format!("-H {}", quoted(&format!("x-knoxcall-environment: {environment}"))));
    }
    lines.join(" \\\n  ")
}

/// The gateway's address as a URL, without a trailing slash.
#[must_use]
pub fn with_scheme(gateway_url: &str) -> String {
    let base = gateway_url.trim_end_matches('/');
    if base.contains("://") { base.to_owned() } else { format!("http://{base}") }
}

/// One word of a POSIX shell that stands for exactly this text.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A route's environments in one line.
#[must_use]
pub fn environment_names(environments: &[EnvironmentRef]) -> String {
    if environments.is_empty() {
        return "None".to_owned();
    }
    let name = |one: &EnvironmentRef| if one.enabled { one.name.clone() } else { format!("{} (disabled)", one.name) };
    environments.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// One route to tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The slug, or the id of a route that is gone.
    pub value: String,
    pub name: String,
    pub chosen: bool,
}

/// The workspace's routes, then those that are gone and still among `chosen`.
#[must_use]
pub fn choices(routes: Vec<RouteRow>, chosen: &[String]) -> Vec<Choice> {
    let gone = chosen.iter().filter(|value| routes.iter().all(|route| route.slug != **value));
    let gone: Vec<_> = gone.map(|value| Choice { value: value.clone(), name: "Deleted route".to_owned(), chosen: true }).collect();
    let there = routes.into_iter().map(|route| Choice { chosen: chosen.contains(&route.slug), value: route.slug, name: route.name });
    there.chain(gone).collect()
}

/// The routes that a key or a webhook is limited to, in few words.
#[must_use]
pub fn reach(routes: &[String]) -> String {
    match routes {
        [] => "All routes".to_owned(),
        few if few.len() <= 3 => few.join(", "),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
        [only] => only.clone(),
    }
}

/// Text as the value of one query parameter.
#[must_use]
pub fn query_value(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// # Errors
/// The rule the text breaks.
pub fn check_name(text: &str) -> Result<(), Rule> {
    DisplayName::parse(text).map(drop)
}

/// # Errors
/// The rule the text breaks.
pub fn check_slug(text: &str) -> Result<(), Rule> {
    Slug::parse(text).map(drop)
}

/// # Errors
/// The rule the text breaks.
pub fn check_target(text: &str) -> Result<(), Rule> {
    Endpoint::parse_exact(text).map(drop)
}

/// # Errors
/// The rule the text breaks.
pub fn check_headers(text: &str) -> Result<(), Rule> {
    parse_injected_headers(text).map(drop)
}

/// # Errors
/// The rule the text breaks.
pub fn check_methods(text: &str) -> Result<(), Rule> {
    parse_methods(text).map(drop)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_connect_timeout(text: &str) -> Result<(), Rule> {
    whole(text, 1, 1, MAX_CONNECT_TIMEOUT_MS).map(drop)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_response_timeout(text: &str) -> Result<(), Rule> {
    whole(text, 1, 1, MAX_RESPONSE_TIMEOUT_MS).map(drop)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_body_limit(text: &str) -> Result<(), Rule> {
    parse_mib(text, 0).map(drop)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_rate_limit(text: &str) -> Result<(), Rule> {
    whole(text, 0, 0, u32::MAX).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_gives_back_what_it_showed() {
        for body_limit_bytes in [0, 1, 512 * 1024, 100 * 1024 * 1024, 100 * 1024 * 1024 + 1, 10 * 1024 * 1024 * 1024] {
            let settings =
                RouteSettings { methods: "GET, POST".to_owned(), body_limit_bytes, rate_limit_per_s: 7, ..RouteSettings::default() };
            assert_eq!(RouteForm::of("x", &settings).settings(), Ok(settings));
        }
        assert_eq!(mib(100 * 1024 * 1024), "100");
    }

    #[test]
    fn empty_text_is_the_default() {
        assert_eq!(RouteForm::default().settings(), Ok(RouteSettings::default()));
    }

    #[test]
    fn a_wrong_number_names_its_field_and_range() {
        let wrong = |form: RouteForm| form.settings().unwrap_err();
        assert_eq!(
            wrong(RouteForm { connect_timeout_ms: "0".to_owned(), ..RouteForm::default() }),
            ApiError::Invalid { field: Field::ConnectTimeout, rule: Rule::NumberRange { min: 1, max: 120_000 } }
        );
        assert_eq!(
            wrong(RouteForm { response_timeout_ms: "soon".to_owned(), ..RouteForm::default() }),
            ApiError::Invalid { field: Field::ResponseTimeout, rule: Rule::NumberRange { min: 1, max: 3_600_000 } }
        );
        for body in ["-1", "10241", "NaN", "inf", "1e99"] {
            assert_eq!(
                wrong(RouteForm { body_limit_mib: body.to_owned(), ..RouteForm::default() }),
                ApiError::Invalid { field: Field::BodyLimit, rule: Rule::NumberRange { min: 0, max: 10_240 } },
                "{body}"
            );
        }
    }

    #[test]
    fn suggested_slugs_are_slugs() {
        for (name, slug) in [
            ("Billing API", "billing-api"),
            ("  Ünïcode & more  ", "n-code-more"),
            ("v2 / payments!", "v2-payments"),
            ("--", ""),
            ("日本", ""),
        ] {
            assert_eq!(suggest_slug(name), slug);
        }
        let long = suggest_slug(&"ab ".repeat(60));
        assert!(Slug::parse(&long).is_ok(), "{long}");
    }

    #[test]
    fn the_curl_command_can_be_pasted() {
        assert_eq!(
            curl_command("127.0.0.1:8080", "billing", None, ""),
            "curl http://127.0.0.1:8080/ \\\n  -H \"x-knoxcall-key: $KNOXCALL_KEY\" \\\n  -H \"x-knoxcall-route: billing\""
        );
        let command = curl_command("https://gw.example.com/", "billing", Some("staging"), "POST, PUT");
        assert!(command.starts_with("curl -X POST https://gw.example.com/ \\"), "{command}");
        assert!(command.ends_with("-H 'x-knoxcall-environment: staging'"), "{command}");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert!(curl_command("a:1", "b", None, "POST, GET").starts_with("curl http://a:1/"));
    }

    #[test]
    fn a_disabled_environment_is_named_as_such() {
        let one = |name: &str, enabled| EnvironmentRef { name: name.to_owned(), enabled };
        assert_eq!(environment_names(&[]), "None");
        assert_eq!(environment_names(&[one("production", true), one("staging", false)]), "production, staging (disabled)");
    }

    #[test]
    fn headers_that_the_gateway_writes_are_refused_as_they_are_typed() {
        assert_eq!(check_headers("Authorization=Bearer t"), Ok(()));
        assert_eq!(check_headers("a=1,traceparent=x"), Err(Rule::HeaderReserved { position: 2 }));
    }

    #[test]
    fn names_survive_an_address() {
        assert_eq!(query_value("eu west&1"), "eu%20west%261");
    }

    #[test]
    fn a_route_that_is_gone_stays_ticked() {
        let route = |slug: &str| RouteRow {
            id: uuid::Uuid::nil(),
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            enabled: true,
            target: None,
            environments: Vec::new(),
        };
        let choice = |value: &str, name: &str, chosen| Choice { value: value.to_owned(), name: name.to_owned(), chosen };
        let found = choices(vec![route("a"), route("b")], &["b".to_owned(), "0190".to_owned()]);
        assert_eq!(found, [choice("a", "A", false), choice("b", "B", true), choice("0190", "Deleted route", true)]);
        assert!(choices(Vec::new(), &[]).is_empty());
    }

    #[test]
    fn reach_stays_short() {
        let slugs = |n: usize| (0..n).map(|i| format!("r{i}")).collect::<Vec<_>>();
        assert_eq!(reach(&slugs(0)), "All routes");
        assert_eq!(reach(&slugs(1)), "r0");
        assert_eq!(reach(&slugs(3)), "r0, r1, r2");
        assert_eq!(reach(&slugs(12)), "r0, r1 and 10 more");
    }
}
