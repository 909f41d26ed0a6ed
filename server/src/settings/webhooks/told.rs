//! What the audit log is told of endpoints. Of the URL only where it leads: path and query often are a secret.

use crate::audit::{Action, Actor, Log, Resource, Told, Who};
use crate::settings::secret::ciphertext;
use crate::settings::told::{Show, Step, on_off};
use crate::settings::{Error, Settings, keys};
use crate::store::{StopReason, Webhook};
use crate::values::Field;

impl Settings {
    /// An endpoint that is made, saved, switched or removed.
    pub(super) fn webhook_told(&self, who: &Who, step: &Step<'_, Webhook>) -> Result<Told, Error> {
        let action = step.action(Action::WebhookCreated, Action::WebhookChanged, Action::WebhookDeleted);
        let fields: &[(_, Show<Webhook>)] = &[
            (Field::Name.label(), |one| one.name.to_string()),
            ("Receiver", |one| one.url.origin().as_str().to_owned()),
            (Field::EventTypes.label(), |one| one.event_types.iter().map(|event| event.name()).collect::<Vec<_>>().join(", ")),
            (Field::DeliveryMethod.label(), |one| one.method.name().to_owned()),
            (Field::WebhookAuth.label(), |one| one.auth.label().to_owned()),
            (Field::AuthUser.label(), |one| one.auth_user.clone()),
            (Field::AuthHeader.label(), |one| one.auth_header.clone()),
            (Field::IncludeHeaders.label(), |one| on_off(one.include_headers)),
            (Field::IncludeBodies.label(), |one| on_off(one.include_bodies)),
            (Field::DeliveryTimeout.label(), |one| one.timeout_s.map(|seconds| format!("{seconds} s")).unwrap_or_default()),
            (Field::Retries.label(), |one| one.retries.map(|retries| retries.to_string()).unwrap_or_default()),
            ("Enabled", |one| on_off(one.enabled)),
        ];
        let known = self.store().routes().of_workspace(step.one().workspace)?;
        let routes = |webhook: Option<&Webhook>| match webhook {
            Some(webhook) if webhook.routes.is_empty() => "all".to_owned(),
            Some(webhook) => keys::route_handles(&known, &webhook.routes).join(", "),
            None => String::new(),
        };
        let (before, after) = (step.before(), step.after());
        let differs = |of: fn(&Webhook) -> Option<&str>| before.and_then(of) != after.and_then(of);
        Ok(step
            .compared(told(who, action, step.one()), fields)
            .change(Field::WebhookRoutes.label(), &routes(before), &routes(after))
            .secret(Field::WebhookUrl.label(), differs(|one| Some(one.url.as_str())))
            .secret(Field::AuthSecret.label(), differs(|one| ciphertext(one.auth_secret.as_ref())))
            .secret(Field::ExtraHeaders.label(), differs(|one| ciphertext(one.headers.as_ref())))
            .secret(SIGNING_SECRET, differs(|one| ciphertext(Some(&one.signing)))))
    }
}

const SIGNING_SECRET: &str = "Signing secret";

pub(super) fn rotated(who: &Who, webhook: &Webhook) -> Told {
    told(who, Action::WebhookSecretRotated, webhook).secret(SIGNING_SECRET, true)
}

/// KnoxCall switched it off itself.
pub(super) fn stopped(webhook: &Webhook, why: StopReason) -> Told {
    let reason = match why {
        StopReason::Gone => "the receiver answered 410 Gone",
        StopReason::GaveUp => "it had only failed for too long",
    };
    told(&Who::from(Actor::System), Action::WebhookStopped, webhook).switch("Enabled", true, false).change("Reason", "", reason)
}

fn told(who: &Who, action: Action, webhook: &Webhook) -> Told {
    Told::new(who, Log::Workspace(webhook.workspace), action, Resource::new("webhook", &webhook.name, Some(webhook.id)))
}
