//! Endpoints and targets that no connection could be made to are refused when somebody saves them, and warned of when the bootstrap
//! file names them.

use uuid::Uuid;

use super::bootstrap::Reversing;
use super::{House, admin, form, global, house, member, own};
use crate::auth::Operator;
use crate::config::OtelEnvironment;
use crate::config::bootstrap::Bootstrap;
use crate::egress::Policy;
use crate::settings::ExportReader;
use crate::settings::bootstrap::blocked;
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

fn refused(field: Field, rule: EgressRule) -> Error {
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
        let target = refused(Field::TargetBaseUrl, *rule);
        assert_eq!(settings.create_route(&admin, "other", "Other", &url).await.map(drop), Err(target.clone()), "{host}");
        assert_eq!(settings.save_environment(&admin, "billing", &change("staging", "", &url)).await, Err(target.clone()), "{host}");
        assert_eq!(settings.save_environment(&admin, "billing", &change("production", "production", &url)).await, Err(target), "{host}");
        let saved = settings.save_export(&own(acme), &form(&url, "", 1)).await;
        assert_eq!(saved, Err(refused(Field::Endpoint, *rule)), "{host}");
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
        assert_eq!(saved, Err(refused(Field::Endpoint, EgressRule::CloudMetadata)), "{host}");
    }
}

#[tokio::test]
async fn what_the_bootstrap_file_names_is_saved_and_warned_of() {
    let house = house();
    let text = "[otlp]\nendpoint = \"http://169.254.169.254:4318\"\n[sentry]\ndsn_server = \"http://k@169.254.169.254/1\"\n\
                [[workspace]]\nslug = \"acme\"\n[workspace.telemetry]\nendpoint = \"http://10.0.0.1:4318\"\n\
                [[workspace.route]]\nslug = \"billing\"\n\
                [[workspace.route.environment]]\nname = \"production\"\ntarget_base_url = \"http://10.0.0.2\"\n\
                [[workspace.route.environment]]\nname = \"staging\"\ntarget_base_url = \"http://127.0.0.1:9000\"\n\
                [[workspace.webhook]]\nname = \"errors\"\nurl = \"http://10.0.0.3/canary\"\nevent_types = [\"request.error\"]\n\
                [[workspace.ai_agent]]\nslug = \"bot\"\nprovider = \"openai_compatible\"\nbase_url = \"http://10.0.0.4/v1\"\n";
    let file = Bootstrap::parse(text, &|_| None).unwrap();
    house.settings.apply_bootstrap(&Operator::at_startup(), &file, &Reversing).await.unwrap();
    let said = blocked(&house.settings, &file);
    let expected = [
        ("bootstrap file, otlp: OTLP HTTP endpoint: this is an address of a cloud's metadata service", "another one."),
        ("bootstrap file, sentry: ", "another one."),
        ("bootstrap file, workspace acme, telemetry: OTLP HTTP endpoint: this is a private address", "--allow-egress."),
        ("bootstrap file, workspace acme, route billing, environment production: Target base URL: this is a private", "--allow-egress."),
        ("bootstrap file, workspace acme, webhook errors: ", "--allow-egress."),
        ("bootstrap file, workspace acme, AI agent bot: ", "--allow-egress."),
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (line, (place, advice)) in said.iter().zip(expected) {
        assert!(line.starts_with(place) && line.contains(advice) && !line.contains("canary"), "{line}");
    }
    let acme = house.settings.store().workspaces().all().unwrap()[0].id;
    assert_eq!(house.tenant_target(acme).unwrap().logs.as_ref().unwrap().url.as_str(), "http://10.0.0.1:4318/v1/logs");
    assert_eq!(house.settings.routes(&member(acme)).unwrap()[0].route.environments.len(), 2);
    assert!(house.exports().operator.is_some());
}

/// The console goes on refusing it, and the file changes nothing the second time.
#[tokio::test]
async fn a_file_is_applied_after_the_network_was_closed() {
    let House { dir, settings } = house();
    let text = "[[workspace]]\nslug = \"acme\"\n[workspace.telemetry]\nendpoint = \"http://127.0.0.1:4318\"\n\
                [[workspace.route]]\nslug = \"billing\"\n[[workspace.route.environment]]\nname = \"production\"\n\
                default = true\ntarget_base_url = \"http://127.0.0.1:9000\"\n";
    let file = Bootstrap::parse(text, &|_| None).unwrap();
    settings.apply_bootstrap(&Operator::at_startup(), &file, &Reversing).await.unwrap();
    assert!(blocked(&settings, &file).is_empty());
    drop(settings);
    let store = Store::open(dir.path()).unwrap();
    let closed = Settings::open(store, Vault::from_key([1; 32]), OtelEnvironment::default(), Uuid::nil(), Policy::default()).unwrap();
    assert_eq!(closed.apply_bootstrap(&Operator::at_startup(), &file, &Reversing).await.unwrap().changed, 0);
    let moved = Bootstrap::parse(&text.replace("4318", "4319"), &|_| None).unwrap();
    assert_eq!(closed.apply_bootstrap(&Operator::at_startup(), &moved, &Reversing).await.unwrap().changed, 1);
    assert_eq!(blocked(&closed, &moved).len(), 2);
    let acme = closed.store().workspaces().all().unwrap()[0].id;
    let saved = closed.save_export(&own(acme), &form("http://127.0.0.1:4320", "", 2)).await;
    assert_eq!(saved, Err(refused(Field::Endpoint, EgressRule::Loopback)));
}
