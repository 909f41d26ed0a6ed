//! The `SENTRY_*` variables, parsed once at start-up, by the rules of [`OtelEnvironment`](super::OtelEnvironment).

use super::otel::{Reader, VariableError};
use crate::values::{Dsn, Variable, parse_sentry_environment, parse_sentry_release};

/// What the environment says about error tracking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentryEnvironment {
    /// `SENTRY_DSN`: the browser's.
    pub dsn_browser: Option<Dsn>,
    /// `SENTRY_DSN_BACKEND`: the server's.
    pub dsn_server: Option<Dsn>,
    pub environment: Option<String>,
    pub release: Option<String>,
}

impl SentryEnvironment {
    /// # Errors
    /// Every variable whose value can't be used.
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<VariableError>> {
        let mut reader = Reader::new(vars);
        let read = Self {
            dsn_browser: reader.parse(Variable::SentryDsn.name(), |text| Ok(Dsn::parse(text)?)),
            dsn_server: reader.parse(Variable::SentryDsnBackend.name(), |text| Ok(Dsn::parse(text)?)),
            environment: reader.parse(Variable::SentryEnvironment.name(), |text| Ok(parse_sentry_environment(text)?)).flatten(),
            release: reader.parse(Variable::SentryRelease.name(), |text| Ok(parse_sentry_release(text)?)).flatten(),
        };
        if reader.errors.is_empty() { Ok(read) } else { Err(reader.errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<SentryEnvironment, Vec<VariableError>> {
        SentryEnvironment::from_vars(|name| vars.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn set_but_empty_is_unset() {
        let empty: Vec<_> = Variable::SENTRY.iter().map(|variable| (variable.name(), " ")).collect();
        assert_eq!(read(&empty).unwrap(), SentryEnvironment::default());
        assert_eq!(read(&[]).unwrap(), SentryEnvironment::default());
    }

    #[test]
    fn every_wrong_value_is_named_and_none_is_quoted() {
        let wrong = [
            ("SENTRY_DSN", "https://k:canary@h/1"),
            ("SENTRY_DSN_BACKEND", "canary"),
            ("SENTRY_ENVIRONMENT", "canary canary"),
            ("SENTRY_RELEASE", "canary/1"),
        ];
        let errors = read(&wrong).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.variable).collect::<Vec<_>>(), wrong.map(|(name, _)| name));
        for error in errors {
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }
}
