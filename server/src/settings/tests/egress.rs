//! Endpoints and targets that no connection could be made to are refused when they are saved, whoever saves them.

use uuid::Uuid;

use super::bootstrap::Reversing;
use super::{House, admin, form, global, house, member, own};
use crate::auth::Operator;
use crate::config::OtelEnvironment;
use crate::config::bootstrap::Bootstrap;
use crate::egress::Policy;
use crate::settings::ExportReader;
use crate::settings::{EnvironmentChange, Error, Settings};
use crate::store::Store;
use crate::values::{EgressRule, Field, Rule};
use crate::vault::Vault;

/// The house allows 127.0.0.0/8.
const REFUSED: &[(&str, EgressRule)] = &[
    ("10.0.0.1", EgressRule::Private),
    ("192.168.0.1:8080", EgressRule::Private),
    ("169.254.169.254", EgressRule::CloudMetadata),
    ("168.63.129.16", EgressRule::CloudMetadata),
    ("[::1]", EgressRule::Loopback),
    ("[::ffff:127.0.0.1]", EgressRule::Ipv4Mapped),
    ("[::ffff:a00:1]", EgressRule::Private),
    ("[fd00::1]", EgressRule::UniqueLocal),
    ("167772161", EgressRule::Private),
    ("2130706433", EgressRule::HostForm),
    ("0x7f.1", EgressRule::HostForm),
    ("0177.0.0.1", EgressRule::HostForm),
    ("127.1", EgressRule::HostForm),
    ("10.0.0.1.", EgressRule::Private),
    ("1.2.3.4.5", EgressRule::HostForm),
];

fn blocked(field: Field, rule: EgressRule) -> Error {
    Error::Invalid { field, rule: Rule::EgressBlocked { rule } }
}

#[tokio::test]
async fn a_workspace_can_neither_route_nor_export_there() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let admin = admin(acme);
    let settings = &house.settings;
    settings.create_route(&admin, "billing", "Billing", "http://127.0.0.1:9000").await.unwrap();
    settings.save_export(&own(acme), &form("http://127.0.0.1:4318", "", 0)).await.unwrap();
    let change = |name: &str, original: &str, url: &str| EnvironmentChange {
        original_name: original.to_owned(),
        name: name.to_owned(),
        target_base_url: url.to_owned(),
        ..EnvironmentChange::default()
    };
    for (host, rule) in REFUSED {
        let url = format!("http://{host}/v1");
        let target = blocked(Field::TargetBaseUrl, *rule);
        assert_eq!(settings.create_route(&admin, "other", "Other", &url).await.map(drop), Err(target.clone()), "{host}");
        assert_eq!(settings.save_environment(&admin, "billing", &change("staging", "", &url)).await, Err(target.clone()), "{host}");
        assert_eq!(settings.save_environment(&admin, "billing", &change("production", "production", &url)).await, Err(target), "{host}");
        let saved = settings.save_export(&own(acme), &form(&url, "", 1)).await;
        assert_eq!(saved, Err(blocked(Field::Endpoint, *rule)), "{host}");
    }
    let routes = settings.routes(&member(acme)).unwrap();
    assert_eq!((routes.len(), routes[0].route.environments.len()), (1, 1));
    assert_eq!(routes[0].route.environments[0].target_base_url.0.as_str(), "http://127.0.0.1:9000");
    assert_eq!(settings.export(&ExportReader::Workspace(member(acme))).unwrap().endpoint.value, "http://127.0.0.1:4318");
    assert_eq!(house.tenant_generation(acme), 1, "nothing changed");

    // Names are judged when they are connected to.
    for host in ["localhost", "metadata.google.internal", "collector.internal"] {
        settings.save_environment(&admin, "billing", &change("production", "production", &format!("http://{host}"))).await.unwrap();
    }
}

#[tokio::test]
async fn the_operators_own_export_goes_anywhere_but_to_metadata() {
    let house = house();
    house.settings.save_export(&global(), &form("http://10.0.0.1:4318", "", 0)).await.unwrap();
    for host in ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:a9fe:a9fe]", "2852039166"] {
        let saved = house.settings.save_export(&global(), &form(&format!("http://{host}"), "", 1)).await;
        assert_eq!(saved, Err(blocked(Field::Endpoint, EgressRule::CloudMetadata)), "{host}");
    }
}

#[tokio::test]
async fn the_bootstrap_file_is_held_to_it_and_the_complaint_names_the_flag() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    for text in [
        "[[workspace]]\nslug = \"acme\"\n[workspace.telemetry]\nendpoint = \"http://10.0.0.1:4318\"\n",
        "[[workspace]]\nslug = \"acme\"\n[[workspace.route]]\nslug = \"billing\"\n[[workspace.route.environment]]\nname = \"production\"\ntarget_base_url = \"http://10.0.0.1\"\n",
    ] {
        let file = Bootstrap::parse(text, &|_| None).unwrap();
        let error = house.settings.apply_bootstrap(&Operator::at_startup(), &file, &Reversing).await.unwrap_err().to_string();
        assert!(error.contains("workspace acme") && error.contains("private address") && error.contains("--allow-egress"), "{error}");
    }
    assert!(house.tenant_target(acme).is_none());
}

/// A network that is no longer allowed must not keep the process from starting: the guard refuses what is sent there.
#[tokio::test]
async fn a_file_that_says_what_is_stored_is_applied_after_the_network_was_closed() {
    let House { dir, settings } = house();
    let text = "[[workspace]]\nslug = \"acme\"\n[workspace.telemetry]\nendpoint = \"http://127.0.0.1:4318\"\n\
                [[workspace.route]]\nslug = \"billing\"\n[[workspace.route.environment]]\nname = \"production\"\n\
                default = true\ntarget_base_url = \"http://127.0.0.1:9000\"\n";
    let file = Bootstrap::parse(text, &|_| None).unwrap();
    settings.apply_bootstrap(&Operator::at_startup(), &file, &Reversing).await.unwrap();
    drop(settings);
    let store = Store::open(dir.path()).unwrap();
    let closed = Settings::open(store, Vault::from_key([1; 32]), OtelEnvironment::default(), Uuid::nil(), Policy::default()).unwrap();
    assert_eq!(closed.apply_bootstrap(&Operator::at_startup(), &file, &Reversing).await.unwrap().changed, 0);
    let moved = Bootstrap::parse(&text.replace("4318", "4319"), &|_| None).unwrap();
    let error = closed.apply_bootstrap(&Operator::at_startup(), &moved, &Reversing).await.unwrap_err();
    assert_eq!(error.error, blocked(Field::Endpoint, EgressRule::Loopback));
}
