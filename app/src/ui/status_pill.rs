//! The state of a thing: always one of the same few, each an icon and a word besides its colour.

use leptos::prelude::*;

use super::icon::{Icon, IconName};
use crate::contract::ExportState;

/// The states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PillState {
    Off,
    Active,
    /// Active, and held by the environment.
    Managed,
    Failing,
    Paused,
    /// The stored settings can't be read.
    Broken,
}

impl PillState {
    /// The state of an export.
    #[must_use]
    pub const fn of_export(state: &ExportState) -> Self {
        match state {
            ExportState::Off => Self::Off,
            ExportState::Active => Self::Active,
            ExportState::Managed => Self::Managed,
            ExportState::Failing { .. } => Self::Failing,
            ExportState::Paused(_) => Self::Paused,
            ExportState::Broken { .. } => Self::Broken,
        }
    }

    /// The word, which tests and screen readers go by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Active => "Active",
            Self::Managed => "Managed by environment",
            Self::Failing => "Failing",
            Self::Paused => "Paused",
            Self::Broken => "Unreadable",
        }
    }

    const fn icon(self) -> IconName {
        match self {
            Self::Off => IconName::Circle,
            Self::Active => IconName::Check,
            Self::Managed => IconName::Lock,
            Self::Failing => IconName::Cross,
            Self::Paused => IconName::Pause,
            Self::Broken => IconName::Warning,
        }
    }

    const fn classes(self) -> &'static str {
        match self {
            Self::Off => "pill bg-sunken text-muted",
            Self::Active => "pill bg-ok-soft text-ok",
            Self::Managed => "pill bg-info-soft text-info",
            Self::Failing | Self::Broken => "pill bg-bad-soft text-bad",
            Self::Paused => "pill bg-warn-soft text-warn",
        }
    }
}

/// The pill. Its word can be replaced where another one is usual, such as "Enabled" for a route.
#[component]
pub fn StatusPill(state: PillState, #[prop(optional)] word: Option<&'static str>) -> impl IntoView {
    view! {
        <span class=state.classes()>
            <Icon name=state.icon()/>
            {word.unwrap_or(state.word())}
        </span>
    }
}
