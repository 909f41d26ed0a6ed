//! `/settings/integrations/sentry`: where errors are reported, and how that goes. For operators alone.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::tested_form::{Answer, Saved, TestResultOf, TestedFoot, refused};
use super::tracking_api::{SaveTracking, TestTracking, tracking};
use super::tracking_status::{Report, TierStates};
use super::tracking_words::{check_dsn, check_environment, saved_message};
use crate::contract::{Field, TrackingState, TrackingView};
use crate::ui::{
    ActionError, Badge, Card, CardHeader, ErrorView, FormDraft, KeptForm, LinkButton, Notice, NoticeKind, PageHeader, Skeleton, TextField,
    error_of, field_error, follow, form_reset_by, successes,
};

/// The page.
#[component]
pub fn GlobalSentry() -> impl IntoView {
    let save = ServerAction::<SaveTracking>::new();
    let test = ServerAction::<TestTracking>::new();
    let saves = successes(save);
    let tests = successes(test);
    let loaded = Resource::new_blocking(move || (saves.get(), tests.get()), |_| tracking());
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok(view) => view! { <Loaded view save test saves/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(view: TrackingView, save: ServerAction<SaveTracking>, test: ServerAction<TestTracking>, saves: Memo<usize>) -> impl IntoView {
    let live = follow(view.clone(), tracking);
    view! {
        <PageHeader
            title="Error tracking (Sentry)"
            subtitle="Errors of the console's pages and of the server, to Sentry or anything that takes its events."
            scope=|| view! { <Badge>"Global"</Badge> }
            actions=|| view! { <LinkButton href="/settings/integrations">"All integrations"</LinkButton> }
        />
        <div class="grid grid-cols-1 items-start gap-6 min-[1100px]:grid-cols-[minmax(0,640px)_minmax(320px,1fr)]">
            <div class="min-w-0 space-y-6">
                <Settings view save test saves/>
            </div>
            <div class="min-w-0 space-y-6">
                <TierStates live/>
            </div>
        </div>
    }
}

#[component]
fn Settings(view: TrackingView, save: ServerAction<SaveTracking>, test: ServerAction<TestTracking>, saves: Memo<usize>) -> impl IntoView {
    let form = form_reset_by(saves);
    let refused = refused(save, test);
    let saved = Saved { word: "tracking", message: saved_message(&view).to_owned(), at: view.saved_at, by: view.saved_by.clone() };
    let report = view.server.test.clone();
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="A change takes effect at once, without a restart."/>
            <KeptForm action=save also=TestTracking::PATH node_ref=form>
                <Fields view answer=refused/>
                <TestedFoot save test answer=refused saved test_label="Send test error"/>
            </KeptForm>
            <TestResultOf test report sending="Sending a test error…" show=|report| view! { <Report report/> }.into_any()/>
        </Card>
    }
}

#[component]
fn Fields(view: TrackingView, answer: Answer) -> impl IntoView {
    // Kept as the form had it, so that a change that somebody else made meanwhile is still noticed.
    let generation = FormDraft::here().text_or("form[generation]", view.generation.to_string());
    view! {
        <div class="space-y-5 p-5">
            <ActionError error=error_of(answer)/>
            {(view.browser == TrackingState::Broken || view.server.state == TrackingState::Broken).then(|| view! {
                <Notice kind=NoticeKind::Error>
                    "The stored settings can't be read, so what they set is off. Enter them again and save."
                </Notice>
            })}
            <Notice kind=NoticeKind::Info>
                "Sentry becomes a sub-processor: it gets error messages and stack traces. KnoxCall removes what looks like a secret, an address or a person before anything leaves, and sends no bodies, headers, cookies or IP addresses."
            </Notice>
            <input type="hidden" name="form[generation]" value=generation/>
            <TextField
                label=Field::SentryDsnBrowser.label()
                name="form[dsn_browser]"
                value=view.dsn_browser.value
                help="Errors in the console's pages. Each page carries it, so it is public. Leave it empty to turn this off."
                placeholder="https://key@o0.ingest.sentry.io/1"
                mono=true
                optional=true
                error=field_error(answer, Field::SentryDsnBrowser)
                managed_by=view.dsn_browser.by
                validate=check_dsn
            />
            <TextField
                label=Field::SentryDsnServer.label()
                name="form[dsn_server]"
                value=view.dsn_server.value
                help="Failures of KnoxCall itself: answers of 500 and above that it makes, panics, and errors in its log. Leave it empty to turn this off."
                placeholder="https://key@o0.ingest.sentry.io/2"
                mono=true
                optional=true
                error=field_error(answer, Field::SentryDsnServer)
                managed_by=view.dsn_server.by
                validate=check_dsn
            />
            <TextField
                label=Field::SentryEnvironment.label()
                name="form[environment]"
                value=view.environment.value
                help="The environment tag of every event, such as production."
                placeholder="production"
                optional=true
                error=field_error(answer, Field::SentryEnvironment)
                managed_by=view.environment.by
                validate=check_environment
            />
        </div>
    }
}
