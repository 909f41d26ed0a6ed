//! The small cards of a webhook's page: its state, a test, its signing secret.

use leptos::prelude::*;
use uuid::Uuid;

use super::api::{EnableWebhook, RotateSecret, TestWebhook};
use super::view_model::{attempt_line, failure_sentence, state_sentence, switch_words, test_heading};
use crate::contract::values::WebhookAuth;
use crate::contract::{DeliveryAttempt, WebhookState, WebhookView};
use crate::integrations::TestResultOf;
use crate::ui::{ActionError, Button, ButtonKind, Card, CardHeader, ConfirmDialog, Icon, IconName, KeptForm, Time, counted, error_of};

/// How it is doing, and the switch.
#[component]
pub(super) fn StateCard(
    slug: String,
    id: Uuid,
    state: Memo<WebhookState>,
    dropped: u64,
    may_write: bool,
    enable: ServerAction<EnableWebhook>,
) -> impl IntoView {
    let since = move || match state.get() {
        WebhookState::Gone { since } | WebhookState::GaveUp { since } | WebhookState::Failing { since } => Some(since),
        WebhookState::Active | WebhookState::Disabled | WebhookState::Broken => None,
    };
    let switch = move || {
        let (words, on) = state.with(switch_words);
        let about = vec![("workspace", slug.clone()), ("id", id.to_string()), ("enabled", on.to_string())];
        may_write.then(|| {
            view! {
                <div class="border-t border-line px-5 py-3.5">
                    <KeptForm action=enable about>
                        <Button submit=true pending=enable.pending()>
                            {words}
                        </Button>
                    </KeptForm>
                </div>
            }
        })
    };
    view! {
        <Card>
            <CardHeader title="State"/>
            <div class="space-y-2 px-5 py-4 text-small text-muted">
                <ActionError error=error_of(enable.value())/>
                <p role="status">{move || state.with(state_sentence)}</p>
                {move || since().map(|at| view! { <p>"Since " <Time at/></p> })}
                {(dropped > 0).then(|| view! {
                    <p class="text-bad">
                        {counted(dropped, "delivery was", "deliveries were")} " not made, because too many waited already."
                    </p>
                })}
            </div>
            {switch}
        </Card>
    }
}

/// A test delivery to what is saved, and what came of the last one.
#[component]
pub(super) fn TestCard(
    slug: String,
    id: Uuid,
    /// The newest that the history has.
    #[prop(optional_no_strip)]
    last_test: Option<DeliveryAttempt>,
    test: ServerAction<TestWebhook>,
) -> impl IntoView {
    view! {
        <Card>
            <CardHeader title="Test" subtitle="Delivers webhook.test to the URL as saved, once and at once. It is in the history too."/>
            <div class="space-y-3 px-5 py-4">
                <ActionError error=error_of(test.value())/>
                <KeptForm action=test about=vec![("workspace", slug), ("id", id.to_string())]>
                    <Button submit=true pending=test.pending()>
                        "Send test delivery"
                    </Button>
                </KeptForm>
            </div>
            <TestResultOf test report=last_test sending="Sending a test delivery…" show=|attempt| view! { <TestResult attempt/> }.into_any()/>
        </Card>
    }
}

#[component]
fn TestResult(attempt: DeliveryAttempt) -> impl IntoView {
    let passed = attempt.failure.is_none();
    let line = attempt_line(&attempt);
    view! {
        <div class="flex items-start gap-2.5 border-t border-line px-5 py-4 text-small">
            <span class="mt-px shrink-0" class=("text-ok", passed) class=("text-bad", !passed)>
                <Icon name=if passed { IconName::Check } else { IconName::Cross }/>
            </span>
            <div class="min-w-0 flex-1 space-y-0.5">
                <h3 class="font-medium" class=("text-ok", passed) class=("text-bad", !passed)>{test_heading(&attempt)}</h3>
                {attempt.failure.map(|kind| view! { <p class="text-ink">{failure_sentence(kind)}</p> })}
                <p class="text-muted tabular-nums">{line}</p>
                <p class="text-faint"><Time at=attempt.at/></p>
            </div>
        </div>
    }
}

/// What may be said of the signing secret, and a way to a new one.
#[component]
pub(super) fn SecretCard(slug: String, view: WebhookView, may_write: bool, rotate: ServerAction<RotateSecret>) -> impl IntoView {
    let WebhookView { id, auth, signing_secret, overlap_until, .. } = view;
    let unreadable = signing_secret.unreadable;
    let by = signing_secret.set_by.map(|by| format!(" by {by}"));
    let made = signing_secret.set_at.filter(|_| !unreadable).map(|at| view! { <p>"Made " <Time at/> {by}</p> });
    let unsigned = auth == WebhookAuth::None;
    view! {
        <Card>
            <CardHeader title="Signing secret" subtitle="With it the receiver checks that a delivery comes from here. It is shown once, after it was made."/>
            <div class="space-y-2 px-5 py-4 text-small text-muted">
                {made}
                {unreadable.then(|| view! { <p class="text-bad">"What is stored can't be read any more. Rotate it."</p> })}
                {unsigned.then(|| view! { <p>"Deliveries are not signed while the authentication is None."</p> })}
                {overlap_until.map(|at| view! {
                    <p>"The secret before it signs too until " <Time at exact=true/> "."</p>
                })}
            </div>
            {may_write.then(|| view! {
                <div class="border-t border-line px-5 py-3.5">
                    <ConfirmDialog id="rotate-secret" trigger_label="Rotate secret" title="Rotate the signing secret" kind=ButtonKind::Secondary>
                        <p>
                            "A new secret is made and shown once. For 24 hours deliveries carry the signatures of both, so that the receiver can follow; after that only the new one signs."
                        </p>
                        <ActionError error=error_of(rotate.value())/>
                        <KeptForm action=rotate about=vec![("workspace", slug), ("id", id.to_string())]>
                            <Button kind=ButtonKind::Primary submit=true pending=rotate.pending()>
                                "Rotate secret"
                            </Button>
                        </KeptForm>
                    </ConfirmDialog>
                </div>
            })}
        </Card>
    }
}
