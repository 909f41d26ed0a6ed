//! Pausing and resuming an export, and the warning before it pauses itself.

use leptos::prelude::*;

use super::api::{PauseExport, ResumeExport};
use super::view_model::going_on_words;
use crate::contract::{ExportState, ExportStatus};
use crate::ui::{ActionError, Button, Card, CardHeader, KeptForm, Live, Notice, NoticeKind, Time, error_of};

/// What can be done at the moment.
#[derive(Clone, Debug, PartialEq)]
enum Offer {
    Pause,
    Resume,
    /// It paused itself.
    Test,
    Nothing,
}

/// The card.
#[component]
pub fn PauseCard(
    workspace: String,
    generation: u64,
    live: Live<ExportStatus>,
    pause: ServerAction<PauseExport>,
    resume: ServerAction<ResumeExport>,
) -> impl IntoView {
    let offer = Memo::new(move |_| {
        live.newest.with(|status| match &status.state {
            ExportState::Paused(paused) if paused.by.is_none() => Offer::Test,
            ExportState::Paused(_) => Offer::Resume,
            ExportState::Active | ExportState::Failing { .. } => Offer::Pause,
            ExportState::Off | ExportState::Managed | ExportState::Broken { .. } => Offer::Nothing,
        })
    });
    let countdown = Memo::new(move |_| live.newest.with(|status| status.pauses_at));
    view! {
        {move || {
            let workspace = workspace.clone();
            match offer.get() {
                Offer::Nothing => ().into_any(),
                Offer::Pause => view! { <Pause workspace generation pause countdown/> }.into_any(),
                Offer::Resume => view! { <Resume workspace generation resume itself=false live/> }.into_any(),
                Offer::Test => view! { <Resume workspace generation resume itself=true live/> }.into_any(),
            }
        }}
    }
}

#[component]
fn Pause(workspace: String, generation: u64, pause: ServerAction<PauseExport>, countdown: Memo<Option<i64>>) -> impl IntoView {
    view! {
        <Card>
            <CardHeader
                title="Pause"
                subtitle="While paused, nothing is collected for this endpoint. Its settings stay."
                actions=move || {
                    let workspace = workspace.clone();
                    view! {
                        <KeptForm action=pause about=vec![("workspace", workspace), ("generation", generation.to_string())]>
                            <Button submit=true pending=pause.pending()>
                                "Pause"
                            </Button>
                        </KeptForm>
                    }
                }
            />
            <ActionError error=error_of(pause.value())/>
            {move || countdown.get().map(|at| view! {
                <div class="px-5 py-4">
                    <Notice kind=NoticeKind::Warning>
                        "Nothing has been delivered for a while. If that goes on, this export pauses itself on " <Time at exact=true/> "."
                    </Notice>
                </div>
            })}
        </Card>
    }
}

#[component]
fn Resume(workspace: String, generation: u64, resume: ServerAction<ResumeExport>, itself: bool, live: Live<ExportStatus>) -> impl IntoView {
    let paused = live.newest.with_untracked(|status| match &status.state {
        ExportState::Paused(paused) => Some(paused.clone()),
        _ => None,
    });
    let words = paused.map(|paused| {
        let by = match paused.by {
            Some(by) => format!("Paused by {by} "),
            None => "Paused itself, after it had only failed for too long, ".to_owned(),
        };
        view! { <p>{by} <Time at=paused.since/> ". " {going_on_words(&paused.going_on)}</p> }
    });
    let failed = itself.then(|| live.newest.with_untracked(|status| status.test.as_ref().is_some_and(|report| !report.passed())));
    view! {
        <Card>
            <CardHeader
                title="Paused"
                actions=move || {
                    let workspace = workspace.clone();
                    view! {
                        <KeptForm action=resume about=vec![("workspace", workspace), ("generation", generation.to_string())]>
                            <Button submit=true pending=resume.pending()>
                                {if itself { "Test and resume" } else { "Resume" }}
                            </Button>
                        </KeptForm>
                    }
                }
            />
            <div class="space-y-3 px-5 py-4 text-small text-muted">
                <ActionError error=error_of(resume.value())/>
                {words}
                {failed.filter(|failed| *failed).map(|_| view! {
                    <Notice kind=NoticeKind::Warning>"The last test did not pass, so it stays paused. The result is under the form."</Notice>
                })}
            </div>
        </Card>
    }
}
