//! Environment over stored: one pure function that says where errors are reported, and why.

use crate::config::SentryEnvironment;
use crate::live::{BrowserTracking, ServerTracking};
use crate::values::{Dsn, Variable};

/// Reported as the release unless `SENTRY_RELEASE` says otherwise.
const RELEASE: &str = concat!("knoxcall@", env!("CARGO_PKG_VERSION"));

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredTracking {
    pub dsn_browser: Option<Dsn>,
    pub dsn_server: Option<Dsn>,
    pub environment: Option<String>,
}

/// The variable that manages each field of the card, if one does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackingManagedBy {
    pub dsn_browser: Option<Variable>,
    pub dsn_server: Option<Variable>,
    pub environment: Option<Variable>,
    pub release: Option<Variable>,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveTracking {
    /// `None` is off.
    pub browser: Option<BrowserTracking>,
    pub server: Option<ServerTracking>,
    pub environment: Option<String>,
    pub release: String,
    pub managed: TrackingManagedBy,
}

#[must_use]
pub fn effective(stored: &StoredTracking, environment: &SentryEnvironment) -> EffectiveTracking {
    let over = |managed: &Option<Dsn>, stored: &Option<Dsn>| managed.clone().or_else(|| stored.clone());
    let tag = environment.environment.clone().or_else(|| stored.environment.clone());
    let release = environment.release.clone().unwrap_or_else(|| RELEASE.to_owned());
    let browser = over(&environment.dsn_browser, &stored.dsn_browser);
    let server = over(&environment.dsn_server, &stored.dsn_server);
    EffectiveTracking {
        browser: browser.map(|dsn| BrowserTracking { dsn, environment: tag.clone(), release: release.clone() }),
        server: server.map(|dsn| ServerTracking { dsn, environment: tag.clone(), release: release.clone() }),
        environment: tag,
        release,
        managed: TrackingManagedBy {
            dsn_browser: environment.dsn_browser.as_ref().map(|_| Variable::SentryDsn),
            dsn_server: environment.dsn_server.as_ref().map(|_| Variable::SentryDsnBackend),
            environment: environment.environment.as_ref().map(|_| Variable::SentryEnvironment),
            release: environment.release.as_ref().map(|_| Variable::SentryRelease),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dsn(host: &str) -> Option<Dsn> {
        (!host.is_empty()).then(|| Dsn::parse(&format!("https://key@{host}/1")).unwrap())
    }

    fn text(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Browser, server, environment and release; empty is none.
    type Row = [&'static str; 4];

    #[test]
    fn each_field_of_the_environment_wins_alone() {
        let table: [(Row, Row, Row); 8] = [
            (["", "", "", ""], ["", "", "", ""], ["", "", "", RELEASE]),
            (["b", "s", "prod", ""], ["", "", "", ""], ["b", "s", "prod", RELEASE]),
            (["b", "", "", ""], ["", "", "", ""], ["b", "", "", RELEASE]),
            (["", "", "", ""], ["eb", "es", "stage", "r1"], ["eb", "es", "stage", "r1"]),
            (["b", "s", "prod", ""], ["eb", "es", "stage", "r1"], ["eb", "es", "stage", "r1"]),
            (["b", "s", "prod", ""], ["eb", "", "", ""], ["eb", "s", "prod", RELEASE]),
            (["b", "s", "prod", ""], ["", "es", "", ""], ["b", "es", "prod", RELEASE]),
            (["", "", "prod", ""], ["", "", "stage", "r1"], ["", "", "stage", "r1"]),
        ];
        for (stored, env, [browser, server, tag, release]) in table {
            let given = StoredTracking { dsn_browser: dsn(stored[0]), dsn_server: dsn(stored[1]), environment: text(stored[2]) };
            let environment =
                SentryEnvironment { dsn_browser: dsn(env[0]), dsn_server: dsn(env[1]), environment: text(env[2]), release: text(env[3]) };
            let found = effective(&given, &environment);
            let tags = || (text(tag), release.to_owned());
            let expected = dsn(browser).map(|dsn| BrowserTracking { dsn, environment: tags().0, release: tags().1 });
            assert_eq!(found.browser, expected, "{stored:?} {env:?}");
            let expected = dsn(server).map(|dsn| ServerTracking { dsn, environment: tags().0, release: tags().1 });
            assert_eq!(found.server, expected, "{stored:?} {env:?}");
            assert_eq!((found.environment, found.release), tags());
            let managed = [found.managed.dsn_browser, found.managed.dsn_server, found.managed.environment, found.managed.release];
            for ((managed, variable), given) in managed.into_iter().zip(Variable::SENTRY).zip(env) {
                assert_eq!(managed, (!given.is_empty()).then_some(variable), "{env:?}");
            }
        }
    }
}
