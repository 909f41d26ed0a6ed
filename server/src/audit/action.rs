//! What can be done: a closed list, so that a filter can offer it and a typing mistake does not compile.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! actions {
    ($($action:ident = $name:literal,)+) => {
        /// What was done. Its name is `kind.past participle` and never changes: it is in stored entries.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($action,)+
        }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$action,)+];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)+
                }
            }
        }
    };
}

actions! {
    AccountChanged = "account.changed",
    AccountCreated = "account.created",
    AccountPasswordChanged = "account.password_changed",
    AccountSetUp = "account.set_up",
    AgentChanged = "agent.changed",
    AgentCreated = "agent.created",
    AgentDeleted = "agent.deleted",
    ApiKeyChanged = "api_key.changed",
    ApiKeyCreated = "api_key.created",
    ApiKeyDeleted = "api_key.deleted",
    AuditTrimmed = "audit.trimmed",
    AuthLocked = "auth.locked",
    AuthSignedIn = "auth.signed_in",
    AuthSignedOut = "auth.signed_out",
    EnvironmentChanged = "environment.changed",
    EnvironmentCreated = "environment.created",
    EnvironmentDeleted = "environment.deleted",
    ErrorTrackingSaved = "error_tracking.saved",
    ExportPaused = "export.paused",
    ExportResumed = "export.resumed",
    ExportReverted = "export.reverted",
    ExportSaved = "export.saved",
    InvitationRenewed = "invitation.renewed",
    MemberAdded = "member.added",
    MemberChanged = "member.changed",
    MemberRemoved = "member.removed",
    OperatorAdded = "operator.added",
    OperatorChanged = "operator.changed",
    OperatorRemoved = "operator.removed",
    RouteChanged = "route.changed",
    RouteCreated = "route.created",
    RouteDeleted = "route.deleted",
    WebhookChanged = "webhook.changed",
    WebhookCreated = "webhook.created",
    WebhookDeleted = "webhook.deleted",
    WebhookSecretRotated = "webhook.secret_rotated",
    WebhookStopped = "webhook.stopped",
    WorkspaceChanged = "workspace.changed",
    WorkspaceCreated = "workspace.created",
    WorkspaceDeleted = "workspace.deleted",
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        let found = Self::ALL.iter().copied().find(|action| action.name() == name);
        found.ok_or_else(|| serde::de::Error::custom("an action that this version does not know"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kind_and_verb_and_each_is_one_action() {
        let mut names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Action::ALL.len());
        for name in names {
            let (kind, verb) = name.split_once('.').unwrap();
            assert!([kind, verb].iter().all(|part| part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !part.is_empty()));
            let back: Action = serde_json::from_value(serde_json::json!(name)).unwrap();
            assert_eq!(back.name(), name);
        }
        assert!(serde_json::from_value::<Action>(serde_json::json!("route.vanished")).is_err());
    }
}
