//! AI agents: their forms, their credential, and what the gateway gets of them.

use super::*;
use crate::live::{self, hash_key};
use crate::settings::{AgentChange, Error, Problem, SecretPlace};
use crate::store::Changes;
use crate::values::{EgressRule, Field, Provider, Rule, Slug};

const CREDENTIAL: &str = "sk-canary-credential";

fn openai() -> AgentChange {
    AgentChange { provider: "openai".to_owned(), credential: CREDENTIAL.to_owned(), ..AgentChange::default() }
}

impl House {
    fn live_agent(&self, key: &str, slug: &str) -> Option<Arc<live::Agent>> {
        self.settings.routing().load().keys.get(&hash_key(key))?.workspace.agents.get(slug).cloned()
    }
}

#[tokio::test]
async fn an_agent_reaches_the_gateway_with_its_credential_and_nobody_else() {
    let house = house();
    let settings = &house.settings;
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
    let other = settings.create_key(&admin(blue), "k", "").await.unwrap();
    let limits = AgentChange {
        models: "gpt-4o, gpt-4o-mini".to_owned(),
        max_output_tokens: "100".to_owned(),
        tokens_per_minute: "5000".to_owned(),
        ..openai()
    };
    settings.create_agent(&admin(acme), "support-bot", &limits).await.unwrap();
    let agent = house.live_agent(&key.secret, "support-bot").unwrap();
    assert_eq!((&*agent.handle, agent.provider, &*agent.upstream.base_path), ("ai/support-bot", Provider::OpenAi, "/v1"));
    assert_eq!((&*agent.upstream.host, agent.upstream.port), ("api.openai.com", 443));
    assert_eq!(agent.inject["authorization"], format!("Bearer {CREDENTIAL}"));
    assert!(agent.inject["authorization"].is_sensitive());
    assert_eq!(agent.models.iter().map(|model| &**model).collect::<Vec<_>>(), ["gpt-4o", "gpt-4o-mini"]);
    assert_eq!((agent.max_output_tokens.unwrap().get(), agent.tokens_per_minute.unwrap().get()), (100, 5000));
    assert!(house.live_agent(&other.secret, "support-bot").is_none());
    // The slug is free in another workspace, and only there.
    let claude = AgentChange { provider: "anthropic".to_owned(), ..openai() };
    settings.create_agent(&admin(blue), "support-bot", &claude).await.unwrap();
    assert_eq!(house.live_agent(&other.secret, "support-bot").unwrap().inject["x-api-key"], CREDENTIAL);
    assert_eq!(settings.create_agent(&admin(acme), "support-bot", &openai()).await.unwrap_err(), Error::Taken(Field::Slug));

    let entry = settings.agent(&member(acme), "support-bot").unwrap();
    let shown = format!("{entry:?}{agent:?}{:?}", openai());
    assert!(entry.credential.set && !entry.credential.unreadable && !shown.contains("canary"), "{shown}");

    settings.enable_agent(&admin(acme), "support-bot", false).await.unwrap();
    assert!(house.live_agent(&key.secret, "support-bot").is_none());
    settings.enable_agent(&admin(acme), "support-bot", true).await.unwrap();
    let house = house.reopened([1; 32]);
    assert!(house.live_agent(&key.secret, "support-bot").is_some());
    let settings = &house.settings;
    let unconfirmed = settings.delete_agent(&admin(acme), "support-bot", "support").await.unwrap_err();
    assert_eq!(unconfirmed, Error::Invalid { field: Field::Confirmation, rule: Rule::ConfirmationMismatch });
    settings.delete_agent(&admin(acme), "support-bot", "support-bot").await.unwrap();
    assert!(house.live_agent(&key.secret, "support-bot").is_none());
    assert_eq!(settings.agent(&member(acme), "support-bot").unwrap_err(), Error::NotFound);
    assert_eq!(settings.agents(&member(blue)).unwrap().len(), 1);
    settings.delete_workspace(&operator(), blue, "blue").await.unwrap();
    assert!(settings.store().agents().all().unwrap().is_empty(), "gone with its workspace");
}

#[tokio::test]
async fn a_credential_is_kept_and_never_for_another_origin() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
    settings.create_agent(&admin(acme), "a", &openai()).await.unwrap();
    let save = async |change: AgentChange| settings.save_agent(&admin(acme), "a", &change).await;
    let kept = |generation| AgentChange { credential: String::new(), generation, ..openai() };
    save(AgentChange { base_url: "https://api.openai.com/v2".to_owned(), ..kept(1) }).await.unwrap();
    let agent = house.live_agent(&key.secret, "a").unwrap();
    assert_eq!((&*agent.upstream.base_path, &agent.inject["authorization"]), ("/v2", &format!("Bearer {CREDENTIAL}").parse().unwrap()));
    let elsewhere = |generation| AgentChange { base_url: "http://elsewhere.test".to_owned(), ..kept(generation) };
    let refused = Error::Invalid { field: Field::Credential, rule: Rule::CredentialOrigin };
    assert_eq!(save(elsewhere(2)).await.unwrap_err(), refused);
    assert_eq!(save(AgentChange { provider: "anthropic".to_owned(), ..kept(2) }).await.unwrap_err(), refused);
    let required = Error::Invalid { field: Field::Credential, rule: Rule::Required };
    assert_eq!(save(AgentChange { clear_credential: true, ..elsewhere(2) }).await.unwrap_err(), required);
    let own = AgentChange { provider: "openai_compatible".to_owned(), clear_credential: true, ..elsewhere(2) };
    save(own.clone()).await.unwrap();
    assert!(house.live_agent(&key.secret, "a").unwrap().inject.is_empty());
    assert_eq!(save(own).await.unwrap_err(), Error::Stale);
    let entry = settings.agent(&member(acme), "a").unwrap();
    assert_eq!((entry.agent.generation, entry.credential.set), (3, false));
}

#[tokio::test]
async fn forms_that_break_a_rule_change_nothing() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let metadata = Rule::EgressBlocked { rule: EgressRule::CloudMetadata };
    for (change, field, rule) in [
        (AgentChange { provider: "OpenAI".to_owned(), ..openai() }, Field::Provider, Rule::Unknown),
        (AgentChange { provider: "openai_compatible".to_owned(), ..openai() }, Field::BaseUrl, Rule::Required),
        (AgentChange { base_url: "api.openai.com".to_owned(), ..openai() }, Field::BaseUrl, Rule::UrlScheme),
        (AgentChange { base_url: "http://169.254.169.254".to_owned(), ..openai() }, Field::BaseUrl, metadata),
        (AgentChange { credential: "  ".to_owned(), ..openai() }, Field::Credential, Rule::Required),
        (AgentChange { credential: "a\nb".to_owned(), ..openai() }, Field::Credential, Rule::ControlCharacter),
        (AgentChange { models: "a b".to_owned(), ..openai() }, Field::Models, Rule::ModelName),
        (
            AgentChange { max_output_tokens: "0".to_owned(), ..openai() },
            Field::MaxOutputTokens,
            Rule::NumberRange { min: 1, max: 1_000_000_000 },
        ),
        (
            AgentChange { tokens_per_minute: "x".to_owned(), ..openai() },
            Field::TokensPerMinute,
            Rule::NumberRange { min: 1, max: 1_000_000_000 },
        ),
    ] {
        assert_eq!(settings.create_agent(&admin(acme), "a", &change).await.unwrap_err(), Error::Invalid { field, rule });
    }
    let slug = settings.create_agent(&admin(acme), "A", &openai()).await.unwrap_err();
    assert_eq!(slug, Error::Invalid { field: Field::Slug, rule: Rule::Slug });
    assert!(settings.agents(&member(acme)).unwrap().is_empty());
    assert_eq!(settings.enable_agent(&admin(acme), "nope", true).await.unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn a_credential_that_was_moved_does_not_open_and_its_agent_is_not_called() {
    let house = house();
    let settings = &house.settings;
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    let key = settings.create_key(&admin(blue), "k", "").await.unwrap();
    let stolen = settings.create_agent(&admin(acme), "a", &openai()).await.unwrap().credential;
    let agent = settings.create_agent(&admin(blue), "b", &openai()).await.unwrap();
    settings.store().commit(Changes::new().put(&crate::store::Agent { credential: stolen, ..agent })).await.unwrap();
    let house = house.reopened([1; 32]);
    assert!(house.live_agent(&key.secret, "b").is_none());
    let place = SecretPlace::AgentCredential { workspace: blue, agent: Slug::parse("b").unwrap() };
    assert_eq!(house.settings.problems(), [Problem::Secret { place }]);
    assert!(house.settings.agents(&member(blue)).unwrap()[0].credential.unreadable);
    // Entered again it works.
    house.settings.save_agent(&admin(blue), "b", &AgentChange { generation: 1, ..openai() }).await.unwrap();
    assert!(house.live_agent(&key.secret, "b").is_some() && house.settings.problems().is_empty());
}

#[tokio::test]
async fn a_workspace_has_so_many_agents_and_no_more() {
    let house = house();
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    for n in 0..100 {
        house.settings.create_agent(&admin(acme), &format!("a{n}"), &openai()).await.unwrap();
    }
    let one_more = house.settings.create_agent(&admin(acme), "more", &openai()).await.unwrap_err();
    assert_eq!(one_more, Error::Invalid { field: Field::Slug, rule: Rule::TooMany { max: 100 } });
    house.settings.create_agent(&admin(blue), "more", &openai()).await.unwrap();
    house.settings.delete_agent(&admin(acme), "a7", "a7").await.unwrap();
    house.settings.create_agent(&admin(acme), "more", &openai()).await.unwrap();
}
