//! `/settings/integrations/sentry`: where errors are reported, and how that goes. For operators alone.

use leptos::form::FromFormData;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use web_sys::{FormData, HtmlButtonElement};

use super::tracking_api::{SaveTracking, TestTracking, tracking};
use super::tracking_status::{TierStates, TrackingTestPanel};
use super::tracking_words::{check_dsn, check_environment, saved_message};
use crate::contract::{ApiError, Field, TrackingState, TrackingView};
use crate::routes::{form_reset_by, successes};
use crate::ui::{
    ActionError, Badge, Button, ButtonKind, Card, CardHeader, ErrorView, FormDraft, KeptForm, LinkButton, Notice, NoticeKind, PageHeader,
    Skeleton, TextField, Time, error_of, field_error,
};

type Answer = Signal<Option<Result<(), ApiError>>>;

/// The page.
#[component]
pub fn GlobalSentry() -> impl IntoView {
    let save = ServerAction::<SaveTracking>::new();
    let test = ServerAction::<TestTracking>::new();
    let saves = successes(save);
    let tests = successes(test);
    let loaded = Resource::new_blocking(move || (saves.get(), tests.get()), |_| tracking());
    view! {
        <PageHeader
            title="Error tracking (Sentry)"
            subtitle="Errors of the console's pages and of the server, to Sentry or anything that takes its events."
            scope=|| view! { <Badge>"Global"</Badge> }
            actions=|| view! { <LinkButton href="/settings/integrations">"All integrations"</LinkButton> }
        />
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
    let status = view.clone();
    view! {
        <div class="grid grid-cols-1 items-start gap-6 min-[1100px]:grid-cols-[minmax(0,640px)_minmax(320px,1fr)]">
            <div class="min-w-0 space-y-6">
                <Settings view save test saves/>
            </div>
            <div class="min-w-0 space-y-6">
                <TierStates view=status/>
            </div>
        </div>
    }
}

#[component]
fn Settings(view: TrackingView, save: ServerAction<SaveTracking>, test: ServerAction<TestTracking>, saves: Memo<usize>) -> impl IntoView {
    let form = form_reset_by(saves);
    let (saved, tested) = (save.value(), test.value());
    // Whichever was refused last; each clears the other when it starts.
    let refused: Answer = Signal::derive(move || {
        let error = saved.get().and_then(Result::err).or_else(|| tested.get().and_then(Result::err));
        error.map(Err::<(), ApiError>)
    });
    let saving = save.pending();
    Effect::new(move |_| {
        if saving.get() {
            tested.set(None);
        }
    });
    let report = view.server.test.clone();
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="A change takes effect at once, without a restart."/>
            <KeptForm action=save also=TestTracking::PATH node_ref=form>
                <Fields view=view.clone() answer=refused/>
                <Foot view save test answer=refused/>
            </KeptForm>
            <TrackingTestPanel test report/>
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

#[component]
fn Foot(view: TrackingView, save: ServerAction<SaveTracking>, test: ServerAction<TestTracking>, answer: Answer) -> impl IntoView {
    let query = use_query_map();
    let message = saved_message(&view);
    let said = move || {
        let saved = query.with(|query| query.get_str("saved") == Some("tracking"));
        // An address keeps `saved` while a later attempt fails.
        let failed = answer.with(|answer| matches!(answer, Some(Err(_))));
        if saved && !failed { message } else { "" }
    };
    view! {
        <div class="flex flex-wrap items-center gap-x-3 gap-y-2 border-t border-line px-5 py-3.5">
            <Button kind=ButtonKind::Primary submit=true pending=save.pending()>
                "Save"
            </Button>
            <TestButton save test/>
            <p class="text-small font-medium text-ok" role="status">
                {said}
            </p>
            {view.saved_at.map(|at| view! {
                <p class="ml-auto text-small text-faint">
                    "Last saved " <Time at/> {view.saved_by.map(|by| format!(" by {by}"))}
                </p>
            })}
        </div>
    }
}

/// Sends the same form elsewhere: without scripts by its own address, with them by the action.
#[component]
fn TestButton(save: ServerAction<SaveTracking>, test: ServerAction<TestTracking>) -> impl IntoView {
    let pending = test.pending();
    let press = move |event: leptos::ev::MouseEvent| {
        let button: HtmlButtonElement = event_target(&event);
        let Some(data) = button.form().and_then(|form| FormData::new_with_form(&form).ok()) else { return };
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        if let Ok(input) = TestTracking::from_form_data(&data) {
            save.value().set(None);
            test.dispatch(input);
        }
    };
    view! {
        <button
            type="submit"
            formaction=TestTracking::url()
            class=ButtonKind::Secondary.classes()
            aria-disabled=move || pending.get().then_some("true")
            aria-busy=move || pending.get().then_some("true")
            on:click=press
        >
            "Send test error"
        </button>
    }
}
