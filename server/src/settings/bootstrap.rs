//! Applies the bootstrap file: upserts by slug and e-mail address, deletes nothing, and changes nothing the second time.

use async_trait::async_trait;
use thiserror::Error as ThisError;

use super::agents::AgentChange;
use super::exports::ExportChange;
use super::keys::NewKey;
use super::members::new_user;
use super::operators::made_operator;
use super::publish::Scope;
use super::routes::{EnvironmentChange, new_route};
use super::told::{self, Step};
use super::{Error, NewSigningSecret, Settings, TrackingChange, WebhookChange};
use crate::auth::{Operator, WorkspaceAdmin};
use crate::cause::Cause;
use crate::config::bootstrap::{Account, Agent, ApiKey, Bootstrap, Export, Member, Route, Sentry, Webhook, Workspace};
use crate::live::hash_key;
use crate::store::{self, Changes, now};
use crate::values::{DisplayName, Dsn, Field, Password, Slug, TenantId};

mod reach;

pub(super) use reach::blocked;

/// Hashes and checks passwords; implemented where Argon2 lives.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// The PHC string to store.
    async fn hash(&self, password: &Password) -> Result<String, String>;
    async fn verify(&self, password: &Password, stored: &str) -> Result<bool, String>;
}

/// What applying the file did.
#[derive(Debug, Default)]
pub struct BootstrapReport {
    /// Keys that were made, with their workspace: to be printed now or never.
    pub keys: Vec<(Slug, NewKey)>,
    /// Likewise signing secrets of webhooks.
    pub signing_secrets: Vec<(Slug, NewSigningSecret)>,
    /// Workspaces of webhooks that another secret signs now, one for each.
    pub rotated: Vec<TenantId>,
    /// How many records were written.
    pub changed: usize,
}

/// What could not be applied. What comes before it in the file has been.
#[derive(Debug, ThisError)]
#[error("bootstrap file, {place}: {error}")]
pub struct BootstrapError {
    /// Such as `workspace acme, route billing`.
    pub place: String,
    pub error: Error,
}

struct Applying<'a> {
    settings: &'a Settings,
    operator: &'a Operator,
    passwords: &'a dyn Passwords,
    report: BootstrapReport,
}

impl Settings {
    /// `operator` is [`Operator::at_startup`].
    ///
    /// # Errors
    /// The first thing that could not be applied.
    pub async fn apply_bootstrap(
        &self,
        operator: &Operator,
        file: &Bootstrap,
        passwords: &dyn Passwords,
    ) -> Result<BootstrapReport, BootstrapError> {
        for line in blocked(self, file) {
            tracing::warn!("{line}");
        }
        let mut applying = Applying { settings: self, operator, passwords, report: BootstrapReport::default() };
        if let Some(account) = &file.operator {
            applying.account(account, true, None).await.map_err(at("operator"))?;
        }
        if let Some(export) = &file.otlp {
            applying.export(None, export).await.map_err(at("otlp"))?;
        }
        if let Some(sentry) = &file.sentry {
            applying.sentry(sentry).await.map_err(at("sentry"))?;
        }
        for workspace in &file.workspaces {
            applying.workspace(workspace).await?;
        }
        Ok(applying.report)
    }
}

fn at(place: impl Into<String>) -> impl FnOnce(Error) -> BootstrapError {
    move |error| BootstrapError { place: place.into(), error }
}

impl Applying<'_> {
    async fn workspace(&mut self, file: &Workspace) -> Result<(), BootstrapError> {
        let place = format!("workspace {}", file.slug);
        let workspace = self.workspace_itself(file).await.map_err(at(place.as_str()))?;
        let admin = self.operator.admin_of(workspace);
        if let Some(export) = &file.telemetry {
            self.export(Some(workspace), export).await.map_err(at(format!("{place}, telemetry")))?;
        }
        for member in &file.members {
            self.member(&admin, member).await.map_err(at(format!("{place}, member {}", member.account.email)))?;
        }
        for route in &file.routes {
            self.route(&admin, route).await.map_err(at(format!("{place}, route {}", route.slug)))?;
        }
        for webhook in &file.webhooks {
            self.webhook(&admin, &file.slug, webhook).await.map_err(at(format!("{place}, webhook {}", webhook.name)))?;
        }
        for agent in &file.agents {
            self.agent(&admin, agent).await.map_err(at(format!("{place}, AI agent {}", agent.slug)))?;
        }
        for key in &file.api_keys {
            self.api_key(&admin, &file.slug, key).await.map_err(at(format!("{place}, API key {}", key.name)))?;
        }
        Ok(())
    }

    async fn workspace_itself(&mut self, file: &Workspace) -> Result<TenantId, Error> {
        let Some(existing) = self.settings.store().workspaces().by_slug(&file.slug)? else {
            let name = file.name.as_ref().map_or(file.slug.as_str(), DisplayName::as_str);
            self.report.changed += 1;
            return Ok(self.settings.create_workspace(self.operator, file.slug.as_str(), name).await?.id);
        };
        if let Some(name) = file.name.as_ref().filter(|name| **name != existing.name) {
            self.settings.rename_workspace(&self.operator.admin_of(existing.id), name.as_str()).await?;
            self.report.changed += 1;
        }
        Ok(existing.id)
    }

    /// The account's id. A password that differs from the stored one replaces it and ends the account's sessions.
    /// One that another workspace's admin made is reset when it is `joining` a workspace, as when the operator adds it there:
    /// nobody can know who answers to the address.
    async fn account(&mut self, file: &Account, operator: bool, joining: Option<TenantId>) -> Result<uuid::Uuid, Error> {
        let hashing = |_| Error::store(Cause::PasswordHash, "the password could not be hashed");
        let guard = self.settings.writing().await;
        let existing = self.settings.store().users().by_email(&file.email)?;
        let mut user = match &existing {
            Some(user) if operator && !user.operator => made_operator(user),
            Some(user) if self.is_doubtful(user, joining)? => {
                store::User { password_hash: None, vouched_by: None, session_epoch: user.session_epoch + 1, ..user.clone() }
            }
            Some(user) => user.clone(),
            None => store::User { operator, ..new_user(file.email.clone()) },
        };
        if let Some(password) = &file.password {
            let same = match &user.password_hash {
                Some(hash) => self.passwords.verify(password, hash).await.map_err(hashing)?,
                None => false,
            };
            if !same {
                user.password_hash = Some(self.passwords.hash(password).await.map_err(hashing)?);
                user.session_epoch += 1;
                user.vouched_by = None;
            }
        }
        let changes = match &existing {
            Some(old) if old.session_epoch == user.session_epoch => return Ok(user.id),
            Some(old) if old.operator != user.operator || old.vouched_by != user.vouched_by => {
                Changes::new().expect_unchanged(old).put(&user).and(self.settings.without_links(old.id)?)
            }
            Some(old) => Changes::new().expect_unchanged(old).put(&user),
            None => Changes::new().put(&user),
        };
        let step = existing.as_ref().map_or(Step::Made(&user), |old| Step::Changed(old, &user));
        let told = told::account(self.operator.who(), &step);
        self.settings.save(guard, changes, Scope::Nothing, told).await?;
        self.report.changed += 1;
        Ok(user.id)
    }

    fn is_doubtful(&self, user: &store::User, joining: Option<TenantId>) -> Result<bool, Error> {
        let Some(workspace) = joining.filter(|_| !user.operator) else { return Ok(false) };
        let elsewhere = user.vouched_by.is_some_and(|by| by != workspace);
        Ok(elsewhere && self.settings.store().members().get(workspace, user.id)?.is_none())
    }

    async fn member(&mut self, admin: &WorkspaceAdmin, file: &Member) -> Result<(), Error> {
        let user = self.account(&file.account, false, Some(admin.workspace())).await?;
        let guard = self.settings.writing().await;
        let existing = self.settings.store().members().get(admin.workspace(), user)?;
        if existing.as_ref().is_some_and(|member| member.role == file.role) {
            return Ok(());
        }
        let member = match &existing {
            Some(member) => store::Member { role: file.role, ..member.clone() },
            None => store::Member { workspace: admin.workspace(), user, role: file.role, added_at: now(), disabled: false },
        };
        let account = self.settings.store().users().get(user)?;
        let step = existing.as_ref().map_or(Step::Made(&member), |old| Step::Changed(old, &member));
        let told = told::member(self.operator.who(), account.as_ref(), &step);
        self.settings.save(guard, Changes::new().put(&member), Scope::Nothing, told).await?;
        self.report.changed += 1;
        Ok(())
    }

    async fn export(&mut self, workspace: Option<TenantId>, file: &Export) -> Result<(), Error> {
        let exports = self.settings.store().exports();
        let stored = workspace.map_or_else(|| exports.operator(), |workspace| exports.of(workspace)).unwrap_or_default();
        let stored = stored.as_ref();
        let endpoint = file.endpoint.clone().unwrap_or_else(|| stored.and_then(|s| s.endpoint.as_ref()).map(|e| e.0.clone()));
        let service_name = file.service_name.clone().unwrap_or_else(|| stored.and_then(|s| s.service_name.clone()));
        let change = ExportChange {
            endpoint: endpoint.map(|endpoint| endpoint.as_str().to_owned()).unwrap_or_default(),
            service_name: service_name.map(String::from).unwrap_or_default(),
            headers: file.headers.as_ref().map(crate::values::HeaderList::to_text).unwrap_or_default(),
            clear_headers: file.headers.as_ref().is_some_and(crate::values::HeaderList::is_empty),
            traces: file.traces.unwrap_or_else(|| stored.is_none_or(|s| s.traces)),
            logs: file.logs.unwrap_or_else(|| stored.is_none_or(|s| s.logs)),
            metrics: file.metrics.unwrap_or_else(|| stored.is_none_or(|s| s.metrics)),
            compression: stored.and_then(|s| s.compression).map(|one| one.name().to_owned()).unwrap_or_default(),
            timeout_s: stored.and_then(|s| s.timeout_s).map(|seconds| seconds.to_string()).unwrap_or_default(),
            temporality: stored.and_then(|s| s.temporality).map(|one| one.name().to_owned()).unwrap_or_default(),
            preset: stored.and_then(|s| s.preset).map(|preset| preset.slug().to_owned()).unwrap_or_default(),
            generation: 0,
        };
        let changed = self.settings.put_export(workspace, self.operator.who(), &change).await?;
        self.report.changed += usize::from(changed);
        Ok(())
    }

    async fn sentry(&mut self, file: &Sentry) -> Result<(), Error> {
        let stored = self.settings.store().error_tracking().unwrap_or_default();
        let stored = stored.as_ref();
        let text = |file: &Option<Option<Dsn>>, stored: Option<&Dsn>| {
            let dsn = file.as_ref().map_or(stored, Option::as_ref);
            dsn.map(ToString::to_string).unwrap_or_default()
        };
        let change = TrackingChange {
            dsn_browser: text(&file.dsn_browser, stored.and_then(|stored| stored.dsn_browser.as_ref())),
            dsn_server: text(&file.dsn_server, stored.and_then(|stored| stored.dsn_server.as_ref())),
            environment: stored.and_then(|stored| stored.environment.clone()).unwrap_or_default(),
            generation: 0,
        };
        let changed = self.settings.put_error_tracking(self.operator.who(), &change).await?;
        self.report.changed += usize::from(changed);
        Ok(())
    }

    async fn route(&mut self, admin: &WorkspaceAdmin, file: &Route) -> Result<(), Error> {
        let slug = file.slug.as_str();
        if let Some(existing) = self.settings.store().routes().by_slug(admin.workspace(), &file.slug)? {
            let name = file.name.clone().unwrap_or(existing.name);
            let enabled = file.enabled.unwrap_or(existing.enabled);
            let changed = self.settings.change_route(admin, slug, |route| {
                let changed = route.name != name || route.enabled != enabled;
                route.name = name;
                route.enabled = enabled;
                Ok(changed)
            });
            self.report.changed += usize::from(changed.await?);
        } else {
            let name = file.name.clone().map_or_else(|| DisplayName::parse(slug).map_err(Error::invalid(Field::Name)), Ok)?;
            let mut route = new_route(admin.workspace(), file.slug.clone(), name);
            route.enabled = file.enabled.unwrap_or(true);
            self.settings.insert_route(admin, &route).await?;
            self.report.changed += 1;
        }
        for environment in &file.environments {
            let existing = self.settings.store().routes().by_slug(admin.workspace(), &file.slug)?.ok_or(Error::NotFound)?;
            let known = existing.environments.iter().any(|other| other.name == environment.name);
            let headers = environment.inject_headers.as_ref();
            let change = EnvironmentChange {
                original_name: if known { environment.name.to_string() } else { String::new() },
                name: environment.name.to_string(),
                target_base_url: environment.target_base_url.as_str().to_owned(),
                inject_headers: headers.map(crate::values::HeaderList::to_text).unwrap_or_default(),
                clear_headers: headers.is_some_and(crate::values::HeaderList::is_empty),
                default: environment.default,
                enabled: environment.enabled,
            };
            let changed = self.settings.put_environment(admin, slug, &change).await?;
            self.report.changed += usize::from(changed);
        }
        Ok(())
    }

    async fn agent(&mut self, admin: &WorkspaceAdmin, file: &Agent) -> Result<(), Error> {
        let stored = self.settings.store().agents().by_slug(admin.workspace(), &file.slug)?;
        let old = stored.as_ref();
        let tokens = |file: Option<Option<u32>>, stored: Option<u32>| file.unwrap_or(stored).map(|n| n.to_string()).unwrap_or_default();
        let base_url = file.base_url.as_ref().or_else(|| old.filter(|old| old.provider == file.provider).map(|old| &old.base_url.0));
        let credential = file.credential.as_ref().map(crate::config::bootstrap::Secret::expose);
        let models = file.models.as_deref().or_else(|| old.map(|old| old.models.as_slice())).unwrap_or_default();
        let change = AgentChange {
            provider: file.provider.name().to_owned(),
            base_url: base_url.map(|url| url.as_str().to_owned()).unwrap_or_default(),
            credential: credential.unwrap_or_default().to_owned(),
            clear_credential: credential.is_some_and(|credential| credential.trim().is_empty()),
            models: models.join(","),
            max_output_tokens: tokens(file.max_output_tokens, old.and_then(|old| old.max_output_tokens)),
            tokens_per_minute: tokens(file.tokens_per_minute, old.and_then(|old| old.tokens_per_minute)),
            enabled: file.enabled,
            generation: 0,
        };
        let changed = match old {
            Some(_) => self.settings.put_agent(admin, file.slug.as_str(), &change).await?,
            None => self.settings.create_agent(admin, file.slug.as_str(), &change).await.map(|_| true)?,
        };
        self.report.changed += usize::from(changed);
        Ok(())
    }

    async fn api_key(&mut self, admin: &WorkspaceAdmin, workspace: &Slug, file: &ApiKey) -> Result<(), Error> {
        let store = self.settings.store();
        if let Some(given) = &file.key {
            let hash = hex::encode(hash_key(given.expose()));
            return match store.api_keys().by_hash(&hash)? {
                Some(key) if key.workspace == admin.workspace() => Ok(()),
                // A key names one workspace.
                Some(_) => Err(Error::Taken(Field::KeyRoutes)),
                None => {
                    let secret = zeroize::Zeroizing::new(given.expose().to_owned());
                    self.settings.add_key(admin, file.name.as_str(), "", secret).await?;
                    self.report.changed += 1;
                    Ok(())
                }
            };
        }
        if store.api_keys().of_workspace(admin.workspace())?.iter().any(|key| key.name == file.name) {
            return Ok(());
        }
        let key = self.settings.create_key(admin, file.name.as_str(), "").await?;
        self.report.keys.push((workspace.clone(), key));
        self.report.changed += 1;
        Ok(())
    }

    /// Endpoints are known by their name. What the file can't say stays as it is.
    async fn webhook(&mut self, admin: &WorkspaceAdmin, workspace: &Slug, file: &Webhook) -> Result<(), Error> {
        let stored = self.settings.store().webhooks().of_workspace(admin.workspace())?;
        let stored = stored.into_iter().find(|webhook| webhook.name == file.name);
        let kept = stored.as_ref();
        let change = WebhookChange {
            name: file.name.to_string(),
            url: file.url.as_str().to_owned(),
            event_types: file.event_types.iter().map(|event| event.name().to_owned()).collect(),
            method: kept.map(|webhook| webhook.method.name().to_owned()).unwrap_or_default(),
            auth: kept.map(|webhook| webhook.auth.name().to_owned()).unwrap_or_default(),
            auth_user: kept.map(|webhook| webhook.auth_user.clone()).unwrap_or_default(),
            auth_header: kept.map(|webhook| webhook.auth_header.clone()).unwrap_or_default(),
            routes: kept.map(|webhook| webhook.routes.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            include_headers: file.include_headers.unwrap_or_else(|| kept.is_some_and(|webhook| webhook.include_headers)),
            include_bodies: file.include_bodies.unwrap_or_else(|| kept.is_some_and(|webhook| webhook.include_bodies)),
            timeout_s: kept.and_then(|webhook| webhook.timeout_s).map(|seconds| seconds.to_string()).unwrap_or_default(),
            retries: kept.and_then(|webhook| webhook.retries).map(|retries| retries.to_string()).unwrap_or_default(),
            ..WebhookChange::default()
        };
        let given = file.secret.as_ref().map(|secret| secret.expose());
        if let Some(stored) = kept {
            let put = self.settings.put_webhook(admin, stored.id, &change, given).await?;
            self.report.changed += usize::from(put.changed);
            self.report.rotated.extend(put.rotated.then_some(admin.workspace()));
            return Ok(());
        }
        self.report.changed += 1;
        match given {
            Some(secret) => drop(self.settings.add_webhook(admin, &change, zeroize::Zeroizing::new(secret.to_owned())).await?),
            None => self.report.signing_secrets.push((workspace.clone(), self.settings.create_webhook(admin, &change).await?)),
        }
        Ok(())
    }
}
