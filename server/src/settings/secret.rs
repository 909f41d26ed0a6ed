//! Sealed header lists and texts: sealing, opening, what may be shown of them, and the rule that they are never sent to another
//! origin than the one they were saved for.

use zeroize::Zeroizing;

use super::Error;
use crate::auth::Actor;
use crate::store::{ExportSettings, SecretRecord, UnixMillis, now};
use crate::values::{Email, Endpoint, Field, HeaderList, Rule, TenantId, parse_credential};
use crate::vault::{Binding, OpenError, Vault};

/// What may be shown of a stored secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretState {
    pub set: bool,
    pub names: Vec<String>,
    pub set_at: Option<UnixMillis>,
    /// `None` when the bootstrap file set it.
    pub set_by: Option<Email>,
    /// It does not open: it has to be entered again.
    pub unreadable: bool,
}

/// The place of a sealed secret, for the vault.
#[derive(Clone, Debug)]
pub(super) struct Place {
    tree: &'static str,
    record: String,
    field: &'static str,
}

impl Place {
    pub(super) fn export(workspace: Option<TenantId>) -> Self {
        let record = workspace.map_or_else(|| "operator".to_owned(), |workspace| workspace.to_string());
        Self { tree: <ExportSettings as crate::store::Record>::TREE, record, field: "headers" }
    }

    /// Names workspace and route besides the environment, so that nothing can be moved between workspaces either.
    pub(super) fn environment(workspace: TenantId, route: uuid::Uuid, environment: uuid::Uuid) -> Self {
        let record = format!("{workspace}/{route}/{environment}");
        Self { tree: <crate::store::Route as crate::store::Record>::TREE, record, field: "inject_headers" }
    }

    /// Names the workspace too, so that nothing can be moved between workspaces.
    pub(super) fn webhook(workspace: TenantId, id: uuid::Uuid, field: &'static str) -> Self {
        Self { tree: <crate::store::Webhook as crate::store::Record>::TREE, record: format!("{workspace}/{id}"), field }
    }

    pub(super) fn agent(workspace: TenantId, agent: uuid::Uuid) -> Self {
        Self { tree: <crate::store::Agent as crate::store::Record>::TREE, record: format!("{workspace}/{agent}"), field: "credential" }
    }

    fn binding(&self) -> Binding<'_> {
        Binding { tree: self.tree, record: &self.record, field: self.field }
    }
}

/// The part of a form that is about headers.
pub(super) struct HeaderChange<'a> {
    /// Blank keeps what is stored.
    pub(super) text: &'a str,
    pub(super) clear: bool,
    /// The field to name in an error.
    pub(super) field: Field,
    /// Where they would be sent; `None` while there is no endpoint.
    pub(super) endpoint: Option<&'a Endpoint>,
}

/// The stored headers after a save.
pub(super) fn change(
    vault: &Vault,
    place: &Place,
    stored: Option<&SecretRecord>,
    change: &HeaderChange<'_>,
    actor: &Actor,
) -> Result<Option<SecretRecord>, Error> {
    let given = HeaderList::parse(change.text).map_err(Error::invalid(change.field))?;
    let origin = change.endpoint.map(|endpoint| endpoint.origin().to_owned());
    if given.is_empty() {
        let Some(stored) = stored.filter(|_| !change.clear) else { return Ok(None) };
        if let (Some(old), Some(new)) = (&stored.origin, &origin)
            && old != new
        {
            return Err(Error::Invalid { field: change.field, rule: Rule::OriginChanged });
        }
        return Ok(Some(SecretRecord { origin: stored.origin.clone().or(origin), ..stored.clone() }));
    }
    // The bootstrap file says the same at every start: that is no change.
    if let (Actor::Bootstrap, Some(stored)) = (actor, stored)
        && stored.origin == origin
        && open(vault, place, Some(stored)).is_ok_and(|old| old == given)
    {
        return Ok(Some(stored.clone()));
    }
    let text = Zeroizing::new(given.to_text());
    Ok(Some(SecretRecord {
        sealed: vault.seal(&place.binding(), text.as_bytes())?,
        names: given.names().map(str::to_owned).collect(),
        origin,
        set_at: now(),
        set_by: actor.email().cloned(),
    }))
}

/// The headers themselves; none stored is an empty list.
pub(super) fn open(vault: &Vault, place: &Place, stored: Option<&SecretRecord>) -> Result<HeaderList, OpenError> {
    let Some(stored) = stored else { return Ok(HeaderList::default()) };
    let text = vault.open_sealed(&place.binding(), &stored.sealed)?;
    std::str::from_utf8(&text).ok().and_then(|text| HeaderList::parse(text).ok()).ok_or(OpenError::Format)
}

/// The part of a form that is about a credential.
pub(super) struct CredentialChange<'a> {
    /// Blank keeps what is stored.
    pub(super) text: &'a str,
    pub(super) clear: bool,
    /// Where it would be sent.
    pub(super) endpoint: &'a Endpoint,
}

/// The stored credential after a save.
pub(super) fn change_credential(
    vault: &Vault,
    place: &Place,
    stored: Option<&SecretRecord>,
    change: &CredentialChange<'_>,
    actor: &Actor,
) -> Result<Option<SecretRecord>, Error> {
    let invalid = Error::invalid(Field::Credential);
    let origin = Some(change.endpoint.origin().to_owned());
    let Some(given) = parse_credential(change.text).map_err(invalid)? else {
        let Some(stored) = stored.filter(|_| !change.clear) else { return Ok(None) };
        if stored.origin != origin {
            return Err(Error::Invalid { field: Field::Credential, rule: Rule::CredentialOrigin });
        }
        return Ok(Some(stored.clone()));
    };
    // The bootstrap file says the same at every start: that is no change.
    if let (Actor::Bootstrap, Some(stored)) = (actor, stored)
        && stored.origin == origin
        && open_credential(vault, place, stored).is_ok_and(|old| old.as_str() == given)
    {
        return Ok(Some(stored.clone()));
    }
    seal_text(vault, place, given, Some(change.endpoint), actor).map(Some)
}

/// The credential itself.
pub(super) fn open_credential(vault: &Vault, place: &Place, stored: &SecretRecord) -> Result<Zeroizing<String>, OpenError> {
    let text = open_text(vault, place, stored)?;
    let credential = parse_credential(&text).ok().flatten().ok_or(OpenError::Format)?;
    Ok(Zeroizing::new(credential.to_owned()))
}

/// What may be shown of a stored credential.
pub(super) fn credential_state(vault: &Vault, place: &Place, stored: Option<&SecretRecord>) -> SecretState {
    stored.map_or_else(SecretState::default, |record| shown(record, open_credential(vault, place, record).is_err()))
}

pub(super) fn state(vault: &Vault, place: &Place, stored: Option<&SecretRecord>) -> SecretState {
    stored.map_or_else(SecretState::default, |record| shown(record, open(vault, place, Some(record)).is_err()))
}

fn shown(record: &SecretRecord, unreadable: bool) -> SecretState {
    SecretState { set: true, names: record.names.clone(), set_at: Some(record.set_at), set_by: record.set_by.clone(), unreadable }
}

/// What tells whether a secret was kept: then it keeps its ciphertext, and one that was sealed anew has another.
pub(super) fn ciphertext(stored: Option<&SecretRecord>) -> Option<&str> {
    stored.map(|record| record.sealed.data.as_str())
}

/// Seals a secret that is one text, such as a token. `origin`: where it may be sent; `None` for one that is never sent.
pub(super) fn seal_text(vault: &Vault, place: &Place, text: &str, origin: Option<&Endpoint>, actor: &Actor) -> Result<SecretRecord, Error> {
    Ok(SecretRecord {
        sealed: vault.seal(&place.binding(), text.as_bytes())?,
        names: Vec::new(),
        origin: origin.map(|endpoint| endpoint.origin().to_owned()),
        set_at: now(),
        set_by: actor.email().cloned(),
    })
}

/// A secret that is one text.
pub(super) fn open_text(vault: &Vault, place: &Place, stored: &SecretRecord) -> Result<Zeroizing<String>, OpenError> {
    let bytes = vault.open_sealed(&place.binding(), &stored.sealed)?;
    std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| OpenError::Format)
}

pub(super) fn text_state(vault: &Vault, place: &Place, stored: Option<&SecretRecord>) -> SecretState {
    stored.map_or_else(SecretState::default, |record| shown(record, open_text(vault, place, record).is_err()))
}
