//! API keys: made here, shown once, kept as a hash.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::limits::{MAX_KEYS, room_for_one};
use super::publish::Scope;
use super::told::{self, Step};
use super::{Error, Settings};
use crate::audit::{Told, Who};
use crate::auth::{WorkspaceAdmin, WorkspaceMember};
use crate::cause::Cause;
use crate::live::hash_key;
use crate::secrets::API_KEY_PREFIX;
use crate::store::{ApiKey, Changes, Route, now};
use crate::values::{DisplayName, Field, Rule, Slug, TenantId};

/// Base62: more than 210 random bits.
const RANDOM_CHARACTERS: usize = 36;
/// What is kept to recognise a key by, its `tk_` included.
const SHOWN_CHARACTERS: usize = 8;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One row of the list.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    pub key: ApiKey,
    /// Slugs of the routes it may use (the id of one that is gone); empty means all.
    pub routes: Vec<String>,
}

/// A key that was just made: the only time it can be shown.
#[derive(Clone)]
pub struct NewKey {
    pub id: Uuid,
    pub name: DisplayName,
    pub secret: Zeroizing<String>,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Settings {
    /// # Errors
    /// The store can't be read.
    pub fn keys(&self, witness: &WorkspaceMember) -> Result<Vec<KeyEntry>, Error> {
        let workspace = witness.workspace();
        let routes = self.store().routes().of_workspace(workspace)?;
        let keys = self.store().api_keys().of_workspace(workspace)?;
        Ok(keys.into_iter().map(|key| KeyEntry { routes: route_handles(&routes, &key.routes), key }).collect())
    }

    /// `routes`: slugs separated by commas; empty allows all.
    ///
    /// # Errors
    /// The name breaks a rule, or a route is unknown.
    pub async fn create_key(&self, witness: &WorkspaceAdmin, name: &str, routes: &str) -> Result<NewKey, Error> {
        let secret = generate()?;
        self.add_key(witness, name, routes, secret).await
    }

    /// As [`Settings::create_key`], with a key that somebody brings along: `tk_` and at least 16 further characters.
    pub(super) async fn add_key(
        &self,
        witness: &WorkspaceAdmin,
        name: &str,
        routes: &str,
        secret: Zeroizing<String>,
    ) -> Result<NewKey, Error> {
        let name = DisplayName::parse(name).map_err(Error::invalid(Field::Name))?;
        let workspace = witness.workspace();
        let guard = self.writing().await;
        self.store().workspaces().get(workspace)?.ok_or(Error::NotFound)?;
        room_for_one(self.store().api_keys().of_workspace(workspace)?.len(), MAX_KEYS, Field::Name)?;
        let ids = self.key_routes(workspace, routes, &[])?;
        let key = ApiKey {
            id: Uuid::now_v7(),
            workspace,
            name: name.clone(),
            hash: hex::encode(hash_key(&secret)),
            prefix: secret.chars().take(SHOWN_CHARACTERS).collect(),
            enabled: true,
            routes: ids,
            created_at: now(),
            created_by: witness.actor().email().cloned(),
        };
        let told = self.key_told(witness.who(), &Step::Made(&key))?;
        self.save(guard, Changes::new().put(&key), Scope::Workspace(workspace), told).await?;
        Ok(NewKey { id: key.id, name, secret })
    }

    /// # Errors
    /// There is no such key.
    pub async fn enable_key(&self, witness: &WorkspaceAdmin, id: Uuid, enabled: bool) -> Result<(), Error> {
        self.change_key(witness, id, |key| {
            key.enabled = enabled;
            Ok(())
        })
        .await
    }

    /// `routes` as for [`Settings::create_key`], and the id of a route that is gone where the key has it already: else
    /// saving a key that is limited to nothing that is there would open every route to it.
    ///
    /// # Errors
    /// The name breaks a rule, a route is unknown, or there is no such key.
    pub async fn update_key(&self, witness: &WorkspaceAdmin, id: Uuid, name: &str, routes: &str) -> Result<(), Error> {
        let name = DisplayName::parse(name).map_err(Error::invalid(Field::Name))?;
        self.change_key(witness, id, |key| {
            key.routes = self.key_routes(key.workspace, routes, &key.routes)?;
            key.name = name;
            Ok(())
        })
        .await
    }

    fn key_routes(&self, workspace: TenantId, routes: &str, kept: &[Uuid]) -> Result<Vec<Uuid>, Error> {
        self.route_ids(workspace, Field::KeyRoutes, routes.split(','), kept)
    }

    /// Ids of the routes named by slug, each once. Of routes that are gone only those in `kept` are taken.
    pub(super) fn route_ids<'a>(
        &self,
        workspace: TenantId,
        field: Field,
        handles: impl Iterator<Item = &'a str>,
        kept: &[Uuid],
    ) -> Result<Vec<Uuid>, Error> {
        let unknown = || Error::Invalid { field, rule: Rule::Unknown };
        let mut ids = Vec::new();
        for handle in handles.map(str::trim).filter(|handle| !handle.is_empty()) {
            let slug = Slug::parse(handle).map_err(|_| unknown())?;
            let id = match self.store().routes().by_slug(workspace, &slug)? {
                Some(route) => route.id,
                None => handle.parse().ok().filter(|id| kept.contains(id)).ok_or_else(unknown)?,
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// # Errors
    /// There is no such key.
    pub async fn delete_key(&self, witness: &WorkspaceAdmin, id: Uuid) -> Result<(), Error> {
        let guard = self.writing().await;
        let workspace = witness.workspace();
        let key = self.store().api_keys().get(workspace, id)?.ok_or(Error::NotFound)?;
        let told = self.key_told(witness.who(), &Step::Gone(&key))?;
        self.save(guard, Changes::new().delete::<ApiKey>(&ApiKey::key_of(workspace, id)), Scope::Workspace(workspace), told).await
    }

    async fn change_key(
        &self,
        witness: &WorkspaceAdmin,
        id: Uuid,
        change: impl FnOnce(&mut ApiKey) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let guard = self.writing().await;
        let workspace = witness.workspace();
        let old = self.store().api_keys().get(workspace, id)?.ok_or(Error::NotFound)?;
        let mut new = old.clone();
        change(&mut new)?;
        let told = self.key_told(witness.who(), &Step::Changed(&old, &new))?;
        if told.is_empty() {
            return Ok(());
        }
        self.save(guard, Changes::new().expect_unchanged(&old).put(&new), Scope::Workspace(workspace), told).await
    }

    fn key_told(&self, who: &Who, step: &Step<'_, ApiKey>) -> Result<Told, Error> {
        let known = self.store().routes().of_workspace(step.one().workspace)?;
        let routes = |key: Option<&ApiKey>| match key {
            Some(key) if key.routes.is_empty() => "all".to_owned(),
            Some(key) => route_handles(&known, &key.routes).join(", "),
            None => String::new(),
        };
        Ok(told::api_key(who, step, [&routes(step.before()), &routes(step.after())]))
    }
}

/// How people call these routes: by slug, or by id where one is gone.
pub(super) fn route_handles(routes: &[Route], ids: &[Uuid]) -> Vec<String> {
    let handle =
        |id: &Uuid| routes.iter().find(|route| route.id == *id).map_or_else(|| id.to_string(), |route| route.slug.as_str().to_owned());
    ids.iter().map(handle).collect()
}

pub(super) fn generate() -> Result<Zeroizing<String>, Error> {
    let length = API_KEY_PREFIX.len() + RANDOM_CHARACTERS;
    let mut key = Zeroizing::new(String::with_capacity(length));
    key.push_str(API_KEY_PREFIX);
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while key.len() < length {
        getrandom::fill(bytes.as_mut()).map_err(|_| Error::store(Cause::Random, "the system gives no random numbers"))?;
        for byte in bytes.iter() {
            // 248 is the largest multiple of 62 in a byte: above it the first letters would come more often.
            if *byte < 248 && key.len() < length {
                key.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::is_api_key;

    #[test]
    fn keys_are_long_random_and_of_the_alphabet() {
        let keys: std::collections::HashSet<String> = (0..200).map(|_| generate().unwrap().to_string()).collect();
        assert_eq!(keys.len(), 200);
        for key in &keys {
            assert!(is_api_key(key) && key.len() == 39, "{key}");
            assert!(key[3..].bytes().all(|b| ALPHABET.contains(&b)));
        }
        let used: std::collections::HashSet<u8> = keys.iter().flat_map(|key| key[3..].bytes()).collect();
        assert_eq!(used.len(), 62);
    }
}
