//! What came of a form whose answer was so slow that whoever sent it has gone on to another page: told there, in the banner's
//! place, until that page is left too.
//!
//! For the browser alone: without scripts nobody sees another page before the answer.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Icon, IconName};
use super::notice::{NoticeKind, saved_words};
use crate::contract::ApiError;

/// The page from which a form is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentFrom {
    pub path: String,
    pub title: String,
}

impl SentFrom {
    /// The page at hand.
    #[must_use]
    pub fn here() -> Self {
        let title = document().title();
        let title = title.strip_suffix(" · KnoxCall").unwrap_or(&title).to_owned();
        Self { path: window().location().pathname().unwrap_or_default(), title }
    }
}

/// An answer to somebody who has gone on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateAnswer {
    kind: NoticeKind,
    words: String,
    /// Where there is more to see.
    href: String,
}

impl LateAnswer {
    /// It was done, and the answer leads to `target`, where `?saved=` says what was done.
    #[must_use]
    pub fn done(from: &SentFrom, target: &str) -> Self {
        let title = &from.title;
        let saved = target.split_once('?').and_then(|(_, query)| query.split('&').find_map(|part| part.strip_prefix("saved=")));
        let (kind, words) = match saved {
            Some(what) => (NoticeKind::Success, format!("Your change on the page “{title}”: {}", saved_words(what).unwrap_or("Saved."))),
            // What was made is shown there, such as a new key.
            None => (NoticeKind::Info, format!("Your change on the page “{title}” has its answer.")),
        };
        let own = target.starts_with('/') && !target.starts_with("//");
        let href = if own { target } else { "/" };
        Self { kind, words, href: href.to_owned() }
    }

    fn failed(from: &SentFrom, error: &ApiError) -> Self {
        let title = &from.title;
        let (kind, words) = match error {
            // Nobody knows what became of it, which is what these say.
            ApiError::Unreachable | ApiError::Unintelligible | ApiError::SessionUnsaved { .. } | ApiError::Disk { .. } => {
                (NoticeKind::Warning, format!("Your change on the page “{title}”: {error}"))
            }
            // What was typed is gone with its page.
            ApiError::SignedOut => {
                (NoticeKind::Error, format!("Your change on the page “{title}” was not made: your session has ended. Sign in again."))
            }
            other => (NoticeKind::Error, format!("Your change on the page “{title}” was not made: {other}")),
        };
        Self { kind, words, href: from.path.clone() }
    }
}

/// The newest late answer, and the owner of what has to outlive the page of a form.
#[derive(Clone)]
pub struct LateAnswers {
    app: Owner,
    newest: RwSignal<Option<LateAnswer>>,
}

/// Gives all of the console its late answers. In the browser alone: what it provides holds the app for good.
#[must_use]
pub fn provide_late_answers() -> Option<LateAnswers> {
    let answers = LateAnswers { app: Owner::current()?, newest: RwSignal::new(None) };
    provide_context(answers.clone());
    Some(answers)
}

impl LateAnswers {
    /// Shows an answer on the page at hand.
    pub fn tell(&self, answer: LateAnswer) {
        self.newest.set(Some(answer));
    }

    /// An owner for what is asked about a form until its answer is there, for [`Self::follow`].
    pub(super) fn owner(&self) -> Owner {
        self.app.child()
    }

    /// A form was sent from the page at hand: a refusal that comes when that page has been left is told on the one that is there
    /// then. (That it was done is known from where its answer leads.) `version` counts the answers, `error` is what the last one
    /// says. Both belong to `owner`, which ends with the answer.
    pub(super) fn follow(&self, owner: Owner, version: RwSignal<usize>, error: Signal<Option<ApiError>>) {
        let (from, answers) = (SentFrom::here(), self.clone());
        let path = self.app.with(use_location).pathname;
        let before = version.get_untracked();
        owner.clone().with(|| {
            Effect::new(move |_| {
                if version.get() == before {
                    return;
                }
                if path.get_untracked() != from.path
                    && let Some(error) = error.get_untracked()
                {
                    answers.tell(LateAnswer::failed(&from, &error));
                }
                owner.cleanup();
            });
        });
    }
}

/// The notice. Stands within a live region.
#[component]
pub(super) fn LateNotice() -> impl IntoView {
    let newest = use_context::<LateAnswers>().map(|answers| answers.newest);
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let here = path.get();
        if before.is_some_and(|before| before != here)
            && let Some(newest) = newest
        {
            newest.set(None);
        }
        here
    });
    move || {
        let answer = newest.and_then(|newest| newest.get());
        answer.map(|LateAnswer { kind, words, href }| {
            let dismiss = move |_| {
                if let Some(newest) = newest {
                    newest.set(None);
                }
            };
            view! {
                <div class="mb-6">
                    <div class=kind.classes()>
                        <Icon name=kind.icon()/>
                        <p class="min-w-0 flex-1 break-words">
                            {words} " " <a class="link" href=href>"Open page"</a>
                        </p>
                        <button type="button" class="text-muted hover:text-ink" aria-label="Dismiss" on:click=dismiss>
                            <Icon name=IconName::Close/>
                        </button>
                    </div>
                </div>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Field, Rule};

    fn from() -> SentFrom {
        SentFrom { path: "/w/acme/routes/billing".to_owned(), title: "Billing API".to_owned() }
    }

    #[test]
    fn what_was_done_is_told_in_the_banners_words() {
        for (target, kind, words) in [
            ("/w/acme/routes/billing?saved=route", NoticeKind::Success, ": Route saved."),
            ("/w/acme/members?saved=member-added&at=2", NoticeKind::Success, ": Member added."),
            ("/settings/integrations/otlp?saved=otlp", NoticeKind::Success, ": Saved."),
            ("/w/acme/keys?created=1", NoticeKind::Info, " has its answer."),
        ] {
            let words = format!("Your change on the page “Billing API”{words}");
            assert_eq!(LateAnswer::done(&from(), target), LateAnswer { kind, words, href: target.to_owned() });
        }
        for elsewhere in ["//evil.example", "https://evil.example"] {
            assert_eq!(LateAnswer::done(&from(), elsewhere).href, "/");
        }
    }

    #[test]
    fn what_was_refused_says_why_and_what_nobody_knows_is_not_called_refused() {
        let words = |error| LateAnswer::failed(&from(), &error).words;
        let rule = ApiError::Invalid { field: Field::Name, rule: Rule::Required };
        assert_eq!(words(rule), "Your change on the page “Billing API” was not made: Name: fill this in.");
        let error_id = uuid::Uuid::nil();
        for unknown in [ApiError::Unreachable, ApiError::SessionUnsaved { error_id }, ApiError::Disk { error_id }] {
            assert!(!words(unknown).contains("was not made"));
        }
        assert!(!words(ApiError::SignedOut).contains("still on the page"));
    }
}
