//! Error tracking's card: what is saved is in force at once, and what the environment manages stays the environment's.

use super::{House, house, house_with, operator};
use crate::config::bootstrap::Bootstrap;
use crate::settings::{BootstrapReport, Error, TrackingChange};
use crate::store::ErrorTracking;
use crate::values::{Dsn, Field, Rule, Variable};

const BROWSER: &str = "https://bkey@browser.example/1";
const SERVER: &str = "https://skey@server.example/2";

fn form(dsn_browser: &str, dsn_server: &str, environment: &str, generation: u64) -> TrackingChange {
    TrackingChange {
        dsn_browser: dsn_browser.to_owned(),
        dsn_server: dsn_server.to_owned(),
        environment: environment.to_owned(),
        generation,
    }
}

impl House {
    async fn track(&self, change: &TrackingChange) -> Result<(), Error> {
        self.settings.save_error_tracking(&operator(), change).await
    }

    /// DSN and environment of both tiers, as published.
    fn tracked(&self) -> [Option<(String, Option<String>)>; 2] {
        let browser = self.settings.browser_tracking().load_full();
        let server = self.settings.server_tracking().borrow().clone();
        [
            browser.map(|browser| (browser.dsn.to_string(), browser.environment.clone())),
            server.map(|server| (server.dsn.to_string(), server.environment.clone())),
        ]
    }
}

#[tokio::test]
async fn what_is_saved_is_in_force_and_survives() {
    let house = house();
    assert_eq!(house.tracked(), [None, None]);
    let mut changes = house.settings.server_tracking();
    house.track(&form(BROWSER, "", "prod", 0)).await.unwrap();
    assert!(!changes.has_changed().unwrap(), "the server's tier was not touched");
    house.track(&form(BROWSER, SERVER, "prod", 1)).await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let prod = Some("prod".to_owned());
    let both = [Some((BROWSER.to_owned(), prod.clone())), Some((SERVER.to_owned(), prod))];
    assert_eq!(house.tracked(), both);
    house.track(&form(BROWSER, SERVER, "prod", 2)).await.unwrap();
    assert!(!changes.has_changed().unwrap(), "the same again is no change");

    let house = house.reopened([1; 32]);
    assert_eq!(house.tracked(), both);
    let shown = house.settings.error_tracking(&operator()).unwrap();
    assert_eq!((shown.dsn_server.value.as_str(), shown.generation), (SERVER, 2));
    assert_eq!(shown.saved_by.unwrap().as_str(), "op@example.com");
    assert_eq!(house.track(&form("", "", "", 1)).await, Err(Error::Stale));
    house.track(&form("", "", "", 2)).await.unwrap();
    assert_eq!(house.tracked(), [None, None]);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused() {
    let house = house();
    let secret = form("", "https://k:secret@server.example/2", "", 0);
    assert_eq!(house.track(&secret).await, Err(Error::Invalid { field: Field::SentryDsnServer, rule: Rule::DsnSecret }));
    let no_project = form("https://k@h", "", "", 0);
    assert_eq!(house.track(&no_project).await, Err(Error::Invalid { field: Field::SentryDsnBrowser, rule: Rule::DsnProject }));
    let metadata = form("", "http://k@169.254.169.254/1", "", 0);
    let refused = house.track(&metadata).await;
    assert!(matches!(refused, Err(Error::Invalid { field: Field::SentryDsnServer, rule: Rule::EgressBlocked { .. } })), "{refused:?}");
    assert!(house.settings.store().error_tracking().unwrap().is_none());
    assert!(matches!(
        house.settings.server_tracking_of(&operator(), &form(BROWSER, "", "", 9)),
        Err(Error::Invalid { field: Field::SentryDsnServer, rule: Rule::Required })
    ));
    assert_eq!(house.settings.server_tracking_of(&operator(), &form("", SERVER, "x", 9)).unwrap().dsn.to_string(), SERVER);
}

#[tokio::test]
async fn the_environment_locks_its_fields() {
    let house =
        house_with(&[("SENTRY_DSN_BACKEND", SERVER), ("SENTRY_ENVIRONMENT", "stage"), ("SENTRY_RELEASE", "r9"), ("SENTRY_DSN", "")]);
    let shown = house.settings.error_tracking(&operator()).unwrap();
    assert_eq!((shown.dsn_server.value.as_str(), shown.dsn_server.by), (SERVER, Some(Variable::SentryDsnBackend)));
    assert_eq!((shown.release.value.as_str(), shown.release.by), ("r9", Some(Variable::SentryRelease)));
    assert_eq!(shown.dsn_browser.by, None);
    let managed = |field, variable| Err(Error::Managed { field, variable });
    assert_eq!(
        house.track(&form("", "https://o@other.example/1", "", 0)).await,
        managed(Field::SentryDsnServer, Variable::SentryDsnBackend)
    );
    assert_eq!(house.track(&form("", "", "prod", 0)).await, managed(Field::SentryEnvironment, Variable::SentryEnvironment));
    // A locked field sends nothing, or what it shows; either way nothing of it is stored.
    house.track(&form(BROWSER, SERVER, "", 0)).await.unwrap();
    let stored = house.settings.store().error_tracking().unwrap().unwrap();
    assert_eq!((stored.dsn_server, stored.environment), (None, None));
    let stage = Some("stage".to_owned());
    assert_eq!(house.tracked(), [Some((BROWSER.to_owned(), stage.clone())), Some((SERVER.to_owned(), stage))]);
}

#[tokio::test]
async fn a_record_carries_nothing_that_the_form_refuses() {
    let house = house();
    house.track(&form(BROWSER, "", "", 0)).await.unwrap();
    let mut value = serde_json::to_value(house.settings.store().error_tracking().unwrap().unwrap()).unwrap();
    value["dsn_browser"] = "https://k:secret@h/1".into();
    assert!(serde_json::from_value::<ErrorTracking>(value).is_err());
}

#[tokio::test]
async fn the_bootstrap_file_sets_what_it_names() {
    struct NoPasswords;
    #[async_trait::async_trait]
    impl crate::settings::Passwords for NoPasswords {
        async fn hash(&self, _: &crate::values::Password) -> Result<String, String> {
            Err("no passwords here".to_owned())
        }
        async fn verify(&self, _: &crate::values::Password, _: &str) -> Result<bool, String> {
            Err("no passwords here".to_owned())
        }
    }
    async fn apply(house: &House, text: &str) -> BootstrapReport {
        let file = Bootstrap::parse(text, &|_| None).unwrap();
        house.settings.apply_bootstrap(&crate::auth::Operator::at_startup(), &file, &NoPasswords).await.unwrap()
    }
    let house = house();
    house.track(&form(BROWSER, "", "prod", 0)).await.unwrap();
    let text = format!("[sentry]\ndsn_server = '{SERVER}'");
    assert_eq!(apply(&house, &text).await.changed, 1);
    assert_eq!(apply(&house, &text).await.changed, 0);
    let prod = Some("prod".to_owned());
    assert_eq!(house.tracked(), [Some((BROWSER.to_owned(), prod.clone())), Some((SERVER.to_owned(), prod.clone()))]);
    assert_eq!(apply(&house, "[sentry]\ndsn_browser = ''").await.changed, 1);
    assert_eq!(house.tracked(), [None, Some((SERVER.to_owned(), prod))]);
    assert_eq!(Dsn::parse(SERVER).unwrap().to_string(), SERVER);
}
