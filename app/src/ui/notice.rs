//! What happened, said where it happened: a note in a state's colour, and the banner after a form was saved.
//!
//! The banner is fed by `?saved=` in the address, so that it is the same with and without JavaScript. Anyone can write
//! such an address; so the words come from the closed list here and never from the address.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

use super::icon::{Icon, IconName};
use super::late_notice::LateNotice;

/// What a notice tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoticeKind {
    #[default]
    Info,
    Success,
    Warning,
    Error,
}

impl NoticeKind {
    pub(super) const fn classes(self) -> &'static str {
        match self {
            Self::Info => "notice border-info-line bg-info-soft [&>svg]:text-info",
            Self::Success => "notice border-ok-line bg-ok-soft [&>svg]:text-ok",
            Self::Warning => "notice border-warn-line bg-warn-soft [&>svg]:text-warn",
            Self::Error => "notice border-bad-line bg-bad-soft [&>svg]:text-bad",
        }
    }

    pub(super) const fn icon(self) -> IconName {
        match self {
            Self::Info => IconName::Info,
            Self::Success => IconName::Check,
            Self::Warning => IconName::Warning,
            Self::Error => IconName::Cross,
        }
    }
}

/// A note. Errors are announced at once, the others in turn.
#[component]
pub fn Notice(#[prop(optional)] kind: NoticeKind, children: Children) -> impl IntoView {
    let role = if kind == NoticeKind::Error { "alert" } else { "status" };
    view! {
        <div class=kind.classes() role=role>
            <Icon name=kind.icon()/>
            <div class="min-w-0 flex-1 break-words">{children()}</div>
        </div>
    }
}

/// The words for `?saved=<what>`; `None` for what is not in the list.
pub(super) fn saved_words(what: &str) -> Option<&'static str> {
    Some(match what {
        "export-paused" => "Export paused. Nothing is collected for its endpoint until it is resumed.",
        "export-resumed" => "Export resumed.",
        "export-reverted" => "Reverted. The earlier settings are in effect.",
        "workspace-created" => "Workspace created.",
        "workspace-renamed" => "Workspace renamed.",
        "workspace-enabled" => "Workspace enabled.",
        "workspace-disabled" => "Workspace disabled. Its keys are refused and it exports nothing.",
        "workspace-deleted" => "Workspace deleted.",
        "member-added" => "Member added.",
        "member-role" => "Role changed.",
        "member-removed" => "Member removed.",
        "member-enabled" => "Member enabled.",
        "member-disabled" => "Member disabled. For them the workspace is not there any more.",
        "link-made" => "New link made. Earlier ones stopped working.",
        "operator-added" => "Operator added.",
        "operator-enabled" => "Operator enabled.",
        "operator-disabled" => "Operator disabled and signed out.",
        "operator-removed" => "Operator removed.",
        "password" => "Password changed. Your other sessions are signed out.",
        "route-created" => "Route created.",
        "route" => "Route saved.",
        "route-enabled" => "Route enabled.",
        "route-disabled" => "Route disabled. Requests to it are answered with 404.",
        "route-deleted" => "Route deleted.",
        "environment" => "Environment saved.",
        "environment-enabled" => "Environment enabled.",
        "environment-disabled" => "Environment disabled. Requests to it are answered with 404.",
        "environment-deleted" => "Environment deleted.",
        "key" => "API key saved.",
        "key-enabled" => "API key enabled.",
        "key-disabled" => "API key disabled. Requests with it are answered with 401.",
        "key-deleted" => "API key deleted.",
        "webhook" => "Webhook saved.",
        "webhook-enabled" => "Webhook enabled.",
        "webhook-disabled" => "Webhook disabled. Nothing is delivered to it until it is enabled.",
        "webhook-deleted" => "Webhook deleted.",
        "webhook-redelivery" => "Queued. It is delivered once more.",
        "webhook-redeliveries" => "Queued. What failed since then is delivered once more.",
        "webhook-nothing-failed" => "Nothing has failed since then, so nothing was queued.",
        "agent-created" => "AI agent created.",
        "agent" => "AI agent saved.",
        "agent-enabled" => "AI agent enabled.",
        "agent-disabled" => "AI agent disabled. Calls to it are answered with 404.",
        "agent-deleted" => "AI agent deleted.",
        "signed-out" => "You are signed out.",
        _ => return None,
    })
}

/// The banner after a save, on top of the page, and the one of an answer that came late. The frame holds them; pages need none of
/// their own.
#[component]
pub fn SavedNotice() -> impl IntoView {
    let query = use_query_map();
    let location = use_location();
    let words = move || query.with(|query| query.get_str("saved").and_then(saved_words));
    view! {
        <div aria-live="polite">
            {move || {
                words().map(|words| view! {
                    <div class="notice mb-6 border-ok-line bg-ok-soft [&>svg]:text-ok">
                        <Icon name=IconName::Check/>
                        <p class="min-w-0 flex-1">{words}</p>
                        <a href=location.pathname.get() class="text-muted hover:text-ink" aria-label="Dismiss">
                            <Icon name=IconName::Close/>
                        </a>
                    </div>
                })
            }}
            <LateNotice/>
        </div>
    }
}
